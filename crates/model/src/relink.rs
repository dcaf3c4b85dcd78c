//! Relink campaigns: people of one provider are taken over to another, for some domains and some
//! time.

use crate::ids::{DomainId, ProviderId, RelinkId};
use crate::link::Namespace;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// An administrator's word that whoever is linked at one provider and comes by another, with the
/// mailbox's own address verified there, is the same person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relink {
    /// Its id.
    pub id: RelinkId,
    /// The provider at which people are linked now.
    pub from: ProviderId,
    /// The provider by which they come.
    pub to: ProviderId,
    /// Where its subjects were unique when the campaign was made. A provider that is pointed
    /// elsewhere later takes nobody over.
    pub namespace: Namespace,
    /// The domains it is about.
    pub domains: Vec<DomainId>,
    /// When it was made.
    pub created: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it ends by itself.
    pub ends: Timestamp,
    /// When it was stopped before.
    pub stopped: Option<Timestamp>,
    /// How many people were taken over.
    pub moved: i64,
}

impl Relink {
    /// Whether it takes people over at `now`.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.stopped.is_none() && now < self.ends
    }
}
