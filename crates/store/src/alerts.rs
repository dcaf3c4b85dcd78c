//! Alerts: one row for each cause, from the first who met it on.

use crate::value::{self, Row};
use crate::{Conn, StoreError};
use model::alert::{About, Alert, Topic};
use model::ids::AlertId;
use model::time::Timestamp;

macro_rules! columns {
    () => {
        "id, topic, about, first, last, count, details, raised, acknowledged, closed"
    };
}

statements! {
    LIVE = concat!("SELECT ", columns!(), " FROM alerts
        WHERE topic = $1 AND about = $2 AND closed IS NULL");
    BY_ID = concat!("SELECT ", columns!(), " FROM alerts WHERE id = $1");
    SHOWN = concat!("SELECT ", columns!(), " FROM alerts
        WHERE closed IS NULL AND raised IS NOT NULL ORDER BY last DESC LIMIT $1");
    INSERT = "INSERT INTO alerts
            (topic, about, first, last, count, details, raised, acknowledged, closed)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    UPDATE = "UPDATE alerts SET topic = $1, about = $2, first = $3, last = $4, count = $5,
            details = $6, raised = $7, acknowledged = $8, closed = $9
        WHERE id = $10";
    PRUNE = "DELETE FROM alerts WHERE id IN
        (SELECT id FROM alerts WHERE last < $1 ORDER BY last LIMIT $2)";
}

/// The alert of a topic and object that is not closed, raised or not.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn live(
    sql: &mut Conn,
    topic: Topic,
    about: &About,
) -> Result<Option<Alert>, StoreError> {
    let values = [topic.to_string().into(), about.to_string().into()];
    let row = sql.one(LIVE, &values).await?;
    row.as_ref().map(alert).transpose()
}

/// An alert by its id, also a closed one.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_id(sql: &mut Conn, id: AlertId) -> Result<Option<Alert>, StoreError> {
    let row = sql.one(BY_ID, &[id.into()]).await?;
    row.as_ref().map(alert).transpose()
}

/// Those that are raised and not closed, the latest first.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn shown(sql: &mut Conn, limit: u32) -> Result<Vec<Alert>, StoreError> {
    let rows = sql.all(SHOWN, &[i64::from(limit).into()]).await?;
    rows.iter().map(alert).collect()
}

/// Stores an alert: a new one if its id is 0.
///
/// # Errors
/// [`StoreError::Constraint`] if a new one has an open one of its topic and object beside it.
pub async fn put(sql: &mut Conn, alert: &Alert) -> Result<(), StoreError> {
    let mut values = vec![
        alert.topic.to_string().into(),
        alert.about.to_string().into(),
        alert.first.into(),
        alert.last.into(),
        alert.count.into(),
        value::json(&alert.details)?,
        alert.raised.into(),
        alert.acknowledged.into(),
        alert.closed.into(),
    ];
    if alert.id == AlertId(0) {
        sql.execute(INSERT, &values).await?;
    } else {
        values.push(alert.id.into());
        sql.execute(UPDATE, &values).await?;
    }
    Ok(())
}

/// Removes some of those that nobody met after `before`, open ones too: what was not seen for so
/// long is over. Returns how many.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn prune(sql: &mut Conn, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    sql.execute(PRUNE, &[before.into(), i64::from(limit).into()])
        .await
}

fn alert(row: &Row) -> Result<Alert, StoreError> {
    Ok(Alert {
        id: row.get("id")?,
        topic: row.named("topic")?,
        about: row.named("about")?,
        first: row.get("first")?,
        last: row.get("last")?,
        count: row.get("count")?,
        details: row.json("details")?,
        raised: row.get("raised")?,
        acknowledged: row.get("acknowledged")?,
        closed: row.get("closed")?,
    })
}
