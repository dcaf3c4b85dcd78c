//! Links between people at a provider and mailboxes (design decisions 1 and 2).

use crate::ids::{LinkId, MailboxId, ProviderId};
use crate::time::{DAY, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The namespace in which a subject is unique: the issuer of a provider set up by issuer, or
/// `urn:gatepost:provider:…` of one set up by endpoints alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Namespace(pub String);

impl std::fmt::Display for Namespace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A person at a provider, bound to a mailbox. (namespace, subject) is unique; so is
/// (mailbox, provider).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its id.
    pub id: LinkId,
    /// The mailbox.
    pub mailbox: MailboxId,
    /// The provider through which the link was made.
    pub provider: ProviderId,
    /// Where the subject is unique.
    pub namespace: Namespace,
    /// The provider's stable name of the person.
    pub subject: String,
    /// How the link came about.
    pub origin: LinkOrigin,
    /// When it was made.
    pub created: Timestamp,
    /// When the person last signed in by it.
    pub last_sign_in: Option<Timestamp>,
    /// When the provider last stood by the person: at a sign-in, or asked in the background.
    pub confirmed: Option<Timestamp>,
    /// Since when it does not, as far as it was asked.
    pub unconfirmed: Option<Timestamp>,
}

/// How a link came about, for the audit and the mailbox page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkOrigin {
    /// The mailbox was created by the person's first sign-in.
    FirstSignIn,
    /// An administrator's switch or advance creation left a pending link, which the person took.
    Pending,
    /// The person proved the local password.
    LocalPassword,
    /// A relink campaign took the mailbox over from another provider.
    Relink,
}

/// How long a pending link waits for its person.
pub const PENDING_LINK_LIFETIME: Duration = Duration::from_secs(30 * DAY.as_secs());

/// An administrator's word that the next fitting person of a provider owns a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingLink {
    /// The mailbox; at most one pending link each.
    pub mailbox: MailboxId,
    /// The provider it names.
    pub provider: ProviderId,
    /// The only subject that may take it, when the administrator knew it.
    pub expected_subject: Option<String>,
    /// When it lapses.
    pub ends: Timestamp,
}
