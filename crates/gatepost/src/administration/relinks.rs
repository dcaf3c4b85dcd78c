//! Relink campaigns.

use app::relinks::{KnownRelink, RelinkForm};
use app::{App, Problem};
use model::audit::Actor;
use model::ids::RelinkId;
use model::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{document, moment};

/// What is asked about campaigns.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelinkRequest {
    /// What one would do; nothing is stored.
    Preview(RelinkForm),
    /// Starts one.
    Start(RelinkForm),
    /// The latest.
    List,
    /// Stops one.
    Stop(RelinkId),
}

/// A campaign.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RelinkDocument {
    /// Its number.
    pub number: i64,
    /// The slug of the provider left behind.
    pub from: String,
    /// The slug of the other one.
    pub to: String,
    /// The domains it is about.
    pub domains: Vec<String>,
    /// `open`, `stopped` or `ended`.
    pub state: String,
    /// How many people were taken over.
    pub moved: i64,
    /// When it ends, or would have.
    pub ends: String,
    /// When it was stopped.
    pub stopped: Option<String>,
    /// When it was started.
    pub created: String,
    /// Who started it.
    pub created_by: String,
}

/// Campaigns.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RelinkList {
    /// The newest first.
    pub relinks: Vec<RelinkDocument>,
}

impl RelinkDocument {
    fn new(known: KnownRelink, now: Timestamp) -> Self {
        let relink = known.relink;
        let state = match relink.stopped {
            Some(_) => "stopped",
            None if relink.is_open(now) => "open",
            None => "ended",
        };
        Self {
            number: relink.id.0,
            from: known.from.0,
            to: known.to.0,
            domains: known.domains.iter().map(ToString::to_string).collect(),
            state: state.to_owned(),
            moved: relink.moved,
            ends: moment(relink.ends),
            stopped: relink.stopped.map(moment),
            created: moment(relink.created),
            created_by: relink.created_by,
        }
    }
}

pub(super) async fn answer(
    app: &App,
    actor: &Actor,
    request: RelinkRequest,
) -> Result<Value, Problem> {
    let known = match request {
        RelinkRequest::Preview(form) => return document(app.preview_relink(&form).await?),
        RelinkRequest::Start(form) => app.start_relink(actor, &form).await?,
        RelinkRequest::Stop(id) => app.stop_relink(actor, id).await?,
        RelinkRequest::List => {
            let now = app.now();
            let all = app.relinks().await?.into_iter();
            return document(RelinkList {
                relinks: all.map(|known| RelinkDocument::new(known, now)).collect(),
            });
        }
    };
    document(RelinkDocument::new(known, app.now()))
}
