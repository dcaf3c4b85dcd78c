//! The provider's signing keys.

use super::memory::Memory;
use super::slot::Refetch;
use crate::error::{AnswerFault, Purpose, UpstreamError};
use crate::http::{Request, Response};
use crate::provider::ProviderSettings;
use crate::upstream::{Upstream, fault, unreadable};
use oidc::discovery::Metadata;
use oidc::jwk::KeySet;
use oidc::jwt::JwtError;
use url::Url;

impl Upstream {
    /// Runs `check` with the provider's keys, and once more with fresh ones when it failed for
    /// want of a key: providers change their keys between a person's leaving and coming back.
    pub(super) async fn with_keys<T, E>(
        &self,
        settings: &ProviderSettings,
        memory: &Memory,
        metadata: &Metadata,
        check: impl Fn(&KeySet) -> Result<T, E>,
        jwt_error: impl Fn(&E) -> Option<&JwtError>,
    ) -> Result<T, UpstreamError>
    where
        UpstreamError: From<E>,
    {
        let fetch = async || self.fetch_keys(settings, metadata).await;
        let keys = memory.keys.get(fetch).await?;
        let error = match check(&keys) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        if !jwt_error(&error).is_some_and(JwtError::keys_may_be_old) {
            return Err(error.into());
        }
        match memory.keys.refetch(&keys, fetch).await {
            Refetch::Fresh(fresh) => Ok(check(&fresh)?),
            // The first error names the key that is missing; that a second fetch was not made, or
            // failed as well, would only hide it.
            Refetch::TooSoon => Err(error.into()),
            Refetch::Failed(failure) => {
                tracing::info!(error = %failure, "keys could not be fetched anew");
                Err(error.into())
            }
        }
    }

    async fn fetch_keys(
        &self,
        settings: &ProviderSettings,
        metadata: &Metadata,
    ) -> Result<KeySet, UpstreamError> {
        let url = metadata.jwks_uri.url();
        let answer = self.fetch(settings, Purpose::Keys, &request(url)).await?;
        read(url, &answer)
    }
}

pub(crate) const fn request(url: &Url) -> Request<'_> {
    Request::get(url).accept("application/json, application/jwk-set+json")
}

pub(crate) fn read(url: &Url, answer: &Response) -> Result<KeySet, UpstreamError> {
    if answer.status != 200 {
        return Err(fault(
            Purpose::Keys,
            url,
            AnswerFault::Status(answer.status),
        ));
    }
    KeySet::parse(&answer.body).map_err(|why| unreadable(Purpose::Keys, url, answer, why))
}
