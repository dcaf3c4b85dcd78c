//! Alerts: noted with the attempts that cause them, raised by parts of Gatepost, shown on the
//! overview until an administrator has seen to them.

use crate::{App, Problem, audit, departures, privacy};
use model::alert::{About, Alert, Topic};
use model::attempt::Attempt;
use model::audit::Actor;
use model::ids::AlertId;
use model::rules::alerts;
use model::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Conn, StoreError};

/// Alerts shown at once.
const SHOWN: u32 = 50;

/// What an administrator does with an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertAct {
    /// Takes note of it: it stays on the list and counts on.
    Acknowledge,
    /// It is done with: the next who meets the cause begins another.
    Close,
}

impl AlertAct {
    const fn audited(self) -> &'static str {
        match self {
            Self::Acknowledge => "alert.acknowledge",
            Self::Close => "alert.close",
        }
    }
}

/// Counts a refused attempt, in the transaction that records it. The alert keeps of its refusal what
/// the attempt's page shows at first.
pub(crate) async fn note(tx: &mut Conn, attempt: &Attempt) -> Result<(), StoreError> {
    let Some((policy, about, _)) = alerts::subject(attempt) else {
        return Ok(());
    };
    let private = privacy::private_names(tx).await?;
    let masked = privacy::masked(attempt.clone(), &private);
    let Some(refusal) = &masked.refusal else {
        return Ok(());
    };
    let known = store::alerts::live(tx, policy.topic, &about).await?;
    let id = known.as_ref().map_or(AlertId(0), |alert| alert.id);
    let who = attempt.address.as_deref();
    let alert = alerts::hit(known, (policy, about, refusal), who, attempt.at);
    store::alerts::put(tx, &Alert { id, ..alert }).await
}

/// Raises an alert of a part of Gatepost in the transaction that finds the cause; `words` say what
/// happened and what to do.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn raise(
    tx: &mut Conn,
    now: Timestamp,
    topic: Topic,
    about: About,
    words: String,
    people: &[String],
) -> Result<(), StoreError> {
    let known = store::alerts::live(tx, topic, &about).await?;
    let alert = alerts::raised(known, (topic, about), words, people, now);
    store::alerts::put(tx, &alert).await
}

/// Closes the alert that a part of Gatepost raised, if it is open: an act of `actor` has mended it.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub(crate) async fn settle(
    tx: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    topic: Topic,
    about: &About,
) -> Result<(), StoreError> {
    let Some(mut alert) = store::alerts::live(tx, topic, about).await? else {
        return Ok(());
    };
    alert.closed = Some(now);
    actor.name().clone_into(&mut alert.details.by);
    store::alerts::put(tx, &alert).await
}

impl App {
    /// The alerts that nobody has closed, the latest first.
    pub async fn alerts(&self) -> Result<Vec<Alert>, Problem> {
        let mut read = self.store.read()?;
        Ok(store::alerts::shown(&mut read, SHOWN).await?)
    }

    /// Acknowledges or closes one.
    ///
    /// # Errors
    /// [`Problem::NotFound`] if there is none of this id, or it is closed.
    pub async fn settle_alert(
        &self,
        actor: &Actor,
        id: AlertId,
        act: AlertAct,
    ) -> Result<Alert, Problem> {
        let (now, actor) = (self.clock.now(), actor.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                let found = store::alerts::by_id(tx, id).await?;
                let mut alert = found
                    .filter(|alert| alert.closed.is_none() && alert.raised.is_some())
                    .ok_or_else(|| Problem::NotFound(format!("open alert {id}")))?;
                match act {
                    AlertAct::Acknowledge => alert.acknowledged = Some(now),
                    AlertAct::Close => alert.closed = Some(now),
                }
                actor.name().clone_into(&mut alert.details.by);
                store::alerts::put(tx, &alert).await?;
                if alert.topic == Topic::NobodyReturns && alert.closed.is_some() {
                    departures::seen_to(tx, &alert).await?;
                }
                let details = json!({ "topic": alert.topic, "count": alert.count });
                audit::note(tx, now, &actor, act.audited(), &alert.about, details).await?;
                Ok(alert)
            })
            .await
    }
}
