//! `oidc-provider` from npm: a certified OpenID provider.

use super::told::{Told, directory};
use super::{ProviderError, RealProvider, Setup, forms, installed};
use crate::browser::Tab;
use serde_json::{Value, json};
use std::process::Command;
use url::Url;

/// A running provider; dropped, it ends. A person's login is their `sub`, and at its form any
/// password opens the account.
pub struct OidcProvider(Told);

impl OidcProvider {
    /// The person has left.
    ///
    /// # Errors
    /// When nobody has the login or the provider has ended.
    pub async fn remove_person(&mut self, login: &str) -> Result<(), ProviderError> {
        self.0.remove_person(login).await
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl RealProvider for OidcProvider {
    const NAME: &'static str = "oidc-provider";

    async fn start(setup: Setup) -> Result<Self, ProviderError> {
        let directory = directory("oidc-provider");
        installed(directory.join("node_modules/oidc-provider"))?;
        let mut command = Command::new("node");
        command.arg("provider.mjs").current_dir(directory);
        let clients = setup.clients.iter().map(|client| {
            let mut metadata = client.also.clone();
            metadata.insert("client_id".to_owned(), json!(client.id));
            metadata.insert("client_secret".to_owned(), json!(client.secret));
            metadata.insert("redirect_uris".to_owned(), json!(client.redirect_uris));
            metadata.insert("token_endpoint_auth_method".to_owned(), json!(client.auth));
            if let Some((backchannel, signed_out)) = &client.departures {
                let mut tell = |name: &str, value| metadata.insert(name.to_owned(), value);
                tell("backchannel_logout_uri", json!(backchannel));
                tell("backchannel_logout_session_required", json!(true));
                tell("post_logout_redirect_uris", json!([signed_out]));
                tell(
                    "grant_types",
                    json!(["authorization_code", "refresh_token"]),
                );
            }
            metadata
        });
        let config = json!({
            "clients": clients.collect::<Vec<_>>(),
            "pkce_required": !setup.pkce_optional,
            "claims_in_id_token": setup.claims_in_id_token,
            "template_scope": !setup.no_template_scope,
            "trailing_slashes": setup.trailing_slashes,
            "for_load": setup.for_load,
        });
        Ok(Self(Told::start(command, config, setup.people).await?))
    }

    fn issuer(&self) -> &str {
        self.0.issuer()
    }

    async fn set_claim(
        &mut self,
        login: &str,
        claim: &str,
        value: impl Into<Value>,
    ) -> Result<(), ProviderError> {
        self.0.set_claim(login, claim, value).await
    }

    async fn sign_in(&self, tab: &mut Tab, url: &str, login: &str) -> Result<Url, ProviderError> {
        forms::walk(tab, url, |page| {
            let form = page.form("form")?;
            if form.value("prompt").as_deref() != Some("login") {
                return Ok(form);
            }
            let form = form.fill("login", login)?;
            Ok(form.fill("password", super::PASSWORD)?)
        })
        .await
    }

    fn output(&self) -> String {
        self.0.output()
    }
}
