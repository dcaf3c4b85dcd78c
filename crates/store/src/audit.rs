//! The audit: who did what to which object, written in the transaction that did it.

use crate::value::{self, Row};
use crate::{Conn, Listed, Page, StoreError};
use model::audit::AuditEvent;
use model::time::Timestamp;

macro_rules! columns {
    () => {
        "id, at, actor, action, object, details"
    };
}

statements! {
    INSERT = "INSERT INTO audit (at, actor, action, object, details)
        VALUES ($1, $2, $3, $4, $5)";
    LIST = concat!("SELECT ", columns!(), " FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2");
    LIST_OF_OBJECT = concat!("SELECT ", columns!(), " FROM audit
        WHERE object = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    AFTER = concat!("SELECT ", columns!(), " FROM audit WHERE id > $1 ORDER BY id LIMIT $2");
    PRUNE = "DELETE FROM audit WHERE id IN
        (SELECT id FROM audit WHERE at < $1 ORDER BY at LIMIT $2)";
}

/// Remembers a change.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn insert(sql: &mut Conn, event: &AuditEvent) -> Result<(), StoreError> {
    let values = [
        event.at.into(),
        value::json(&event.actor)?,
        (&event.action).into(),
        (&event.object).into(),
        value::json(&event.details)?,
    ];
    sql.execute(INSERT, &values).await?;
    Ok(())
}

/// A page of changes, newest first, to one object or to all.
///
/// # Errors
/// [`StoreError::Cursor`].
pub async fn list(
    sql: &mut Conn,
    page: &Page,
    object: Option<&str>,
) -> Result<Listed<AuditEvent>, StoreError> {
    let (before, limit) = (page.before_id()?.into(), page.fetch().into());
    let rows = match object {
        None => sql.all(LIST, &[before, limit]).await?,
        Some(object) => {
            sql.all(LIST_OF_OBJECT, &[object.into(), before, limit])
                .await?
        }
    };
    let events = numbered(&rows)?;
    let listed = Listed::cut(events, page, |(id, _)| id.to_string());
    Ok(Listed {
        rows: listed.rows.into_iter().map(|(_, event)| event).collect(),
        next: listed.next,
        previous: None,
    })
}

/// Changes after an id with their ids, oldest first.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn after(
    sql: &mut Conn,
    id: i64,
    limit: u32,
) -> Result<Vec<(i64, AuditEvent)>, StoreError> {
    let rows = sql
        .all(AFTER, &[id.into(), i64::from(limit).into()])
        .await?;
    numbered(&rows)
}

/// The latest changes with their ids, newest first.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn latest(sql: &mut Conn, limit: u32) -> Result<Vec<(i64, AuditEvent)>, StoreError> {
    let rows = sql
        .all(LIST, &[i64::MAX.into(), i64::from(limit).into()])
        .await?;
    numbered(&rows)
}

fn numbered(rows: &[Row]) -> Result<Vec<(i64, AuditEvent)>, StoreError> {
    rows.iter()
        .map(|row| Ok((row.get("id")?, event(row)?)))
        .collect()
}

/// Removes some of the changes older than `before`; returns how many.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn prune(sql: &mut Conn, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    sql.execute(PRUNE, &[before.into(), i64::from(limit).into()])
        .await
}

fn event(row: &Row) -> Result<AuditEvent, StoreError> {
    Ok(AuditEvent {
        at: row.get("at")?,
        actor: row.json("actor")?,
        action: row.get("action")?,
        object: row.get("object")?,
        details: row.json("details")?,
    })
}
