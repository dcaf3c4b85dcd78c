//! Sending a person to the provider.

use super::metadata::Places;
use crate::error::{Purpose, UpstreamError};
use crate::http::HttpError;
use crate::provider::ProviderSettings;
use crate::upstream::{Upstream, no_answer};
use oidc::authorize::AuthorizationRequest;
use oidc::redirect::RedirectUri;

/// What belongs to one sign-in. State, nonce and verifier are kept with the browser's pending
/// sign-in until it comes back.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizeInput<'a> {
    /// Where the answer goes; the same bytes are repeated in the token request.
    pub redirect_uri: &'a RedirectUri,
    /// `model::random::token` makes one.
    pub state: &'a str,
    /// Likewise.
    pub nonce: &'a str,
    /// [`oidc::pkce::Verifier::challenge`].
    pub challenge: &'a str,
    /// `login` asks the provider to authenticate anew.
    pub prompt: Option<&'a str>,
    /// The address the person typed, if any.
    pub login_hint: Option<&'a str>,
}

impl Upstream {
    /// The URL to which the person is sent.
    ///
    /// # Errors
    /// Discovery failed, or the authorization URL is one of ours (SSO-104) or not usable.
    pub async fn authorize(
        &self,
        settings: &ProviderSettings,
        input: &AuthorizeInput<'_>,
    ) -> Result<String, UpstreamError> {
        let places = self.places(settings, &self.memory(settings)).await?;
        self.authorization_url(settings, &places, input)
    }

    pub(super) fn authorization_url(
        &self,
        settings: &ProviderSettings,
        places: &Places,
        input: &AuthorizeInput<'_>,
    ) -> Result<String, UpstreamError> {
        let endpoint = places.authorization();
        if self.http.guard().is_own_url(endpoint.url()) {
            let host = endpoint.host();
            let error = HttpError::OwnHost { host };
            return Err(no_answer(Purpose::Authorization, endpoint.url(), error));
        }
        let request = AuthorizationRequest {
            endpoint,
            client_id: &settings.client_id,
            redirect_uri: input.redirect_uri,
            scopes: &settings.scopes,
            state: input.state,
            nonce: input.nonce,
            challenge: input.challenge,
            prompt: input.prompt,
            login_hint: input.login_hint,
        };
        Ok(request.url()?)
    }
}
