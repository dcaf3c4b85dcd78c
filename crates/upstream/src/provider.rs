//! A provider's settings in the form in which calls need them.

use crate::http::Access;
use crate::http::certificate::{Certificates, Fingerprint, FingerprintError, PemError};
use crate::http::tls::Trust;
use crate::journal::Journal;
use model::ids::ProviderId;
use model::link::Namespace;
use model::provider::{self as stored, ClientAuth, ResponseMode, TlsTrust};
use model::time::Timestamp;
use oidc::callback::Delivery;
use oidc::endpoint::{Endpoint, UrlError};
use oidc::id_token::Leeway;
use oidc::issuer::{Issuer, IssuerError};
use oidc::scope::{ScopeError, Scopes};
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::time::Instant;

/// Claims that name an address, which may change hands and so never identify anybody.
const ADDRESS_CLAIMS: [&str; 6] = [
    "email",
    "mail",
    "emails",
    "upn",
    "preferred_username",
    "alt_emails",
];

/// Why settings cannot be used. Each names its field, for the form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The issuer.
    #[error("issuer: {0}")]
    Issuer(#[from] IssuerError),
    /// One of the endpoints typed by hand.
    #[error("{endpoint} endpoint: {why}")]
    Endpoint {
        /// `authorization`, `token` or `userinfo`.
        endpoint: &'static str,
        /// What is wrong with it.
        why: UrlError,
    },
    /// No client id.
    #[error("client id: empty")]
    NoClientId,
    /// Basic authentication without a secret.
    #[error("client secret: none is stored, but the authentication method needs one")]
    NoSecret,
    /// The scopes.
    #[error("scopes: {0}")]
    Scopes(#[from] ScopeError),
    /// A subject claim that names an address.
    #[error("subject claim: {0} names an address, which may change hands")]
    SubjectClaim(String),
    /// The CA certificates.
    #[error("CA certificate: {0}")]
    Certificates(#[from] PemError),
    /// The pinned certificate.
    #[error("pinned certificate: {0}")]
    Fingerprint(#[from] FingerprintError),
}

/// Where the provider is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoints {
    /// One issuer; discovery fills in the rest.
    Issuer(Issuer),
    /// Typed by hand.
    Manual(Arc<TypedEndpoints>),
}

/// Endpoints as mailcow's form asks for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedEndpoints {
    /// Where people are sent.
    pub authorization: Endpoint,
    /// Where codes are exchanged.
    pub token: Endpoint,
    /// Where claims are.
    pub userinfo: Endpoint,
}

/// A provider's settings, parsed.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// The provider; `ProviderId(0)` for one that is not stored yet, about which nothing is
    /// remembered between calls.
    pub id: ProviderId,
    /// Where its subjects are unique.
    pub namespace: Namespace,
    /// Where it is.
    pub endpoints: Endpoints,
    /// Our client id there.
    pub client_id: String,
    /// Our secret there; `None` makes us a public client.
    pub secret: Option<SecretString>,
    /// The only origin the secret may be sent to ([`crate::Upstream::token_origin`]); `None` for one
    /// that was never used.
    pub secret_origin: Option<String>,
    /// How we authenticate at its token endpoint.
    pub client_auth: ClientAuth,
    /// How it is asked to send its answers.
    pub response_mode: ResponseMode,
    /// What we ask for.
    pub scopes: Scopes,
    /// The stable claim in place of `sub`; only for endpoints typed by hand.
    pub subject_claim: Option<String>,
    /// How its certificate is trusted.
    pub tls: TlsSettings,
    /// Hosts that may have private addresses: names in lower case, literals without brackets.
    pub private_hosts: BTreeSet<String>,
    /// Whether all claims that rules need are in the ID token, so that userinfo is not asked and a
    /// sign-in takes one round trip. Ignored for endpoints typed by hand.
    pub skip_userinfo: bool,
    /// How far its clock may differ from ours.
    pub leeway: Leeway,
    /// When all calls of this sign-in together must be over; each is bounded by itself too.
    pub deadline: Option<Instant>,
    /// Where the calls are noted that are made with these settings.
    pub journal: Option<Journal>,
}

/// How a certificate is trusted, parsed, with the end of an exception still open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsSettings {
    /// At every moment alike.
    Always(Trust),
    /// Any certificate until then; by the public authorities afterwards.
    IgnoreErrors {
        /// `None` when no end was given.
        until: Option<Timestamp>,
    },
}

impl TlsSettings {
    /// Reads the stored form.
    ///
    /// # Errors
    /// [`SettingsError`] of the PEM text or the fingerprint.
    pub fn parse(stored: &TlsTrust) -> Result<Self, SettingsError> {
        Ok(match stored {
            TlsTrust::Public => Self::Always(Trust::Public),
            TlsTrust::Ca { pem } => Self::Always(Trust::And(Certificates::parse(pem)?)),
            TlsTrust::Pinned { sha256 } => Self::Always(Trust::Only(Fingerprint::parse(sha256)?)),
            TlsTrust::Ignore { until } => Self::IgnoreErrors { until: *until },
        })
    }

    /// What counts at `now`.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Trust {
        match self {
            Self::Always(trust) => trust.clone(),
            Self::IgnoreErrors { until } if until.is_none_or(|end| now < end) => Trust::Any,
            Self::IgnoreErrors { .. } => Trust::Public,
        }
    }
}

impl ProviderSettings {
    /// Reads a stored provider. `secret` is its client secret, unsealed for this call.
    ///
    /// # Errors
    /// [`SettingsError`]: the first field that cannot be used. Forms call this before saving.
    pub fn of(
        provider: &stored::Provider,
        secret: Option<SecretString>,
    ) -> Result<Self, SettingsError> {
        let settings = &provider.settings;
        let endpoints = endpoints(&settings.endpoints)?;
        if settings.client_id.is_empty() {
            return Err(SettingsError::NoClientId);
        }
        if settings.client_auth == ClientAuth::Basic && secret.is_none() {
            return Err(SettingsError::NoSecret);
        }
        if let Some(claim) = &settings.subject_claim
            && ADDRESS_CLAIMS.contains(&claim.to_ascii_lowercase().as_str())
        {
            return Err(SettingsError::SubjectClaim(claim.clone()));
        }
        Ok(Self {
            id: provider.id,
            namespace: provider.namespace.clone(),
            endpoints,
            client_id: settings.client_id.clone(),
            secret,
            secret_origin: None,
            client_auth: settings.client_auth,
            response_mode: settings.response_mode,
            scopes: Scopes::parse(&settings.scopes)?,
            subject_claim: settings.subject_claim.clone(),
            tls: TlsSettings::parse(&settings.tls)?,
            private_hosts: settings.private_hosts.iter().map(|h| host_key(h)).collect(),
            skip_userinfo: false,
            leeway: Leeway::default(),
            deadline: None,
            journal: None,
        })
    }

    /// The access that calls to this provider have, with `trust` as it is at this moment.
    pub(crate) const fn access<'a>(&'a self, trust: &'a Trust) -> Access<'a> {
        Access {
            provider: self.id,
            trust,
            private_hosts: &self.private_hosts,
        }
    }

    /// The way of answering that an administrator chose.
    pub(crate) const fn chosen_delivery(&self) -> Option<Delivery> {
        match self.response_mode {
            ResponseMode::Auto => None,
            ResponseMode::Query => Some(Delivery::Query),
            ResponseMode::FormPost => Some(Delivery::FormPost),
        }
    }

    /// Whether an ID token is part of what we ask for.
    #[must_use]
    pub fn wants_id_token(&self) -> bool {
        self.scopes.contains("openid")
    }
}

/// A host as the guard compares it.
fn host_key(typed: &str) -> String {
    typed
        .trim()
        .trim_start_matches('[')
        .trim_end_matches([']', '.'])
        .to_ascii_lowercase()
}

fn endpoints(stored: &stored::Endpoints) -> Result<Endpoints, SettingsError> {
    let parse = |endpoint, text: &str| {
        Endpoint::parse(text).map_err(|why| SettingsError::Endpoint { endpoint, why })
    };
    Ok(match stored {
        stored::Endpoints::Issuer { issuer } => Endpoints::Issuer(Issuer::parse(issuer)?),
        stored::Endpoints::Manual {
            authorize,
            token,
            userinfo,
        } => Endpoints::Manual(Arc::new(TypedEndpoints {
            authorization: parse("authorization", authorize)?,
            token: parse("token", token)?,
            userinfo: parse("userinfo", userinfo)?,
        })),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_for_tls_errors_ends_by_itself() {
        let end = Timestamp::from_secs(1000);
        let ignore = TlsSettings::IgnoreErrors { until: Some(end) };
        assert_eq!(ignore.at(Timestamp::from_secs(999)), Trust::Any);
        assert_eq!(ignore.at(end), Trust::Public);
        let endless = TlsSettings::IgnoreErrors { until: None };
        assert_eq!(endless.at(end), Trust::Any);
    }

    #[test]
    fn hosts_are_compared_in_one_form() {
        assert_eq!(host_key(" Auth.LAN. "), "auth.lan");
        assert_eq!(host_key("[::1]"), "::1");
        assert_eq!(host_key("10.0.0.5"), "10.0.0.5");
    }
}
