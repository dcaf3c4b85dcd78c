//! What happens, as it comes: attempts and changes in one stream.

use crate::privacy::masked;
use crate::{App, Problem};
use model::attempt::Attempt;
use model::audit::AuditEvent;
use model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Most events of one answer, of each kind.
pub const MOST: u32 = 200;

/// How far a stream was read. Rows of attempts that are alike count on after they were read; they
/// do not come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    attempts: i64,
    changes: i64,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// An attempt, without the values of private claims.
    Attempt(Box<Attempt>),
    /// A change.
    Change(AuditEvent),
}

impl Event {
    /// When.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Attempt(attempt) => attempt.at,
            Self::Change(change) => change.at,
        }
    }
}

impl App {
    /// What happened after a place, or the last `limit` events without one; oldest first, with the
    /// place to go on from.
    pub async fn events(
        &self,
        after: Option<Place>,
        limit: u32,
    ) -> Result<(Vec<Event>, Place), Problem> {
        let limit = limit.clamp(1, MOST);
        let private = self.private_claims().await?;
        let mut read = self.store.read()?;
        let (attempts, changes) = match after {
            Some(place) => (
                store::attempts::after(&mut read, place.attempts, limit).await?,
                store::audit::after(&mut read, place.changes, limit).await?,
            ),
            None => (
                store::attempts::latest(&mut read, limit).await?,
                store::audit::latest(&mut read, limit).await?,
            ),
        };
        let before = after.unwrap_or(Place {
            attempts: 0,
            changes: 0,
        });
        let next = Place {
            attempts: attempts
                .iter()
                .map(|a| a.id.0)
                .fold(before.attempts, i64::max),
            changes: changes
                .iter()
                .map(|(id, _)| *id)
                .fold(before.changes, i64::max),
        };
        let attempts = attempts
            .into_iter()
            .map(|attempt| Event::Attempt(Box::new(masked(attempt, &private))));
        let mut events: Vec<_> = attempts
            .chain(changes.into_iter().map(|(_, change)| Event::Change(change)))
            .collect();
        events.sort_by_key(Event::at);
        if after.is_none() {
            let many = events.len().saturating_sub(limit as usize);
            events.drain(..many);
        }
        Ok((events, next))
    }
}
