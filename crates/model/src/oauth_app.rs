//! Apps: the OAuth clients that sign people in through Gatepost (mailcow's *OAuth2 Apps*).

use crate::ids::{AppSecretId, DomainId, OauthAppId, ProviderId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// An app as administrators set it up. Its secrets are kept apart, as tags only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OauthApp {
    /// Its id: small integers from 1, by which mailcow's tools delete apps.
    pub id: OauthAppId,
    /// Its name in requests; never changes.
    pub client_id: String,
    /// When it was added.
    pub created: Timestamp,
    /// When it was last changed; forms carry it to notice concurrent edits.
    pub modified: Timestamp,
    /// Everything an administrator fills in.
    pub settings: AppSettings,
}

/// Everything an administrator fills in. What is lenient is said here, never by a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppSettings {
    /// The name that people read on the consent page.
    pub name: String,
    /// What kind of app it is, which says what to paste at its side.
    pub card: AppCard,
    /// Switched on: people may sign in to it, and its tokens count.
    pub active: bool,
    /// Whether it can keep a secret.
    pub kind: AppKind,
    /// Where people may be sent back to, byte for byte; at least one, unless it only uses devices.
    pub redirects: Vec<String>,
    /// Where people may be sent after signing out.
    #[serde(default)]
    pub sign_out_redirects: Vec<String>,
    /// Where it is told that a session ended (OpenID Connect Back-Channel Logout 1.0).
    #[serde(default)]
    pub back_channel: Option<String>,
    /// That place may have a private address, or be on this machine.
    #[serde(default)]
    pub back_channel_private: bool,
    /// Certificates in PEM form that are trusted there beside the public authorities: of an authority of
    /// one's own, or the server's own.
    #[serde(default)]
    pub back_channel_ca: Option<String>,
    /// Who may use it.
    pub access: AppAccess,
    /// Whether people are asked.
    pub consent: Consent,
    /// Whether a code is only given with a PKCE challenge (RFC 7636).
    pub pkce: PkceRule,
    /// Speaks as mailcow's clients do: its answers and errors on the three endpoints of mailcow are
    /// mailcow's, `plain` challenges count, and its scope is `profile` unless it asks for others.
    #[serde(default)]
    pub mailcow: bool,
    /// Its access tokens count in the query of the profile endpoint, and nowhere else.
    #[serde(default)]
    pub token_in_query: bool,
    /// What `full_name` of the profile says.
    #[serde(default)]
    pub full_name: FullName,
    /// Whether it gets refresh tokens.
    #[serde(default)]
    pub refresh: RefreshRule,
    /// How its ID tokens are signed.
    #[serde(default)]
    pub id_token_alg: IdTokenAlg,
    /// What its `sub` is.
    #[serde(default)]
    pub subject: SubjectKind,
    /// May ask for codes that people type on another device (RFC 8628).
    #[serde(default)]
    pub devices: bool,
    /// The provider people are sent to straight away, without a choice.
    #[serde(default)]
    pub straight_to: Option<ProviderId>,
    /// Providers through which nobody signs in to it: an app that is itself a provider of ours.
    #[serde(default)]
    pub never_through: BTreeSet<ProviderId>,
}

/// What kind of app it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppCard {
    /// authentik, as a federated source of its type *mailcow*.
    Authentik,
    /// Nextcloud with `user_oidc`.
    Nextcloud,
    /// Roundcube.
    Roundcube,
    /// Grafana.
    Grafana,
    /// Gitea or Forgejo.
    Gitea,
    /// Any other.
    #[default]
    Generic,
}

/// Whether a client can keep a secret (RFC 6749 section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppKind {
    /// A server with a secret.
    #[default]
    Confidential,
    /// An app in a browser alone, or a program on people's devices. Always uses PKCE, always asks.
    Public,
}

/// Who may use an app. Mailboxes and domains must be switched on besides.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppAccess {
    /// Everybody with a mailbox.
    #[default]
    All,
    /// Mailboxes of one of these domains, or with one of these tags.
    Only {
        /// Domains.
        domains: BTreeSet<DomainId>,
        /// Tags.
        tags: BTreeSet<String>,
    },
}

/// Whether people are asked before an app learns about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// Once for each set of scopes.
    #[default]
    Ask,
    /// Not at all. Counts for confidential apps whose redirects are `https:` only.
    Trusted,
}

/// Whether PKCE is demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PkceRule {
    /// No code without a challenge.
    #[default]
    Required,
    /// A challenge that is sent counts; none is fine. For confidential apps alone.
    IfSent,
}

/// What `full_name` in the profile says. authentik makes user names of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FullName {
    /// The mailbox's name, which an administrator or the provider has set.
    #[default]
    Name,
    /// The address, which is unique.
    Address,
}

/// Whether an app gets refresh tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshRule {
    /// If it asks for the scope `offline_access`.
    #[default]
    OfflineAccess,
    /// Always, as mailcow does.
    Always,
}

/// How ID tokens are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum IdTokenAlg {
    /// ECDSA on P-256 with SHA-256.
    #[default]
    #[serde(rename = "ES256")]
    Es256,
    /// RSA PKCS#1 v1.5 with SHA-256, which every client knows.
    #[serde(rename = "RS256")]
    Rs256,
}

/// What `sub` is (OpenID Connect Core section 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// The same for every app.
    #[default]
    Public,
    /// Another one for each host of redirects, so that apps cannot compare notes.
    Pairwise,
}

/// A secret of an app. The secret itself is shown once and kept as a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppSecret {
    /// Its id.
    pub id: AppSecretId,
    /// The tag of the secret.
    pub tag: Vec<u8>,
    /// Its last characters, for telling two apart.
    pub hint: String,
    /// When it was made.
    pub created: Timestamp,
    /// Until when it counts; `None` while it is not replaced.
    pub ends: Option<Timestamp>,
    /// When it was last used, to the hour.
    pub last_used: Option<Timestamp>,
}

/// How long what an app gets is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenLifetimes {
    /// Codes.
    pub code: Duration,
    /// Access tokens.
    pub access: Duration,
    /// Refresh tokens, from their last use.
    pub refresh: Duration,
}

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

impl AppSettings {
    /// How long its codes and tokens are good: mailcow's times for mailcow's clients, which may
    /// never refresh.
    #[must_use]
    pub const fn lifetimes(&self) -> TokenLifetimes {
        TokenLifetimes {
            code: Duration::from_secs(60),
            access: if self.mailcow { DAY } else { HOUR },
            refresh: Duration::from_secs(31 * 24 * 3600),
        }
    }
}

impl IdTokenAlg {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Es256, Self::Rs256];

    /// The name in headers and metadata.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    /// From the name in headers and metadata.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alg| alg.name() == name)
    }
}
