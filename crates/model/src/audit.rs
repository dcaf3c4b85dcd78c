//! Changes worth remembering: who did what to which object.

use crate::ids::{AdminId, MailboxId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Actor {
    /// A local administrator on the pages.
    Admin {
        /// The administrator.
        id: AdminId,
        /// The name at that time.
        name: String,
    },
    /// The owner of a mailbox.
    Person {
        /// The mailbox.
        id: MailboxId,
        /// The address at that time.
        address: String,
    },
    /// The command line on the server.
    CommandLine,
    /// Gatepost itself: first sign-in, a template kept in step, an end date reached.
    System,
}

impl Actor {
    /// The name shown in timelines and kept with a disabled mailbox.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Admin { name, .. } => name,
            Self::Person { address, .. } => address,
            Self::CommandLine => "command line",
            Self::System => "Gatepost",
        }
    }
}

/// One remembered change. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What was done: `mailbox.disable`, `provider.edit`. Stable names.
    pub action: String,
    /// To which object: an address, a domain name, a provider's slug.
    pub object: String,
    /// Before and after, or what else matters.
    pub details: serde_json::Value,
}
