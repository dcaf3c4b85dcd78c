//! How the server is, as `doctor` asks it.

use app::{App, Problem};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{admins, document};

/// The state of a server whose store answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// Its version.
    pub version: String,
    /// Whether the first administrator is still to be made.
    pub setup_needed: bool,
    /// How many mailboxes there are.
    pub mailboxes: i64,
    /// How many providers are switched on.
    pub providers: usize,
    /// The slugs of providers whose background checks have stopped.
    #[serde(default)]
    pub checks_stopped: Vec<String>,
    /// People are to be warned before their mail programs stop, and no mail can be sent.
    #[serde(default)]
    pub cannot_warn: bool,
}

pub(super) async fn answer(app: &App) -> Result<Value, Problem> {
    document(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        setup_needed: admins::setup_needed(app).await?,
        mailboxes: app.mailbox_count().await?,
        providers: app.ways().await?.buttons.len(),
        cannot_warn: app.cannot_warn().await?,
        checks_stopped: app
            .providers()
            .await?
            .into_iter()
            .filter(|provider| provider.checks_stopped.is_some())
            .map(|provider| provider.slug)
            .collect(),
    })
}
