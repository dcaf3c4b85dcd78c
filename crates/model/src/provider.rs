//! Company identity providers.

use crate::ids::{DomainId, ProviderId, TemplateId};
use crate::link::Namespace;
use crate::preset::Preset;
use crate::rule::Rule;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A provider as administrators set it up. The client secret is never part of it: the store keeps
/// it sealed and hands it out for one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// Its id.
    pub id: ProviderId,
    /// Its name in paths: `/sso/{slug}/callback`. Lower-case letters, digits and hyphens.
    pub slug: String,
    /// When it was added.
    pub created: Timestamp,
    /// When it was last changed; forms carry it to notice concurrent edits.
    pub modified: Timestamp,
    /// When the client secret was set and how it ends, or `None` without one.
    pub secret: Option<SecretHint>,
    /// Since when nobody is asked about in the background, because too many people at once were
    /// said to be gone. An administrator resumes it.
    pub checks_stopped: Option<Timestamp>,
    /// Where its subjects are unique. Changing the issuer, or an endpoint's host, opens a new one.
    pub namespace: Namespace,
    /// Everything an administrator fills in.
    pub settings: ProviderSettings,
}

/// What may be shown of a stored client secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretHint {
    /// When it was set.
    pub set: Timestamp,
    /// Its last two characters, when it has at least sixteen; else empty.
    pub ends: String,
}

/// Everything an administrator fills in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderSettings {
    /// Of what kind it is, which says what to do at its side.
    #[serde(default)]
    pub preset: Preset,
    /// The words on the button: "Continue with NAME".
    pub name: String,
    /// Switched on: shown on the sign-in page and accepted at the callback.
    pub active: bool,
    /// Issuer or endpoints.
    pub endpoints: Endpoints,
    /// Our client id at the provider.
    pub client_id: String,
    /// How we authenticate at its token endpoint.
    pub client_auth: ClientAuth,
    /// The form of our redirect URL registered there.
    pub redirect: RedirectForm,
    /// How it is asked to send its answers.
    #[serde(default)]
    pub response_mode: ResponseMode,
    /// Scopes to ask for, separated by single spaces.
    pub scopes: String,
    /// The claim that holds the address; `email` by default.
    pub address_claim: String,
    /// Another stable claim in place of `sub`, for endpoint-only providers whose userinfo has none.
    pub subject_claim: Option<String>,
    /// What the provider's word about an address is worth.
    pub email_trust: EmailTrust,
    /// The domains it may sign people in for. None until chosen.
    pub domains: Vec<DomainId>,
    /// Whether mailboxes are created at first sign-in.
    pub create: bool,
    /// Claim rules, first match wins.
    pub rules: Vec<Rule>,
    /// What people get whom no rule matches.
    pub everyone_else: EveryoneElse,
    /// How its certificate is trusted.
    pub tls: TlsTrust,
    /// Host names that may have private addresses, each allowed by an administrator's click.
    pub private_hosts: Vec<String>,
    /// What happens here when people leave there.
    #[serde(default)]
    pub leavers: Leavers,
}

/// What happens here when people sign out or leave at the provider. All of it is off by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Leavers {
    /// Signing out here signs out there too (RP-initiated logout).
    pub sign_out_there: bool,
    /// The provider is asked in the background whether people are still there (refresh tokens).
    pub background_checks: bool,
    /// A logout token of the provider means that the person is gone: mail programs stop until the
    /// next sign-in.
    pub logout_means_gone: bool,
}

/// Where the provider is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Endpoints {
    /// One issuer URL, exactly as the provider states it; discovery fills in the rest.
    Issuer {
        /// The issuer, compared as an exact string: a trailing slash counts.
        issuer: String,
    },
    /// Endpoints typed by hand, as mailcow's form asks for them.
    Manual {
        /// Authorization endpoint.
        authorize: String,
        /// Token endpoint.
        token: String,
        /// Userinfo endpoint.
        userinfo: String,
    },
}

/// Client authentication at the token endpoint (RFC 6749 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// Discovery's choice, else Basic and once more in the body.
    #[default]
    Auto,
    /// `client_secret_basic`, form-urlencoded.
    Basic,
    /// `client_secret_post`.
    Body,
}

/// How the provider is asked to send its answers (`response_mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query; as a form where discovery offers nothing else.
    #[default]
    Auto,
    /// In the query of a redirect.
    Query,
    /// As a form that the browser sends: code and state stay out of addresses.
    FormPost,
}

/// The redirect URL registered at the provider. Each string belongs to one provider only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RedirectForm {
    /// `PUBLIC_URL/sso/{slug}/callback`.
    #[default]
    OwnPath,
    /// `PUBLIC_URL` as the mailcow guides register it.
    BareOrigin,
    /// The same with the slash some administrators type.
    BareOriginSlash,
}

impl RedirectForm {
    /// The exact bytes registered and sent. `public_url` has no trailing slash.
    #[must_use]
    pub fn url(self, public_url: &str, slug: &str) -> String {
        match self {
            Self::OwnPath => format!("{public_url}/sso/{slug}/callback"),
            Self::BareOrigin => public_url.to_owned(),
            Self::BareOriginSlash => format!("{public_url}/"),
        }
    }

    /// Whether answers arrive at `/`.
    #[must_use]
    pub const fn is_bare(self) -> bool {
        matches!(self, Self::BareOrigin | Self::BareOriginSlash)
    }
}

/// Where the provider posts its logout tokens. `public_url` has no trailing slash.
#[must_use]
pub fn backchannel_logout_url(public_url: &str, slug: &str) -> String {
    format!("{public_url}/sso/{slug}/backchannel-logout")
}

/// Where people come back to when they have signed out at the provider.
#[must_use]
pub fn signed_out_url(public_url: &str, slug: &str) -> String {
    format!("{public_url}/sso/{slug}/signed-out")
}

/// How far `email_verified` decides (design decision 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmailTrust {
    /// Only `true` counts.
    RequireTrue,
    /// `true` or nothing; `false` is refused.
    #[default]
    AcceptAbsent,
    /// Every address this provider sends, for its domains.
    Believe,
}

/// What people get whom no rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EveryoneElse {
    /// No mailbox.
    #[default]
    Refuse,
    /// This template.
    Template(TemplateId),
}

/// How the provider's certificate is trusted (design decision 14).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum TlsTrust {
    /// By the public authorities.
    #[default]
    Public,
    /// By the public authorities and these certificates, PEM.
    Ca {
        /// One or more certificates.
        pem: String,
    },
    /// Exactly this certificate, by the SHA-256 of its DER form in lower-case hex.
    Pinned {
        /// 64 hex digits.
        sha256: String,
    },
    /// Not at all: parity with mailcow's *ignore SSL errors*; loud, and asked for an end date.
    Ignore {
        /// When the exception ends by itself; `None` when the administrator gave no end.
        until: Option<Timestamp>,
    },
}

impl ProviderSettings {
    /// Whether certificate errors are ignored at `now`.
    #[must_use]
    pub fn ignores_tls(&self, now: Timestamp) -> bool {
        matches!(self.tls, TlsTrust::Ignore { until } if until.is_none_or(|end| now < end))
    }
}
