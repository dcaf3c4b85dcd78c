//! Blocks: people at a provider who may not come back, whatever becomes of their mailbox.

use crate::ids::BlockId;
use crate::link::Namespace;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// An administrator's word that a person does not sign in any more. It is about the person as their
/// provider names them, never about an address, so that the next owner of the address is free of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Its id; `BlockId(0)` before it is stored.
    pub id: BlockId,
    /// Where the subject is unique.
    pub namespace: Namespace,
    /// The provider's stable name of the person.
    pub subject: String,
    /// The mailbox they were linked to, by which people find the block.
    pub address: String,
    /// Why, for the next administrator who looks; may be empty.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
    /// Who blocked them.
    pub by: String,
}

impl Block {
    /// Whether it is about this person.
    #[must_use]
    pub fn is_of(&self, namespace: &Namespace, subject: &str) -> bool {
        self.namespace == *namespace && self.subject == subject
    }
}
