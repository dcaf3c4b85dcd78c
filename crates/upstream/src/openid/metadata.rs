//! Where the provider's endpoints are: from discovery, or as typed.

use super::memory::Memory;
use crate::error::{AnswerFault, Purpose, UpstreamError};
use crate::http::{Request, Response};
use crate::provider::{Endpoints, ProviderSettings, TypedEndpoints};
use crate::upstream::{Upstream, fault, unreadable};
use oidc::discovery::{DiscoveryError, Metadata};
use oidc::endpoint::{Endpoint, UrlError};
use oidc::issuer::{Issuer, IssuerError, Repair};
use std::sync::Arc;
use url::Url;

/// The endpoints of one sign-in.
#[derive(Debug, Clone)]
pub(crate) enum Places {
    /// Of a provider known by its issuer.
    Discovered(Arc<Metadata>),
    /// Typed by hand.
    Typed(Arc<TypedEndpoints>),
}

impl Places {
    pub(crate) fn authorization(&self) -> &Endpoint {
        match self {
            Self::Discovered(metadata) => &metadata.authorization_endpoint,
            Self::Typed(typed) => &typed.authorization,
        }
    }

    pub(crate) fn token(&self) -> &Endpoint {
        match self {
            Self::Discovered(metadata) => &metadata.token_endpoint,
            Self::Typed(typed) => &typed.token,
        }
    }

    pub(crate) fn userinfo(&self) -> Option<&Endpoint> {
        match self {
            Self::Discovered(metadata) => metadata.userinfo_endpoint.as_ref(),
            Self::Typed(typed) => Some(&typed.userinfo),
        }
    }

    pub(crate) fn metadata(&self) -> Option<&Arc<Metadata>> {
        match self {
            Self::Discovered(metadata) => Some(metadata),
            Self::Typed(_) => None,
        }
    }
}

impl Upstream {
    /// The provider's discovery document, fetched at most once an hour. `None` for a provider set
    /// up by endpoints.
    ///
    /// # Errors
    /// No answer, or no document that speaks for the issuer.
    pub async fn metadata(
        &self,
        settings: &ProviderSettings,
    ) -> Result<Option<Arc<Metadata>>, UpstreamError> {
        let places = self.places(settings, &self.memory(settings)).await?;
        Ok(places.metadata().cloned())
    }

    /// Finds the issuer that a pasted text means, asking the provider how it writes it. Every
    /// change to what was pasted is listed. `settings` say how the provider may be reached; its
    /// own issuer does not count.
    ///
    /// # Errors
    /// No issuer in the text, no answer, or a document of a wholly different issuer.
    pub async fn learn_issuer(
        &self,
        pasted: &str,
        settings: &ProviderSettings,
    ) -> Result<(Issuer, Vec<Repair>, Metadata), UpstreamError> {
        let (typed, mut repairs) =
            oidc::issuer::repair(pasted).map_err(crate::provider::SettingsError::Issuer)?;
        let url = discovery_url(&typed)?;
        let answer = self
            .fetch(settings, Purpose::Discovery, &request(&url))
            .await?;
        let metadata = Metadata::parse_any(&answer.body)
            .map_err(|why| unreadable(Purpose::Discovery, &url, &answer, why))?;
        if metadata.issuer == typed.as_str() {
            return Ok((typed, repairs, metadata));
        }
        let answered = Issuer::parse(&metadata.issuer)
            .ok()
            .filter(|answered| typed.differs_by_slash_only(answered.as_str()));
        let Some(answered) = answered else {
            let differs = DiscoveryError::Issuer {
                configured: typed.as_str().to_owned(),
                answered: oidc::foreign::printable(&metadata.issuer, 300),
            };
            return Err(fault(Purpose::Discovery, &url, differs));
        };
        repairs.push(Repair::SlashFromAnswer);
        Ok((answered, repairs, metadata))
    }

    /// The origin of the token endpoint, to which a client secret goes: `https://auth.example`.
    ///
    /// # Errors
    /// As [`Upstream::metadata`].
    pub async fn token_origin(&self, settings: &ProviderSettings) -> Result<String, UpstreamError> {
        let places = self.places(settings, &self.memory(settings)).await?;
        Ok(origin(places.token()))
    }

    pub(crate) async fn places(
        &self,
        settings: &ProviderSettings,
        memory: &Memory,
    ) -> Result<Places, UpstreamError> {
        match &settings.endpoints {
            Endpoints::Manual(typed) => Ok(Places::Typed(Arc::clone(typed))),
            Endpoints::Issuer(issuer) => memory
                .known
                .metadata
                .get(async || self.discover(settings, issuer).await)
                .await
                .map(Places::Discovered),
        }
    }

    pub(super) async fn discover(
        &self,
        settings: &ProviderSettings,
        issuer: &Issuer,
    ) -> Result<Metadata, UpstreamError> {
        let url = discovery_url(issuer)?;
        let answer = self
            .fetch(settings, Purpose::Discovery, &request(&url))
            .await?;
        read(&url, &answer, issuer)
    }
}

/// Scheme, host and port of an endpoint.
pub(crate) fn origin(endpoint: &Endpoint) -> String {
    endpoint.url().origin().ascii_serialization()
}

/// The request for a discovery document: the one call that may be redirected, once.
pub(crate) const fn request(url: &Url) -> Request<'_> {
    Request::get(url).follow_within_origin()
}

/// The document, out of an answer with status 200.
pub(crate) fn read(
    url: &Url,
    answer: &Response,
    issuer: &Issuer,
) -> Result<Metadata, UpstreamError> {
    if answer.status != 200 {
        let status = AnswerFault::Status(answer.status);
        return Err(fault(Purpose::Discovery, url, status));
    }
    Metadata::parse(&answer.body, issuer)
        .map_err(|why| unreadable(Purpose::Discovery, url, answer, why))
}

pub(crate) fn discovery_url(issuer: &Issuer) -> Result<Url, UpstreamError> {
    Url::parse(&issuer.discovery_url()).map_err(|_| {
        let why = IssuerError::Url(UrlError::Shape);
        crate::provider::SettingsError::Issuer(why).into()
    })
}
