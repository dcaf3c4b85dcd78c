//! Alerts, and how many signed in or were refused.

use app::activity::Range;
use app::alerts::AlertAct;
use app::{App, Problem};
use model::address::Address;
use model::alert::{About, Alert};
use model::audit::Actor;
use model::ids::AlertId;
use model::provider::Provider;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{document, moment};

/// What is asked about alerts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertRequest {
    /// Those that nobody has closed.
    List,
    /// Acknowledges or closes one.
    Settle {
        /// Which one.
        id: AlertId,
        /// What is done.
        act: AlertAct,
    },
}

/// An alert.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AlertDocument {
    /// Its number.
    pub id: AlertId,
    /// What it is about: a code, `provider_unreachable`, or `unconfirmed`.
    pub topic: String,
    /// What has to be mended: `provider SLUG`, `domain NAME` or `server`.
    pub about: String,
    /// What happened, in a sentence.
    pub sentence: String,
    /// How many times it was met.
    pub count: i64,
    /// Whom it met, the first 50 of them.
    pub people: Vec<String>,
    /// When the first met it.
    pub first: String,
    /// When the last met it.
    pub last: String,
    /// Whether an administrator took note of it.
    pub acknowledged: bool,
    /// The command that mends it.
    pub fix: Option<String>,
}

/// The alerts that nobody has closed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AlertList {
    /// The latest first.
    pub alerts: Vec<AlertDocument>,
}

/// Sign-ins and refusals of some time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ActivityDocument {
    /// How far it looks back.
    pub range: Range,
    /// Sign-ins on the web, oldest first; the last bar is still growing.
    pub bars: Vec<BarDocument>,
    /// Why people and mail programs were refused, the most frequent first.
    pub reasons: Vec<app::activity::Reason>,
}

/// Sign-ins on the web of some hours.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BarDocument {
    /// When it begins.
    pub from: String,
    /// Signed in.
    pub ok: i64,
    /// Refused.
    pub refused: i64,
}

fn of(alert: &Alert, providers: &[Provider]) -> AlertDocument {
    let provider = match alert.about {
        About::Provider(id) => providers.iter().find(|provider| provider.id == id),
        About::Domain(_) | About::Server => None,
    };
    let met = alert.details.people.last();
    let address = met.and_then(|who| Address::parse(who).ok());
    let refusal = alert.details.refusal.as_ref();
    let fix = match (address, refusal) {
        (Some(address), Some(refusal)) => Some(app::explain::command(&address, refusal)),
        // What nobody is known to have met is mended at the provider.
        (None, Some(refusal)) => app::explain::command_apart(refusal.code.entry().fix, "SLUG"),
        (_, None) => None,
    };
    AlertDocument {
        id: alert.id,
        topic: alert.topic.to_string(),
        about: match (&alert.about, provider) {
            (_, Some(provider)) => format!("provider {}", provider.slug),
            (about, None) => about.to_string(),
        },
        sentence: alert.sentence(),
        count: alert.count,
        people: alert.details.people.clone(),
        first: moment(alert.first),
        last: moment(alert.last),
        acknowledged: alert.acknowledged.is_some(),
        fix: fix.map(|fix| match provider {
            Some(provider) => fix.replace("SLUG", &provider.slug),
            None => fix,
        }),
    }
}

pub(super) async fn alerts(
    app: &App,
    actor: &Actor,
    request: AlertRequest,
) -> Result<Value, Problem> {
    let providers = app.providers().await?;
    match request {
        AlertRequest::List => {
            let alerts = app.alerts().await?;
            document(AlertList {
                alerts: alerts.iter().map(|alert| of(alert, &providers)).collect(),
            })
        }
        AlertRequest::Settle { id, act } => {
            let alert = app.settle_alert(actor, id, act).await?;
            document(of(&alert, &providers))
        }
    }
}

pub(super) async fn activity(app: &App, range: Range) -> Result<Value, Problem> {
    let activity = app.activity(range).await?;
    let bars = activity.bars.iter().map(|bar| BarDocument {
        from: moment(bar.from),
        ok: bar.ok,
        refused: bar.refused,
    });
    document(ActivityDocument {
        range: activity.range,
        bars: bars.collect(),
        reasons: activity.reasons,
    })
}
