//! A device that shows a code (RFC 8628): discovery of the endpoint, both codes, asking as often as it
//! is told to, ID token, userinfo.
//!
//! It prints `go URL` with the page that has the code filled in, and then asks until there are tokens.

use super::{Setup, http};
use anyhow::{Context as _, Result};
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod,
    CoreDeviceAuthorizationResponse, CoreGrantType, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode,
    CoreResponseType, CoreSubjectIdentifierType, CoreUserInfoClaims,
};
use openidconnect::{
    AdditionalProviderMetadata, ClientId, ClientSecret, DeviceAuthorizationUrl, IssuerUrl, Nonce,
    OAuth2TokenResponse as _, ProviderMetadata, TokenResponse as _,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::io::Write as _;

#[derive(Clone, Debug, Deserialize, Serialize)]
struct DeviceEndpoint {
    device_authorization_endpoint: DeviceAuthorizationUrl,
}

impl AdditionalProviderMetadata for DeviceEndpoint {}

type Metadata = ProviderMetadata<
    DeviceEndpoint,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

pub fn connect(setup: Setup) -> Result<Value> {
    let http = http();
    let issuer = IssuerUrl::new(setup.issuer.clone())?;
    let provider = Metadata::discover(&issuer, &http).context("discovery")?;
    let endpoint = provider
        .additional_metadata()
        .device_authorization_endpoint
        .clone();
    let secret = (!setup.client_secret.is_empty()).then(|| setup.client_secret.clone());
    let client = CoreClient::from_provider_metadata(
        provider,
        ClientId::new(setup.client_id.clone()),
        secret.map(ClientSecret::new),
    )
    .set_device_authorization_url(endpoint);
    let codes: CoreDeviceAuthorizationResponse = client
        .exchange_device_code()
        .add_scopes(setup.scopes())
        .request(&http)
        .context("device authorization endpoint")?;
    let complete = codes.verification_uri_complete();
    let complete = complete.context("no address with the code in it")?;
    println!("go {}", complete.secret());
    std::io::stdout().flush()?;

    let waited = RefCell::new(Vec::new());
    let tokens = client
        .exchange_device_access_token(&codes)?
        .request(
            &http,
            |time| {
                waited.borrow_mut().push(time.as_secs());
                std::thread::sleep(time);
            },
            None,
        )
        .context("token endpoint")?;
    let id_token = tokens.id_token().context("no ID token")?;
    let verifier = client.id_token_verifier();
    // There is no browser to bind it to, so there is no nonce (RFC 8628 has none).
    let no_nonce = |nonce: Option<&Nonce>| match nonce {
        None => Ok(()),
        Some(_) => Err("a nonce that nobody asked for".to_owned()),
    };
    let claims = id_token.claims(&verifier, no_nonce).context("ID token")?;
    let userinfo: CoreUserInfoClaims = client
        .user_info(
            tokens.access_token().clone(),
            Some(claims.subject().clone()),
        )?
        .request(&http)
        .context("userinfo")?;
    Ok(json!({
        "verification_uri": codes.verification_uri(),
        "user_code": codes.user_code().secret(),
        "waited": waited.into_inner(),
        "id_token": claims,
        "userinfo": userinfo,
        "scope": tokens.scopes(),
        "refreshable": tokens.refresh_token().is_some(),
    }))
}
