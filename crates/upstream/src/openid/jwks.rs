//! The provider's signing keys.

use super::memory::Memory;
use super::slot::Refetch;
use crate::error::{AnswerFault, Purpose, UpstreamError};
use crate::http::{Request, Response};
use crate::provider::{Endpoints, ProviderSettings};
use crate::upstream::{Upstream, fault, unreadable};
use oidc::discovery::Metadata;
use oidc::jwk::KeySet;
use oidc::jwt::JwtError;
use std::sync::Arc;
use url::Url;

impl Upstream {
    /// Runs `check` with the provider's keys, and once more with fresh ones when it failed for
    /// want of a key: providers change their keys between a person's leaving and coming back, and
    /// now and then the URL that they are at.
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
        let may_be_old = |error: &E| jwt_error(error).is_some_and(JwtError::keys_may_be_old);
        let slot = &memory.known.keys;
        let (seen, error) = match slot
            .get(async || self.fetch_keys(settings, metadata).await)
            .await
        {
            Ok(keys) => match check(&keys) {
                Ok(value) => return Ok(value),
                Err(error) if !may_be_old(&error) => return Err(error.into()),
                Err(error) => (Some(keys), error.into()),
            },
            Err(error) => (None, error),
        };
        // The first error names the key that is missing; that a second fetch was not made, or
        // failed as well, would only hide it.
        let (seen, error) = match seen {
            None => (None, error),
            Some(keys) => {
                let allowed = || self.pauses.over(&metadata.issuer, Purpose::Keys);
                let fetch = async || self.fetch_keys(settings, metadata).await;
                match slot.refetch(&keys, allowed, fetch).await {
                    Refetch::TooSoon => (Some(keys), error),
                    Refetch::Failed(failure) => {
                        tracing::info!(error = %failure, "keys could not be fetched anew");
                        (Some(keys), error)
                    }
                    Refetch::Fresh(fresh) => match check(&fresh) {
                        Ok(value) => return Ok(value),
                        Err(error) if !may_be_old(&error) => return Err(error.into()),
                        Err(error) => (Some(fresh), error.into()),
                    },
                }
            }
        };
        match self.moved_keys(settings, memory, metadata, seen).await {
            Some(keys) => Ok(check(&keys)?),
            None => Err(error),
        }
    }

    /// The keys at another URL than `metadata` names, if the provider's discovery document says by
    /// now that they are there. It is fetched anew for that, after a pause like keys themselves.
    async fn moved_keys(
        &self,
        settings: &ProviderSettings,
        memory: &Memory,
        metadata: &Metadata,
        seen: Option<Arc<KeySet>>,
    ) -> Option<Arc<KeySet>> {
        let Endpoints::Issuer(issuer) = &settings.endpoints else {
            return None;
        };
        let discover = async || self.discover(settings, issuer).await;
        let slot = &memory.known.metadata;
        let held = slot.get(discover).await.ok()?;
        let latest = if held.jwks_uri.url() == metadata.jwks_uri.url() {
            let allowed = || self.pauses.over(&metadata.issuer, Purpose::Discovery);
            match slot.refetch(&held, allowed, discover).await {
                Refetch::Fresh(latest) => latest,
                Refetch::TooSoon | Refetch::Failed(_) => return None,
            }
        } else {
            held
        };
        if latest.jwks_uri.url() == metadata.jwks_uri.url() {
            return None;
        }
        tracing::info!(keys.url = %latest.jwks_uri.url(), "the provider's keys are at another URL now");
        let fetch = async || self.fetch_keys(settings, &latest).await;
        let keys = &memory.known.keys;
        match seen {
            None => keys.get(fetch).await.ok(),
            Some(seen) => match keys.refetch(&seen, || true, fetch).await {
                Refetch::Fresh(fresh) => Some(fresh),
                Refetch::TooSoon | Refetch::Failed(_) => None,
            },
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
