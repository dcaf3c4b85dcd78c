//! Aliases: addresses that deliver to mailboxes.

use crate::address::Address;
use crate::ids::{AliasId, DomainId, MailboxId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// An address without a mailbox of its own. Its owners are the mailboxes it delivers to; they may
/// send as it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// Its id.
    pub id: AliasId,
    /// The mail domain it belongs to.
    pub domain: DomainId,
    /// The address.
    pub address: Address,
    /// The mailboxes it delivers to, at least one, in the order given.
    pub targets: Vec<(MailboxId, Address)>,
    /// Switched on.
    pub active: bool,
    /// When it was added.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
}
