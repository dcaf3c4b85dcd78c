//! What happens, as it comes.

use app::events::{Event, Place};
use app::{App, Problem};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::attempts::{AttemptDocument, Slugs};
use super::{document, moment};

/// Which events are asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EventRequest {
    /// Those after this place; the latest without.
    pub after: Option<Place>,
    /// Most of them.
    pub limit: u32,
}

/// One event.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventDocument {
    /// An attempt to sign in.
    Attempt(AttemptDocument),
    /// A change.
    Change {
        /// When.
        at: String,
        /// Who.
        actor: String,
        /// What was done.
        action: String,
        /// To what.
        object: String,
        /// Before and after, or what else matters.
        details: Value,
    },
}

/// Some events, oldest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EventList {
    /// The events.
    pub events: Vec<EventDocument>,
    /// Where to go on.
    pub next: Place,
}

pub(super) async fn answer(app: &App, request: EventRequest) -> Result<Value, Problem> {
    let slugs = Slugs::read(app).await?;
    let (events, next) = app.events(request.after, request.limit).await?;
    let of = |event| match event {
        Event::Attempt(attempt) => EventDocument::Attempt(slugs.document(&attempt)),
        Event::Change(change) => EventDocument::Change {
            at: moment(change.at),
            actor: change.actor.name().to_owned(),
            action: change.action,
            object: change.object,
            details: change.details,
        },
    };
    document(EventList {
        events: events.into_iter().map(of).collect(),
        next,
    })
}
