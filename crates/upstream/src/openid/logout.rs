//! A provider's word that somebody signed out there.

use crate::error::UpstreamError;
use crate::provider::ProviderSettings;
use crate::upstream::Upstream;
use oidc::logout_token::{self, Expected, LogoutToken, LogoutTokenError};

impl Upstream {
    /// Verifies a logout token with the provider's keys. Whether it was taken before is for the
    /// caller to know. `None` for a provider set up by endpoints: without an issuer and its keys
    /// nothing can be verified.
    ///
    /// # Errors
    /// [`UpstreamError::LogoutToken`] if the token is at fault; anything else if the provider's
    /// discovery document or keys could not be had.
    pub async fn logout_token(
        &self,
        settings: &ProviderSettings,
        token: &str,
    ) -> Result<Option<LogoutToken>, UpstreamError> {
        let memory = self.memory(settings);
        let places = self.places(settings, &memory).await?;
        let Some(metadata) = places.metadata() else {
            return Ok(None);
        };
        let expected = Expected {
            issuer: &metadata.issuer,
            client_id: &settings.client_id,
            algs: metadata.id_token_algs.as_deref(),
            now: self.clock.now(),
            leeway: settings.leeway,
        };
        self.with_keys(
            settings,
            &memory,
            metadata,
            |keys| logout_token::verify(token, keys, &expected),
            |error| match error {
                LogoutTokenError::Jwt(error) => Some(error),
                _ => None,
            },
        )
        .await
        .map(Some)
    }
}
