//! Signing a person out at the provider too.

use crate::error::UpstreamError;
use crate::provider::ProviderSettings;
use crate::upstream::Upstream;
use oidc::end_session::EndSessionRequest;
use secrecy::{ExposeSecret as _, SecretString};

/// What belongs to one sign-out.
#[derive(Debug, Clone, Copy)]
pub struct EndSessionInput<'a> {
    /// The ID token of the sign-in, if it was kept.
    pub id_token_hint: Option<&'a SecretString>,
    /// Where the person comes back to.
    pub return_to: &'a str,
    /// Ties the return to this browser.
    pub state: &'a str,
}

impl Upstream {
    /// The URL on which a person signs out at the provider; `None` where it has none, or names one
    /// of ours.
    ///
    /// # Errors
    /// Discovery failed, or the URL is not usable.
    pub async fn end_session_url(
        &self,
        settings: &ProviderSettings,
        input: &EndSessionInput<'_>,
    ) -> Result<Option<String>, UpstreamError> {
        let metadata = self.metadata(settings).await?;
        let endpoint = metadata
            .as_ref()
            .and_then(|metadata| metadata.end_session_endpoint.as_ref())
            .filter(|endpoint| !self.http.guard().is_own_url(endpoint.url()));
        let Some(endpoint) = endpoint else {
            return Ok(None);
        };
        let request = EndSessionRequest {
            endpoint,
            client_id: &settings.client_id,
            id_token_hint: input.id_token_hint.map(|hint| hint.expose_secret()),
            return_to: input.return_to,
            state: input.state,
        };
        Ok(Some(request.url()?))
    }
}
