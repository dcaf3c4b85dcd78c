//! The outbox: side effects, left by a transaction and done after its commit, again after a crash
//! until they succeed. Each has its lane; what hangs in one holds up nothing in another.

use crate::value;
use crate::{Conn, StoreError};
use model::ids::OutboxId;
use model::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

statements! {
    PUT = "INSERT INTO outbox (lane, effect, created, not_before) VALUES ($1, $2, $3, $4)
        RETURNING id";
    DUE = "SELECT id, effect, tries, not_before FROM outbox
        WHERE lane = $1 AND not_before <= $2
            AND (not_before > $3 OR (not_before = $3 AND id > $4))
        ORDER BY not_before, id LIMIT $5";
    DONE = "DELETE FROM outbox WHERE id = $1";
    FAILED = "UPDATE outbox SET tries = tries + 1, not_before = $1 WHERE id = $2";
}

/// A side effect that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow<E> {
    /// Its id.
    pub id: OutboxId,
    /// What is to be done.
    pub effect: E,
    /// How often it failed.
    pub tries: i64,
}

/// Who works on an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// What ends sessions.
    Engines,
    /// What writes mail.
    Mail,
}

impl Lane {
    const fn name(self) -> &'static str {
        match self {
            Self::Engines => "engines",
            Self::Mail => "mail",
        }
    }
}

/// Leaves an effect, due at `not_before`.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn put<E: Serialize>(
    sql: &mut Conn,
    lane: Lane,
    effect: &E,
    now: Timestamp,
    not_before: Timestamp,
) -> Result<OutboxId, StoreError> {
    let values = [
        lane.name().into(),
        value::json(effect)?,
        now.into(),
        not_before.into(),
    ];
    sql.insert(PUT, &values).await.map(OutboxId)
}

/// Effects of a lane that are due, those that have waited longest first. One that this version does not know
/// is left where it is and logged: it must not hold up the others.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn due<E: DeserializeOwned>(
    sql: &mut Conn,
    lane: Lane,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<OutboxRow<E>>, StoreError> {
    let mut due = Vec::new();
    let (mut at, mut after) = (Timestamp(i64::MIN), OutboxId(i64::MIN));
    loop {
        let values = [
            lane.name().into(),
            now.into(),
            at.into(),
            after.into(),
            i64::from(limit).into(),
        ];
        let rows = sql.all(DUE, &values).await?;
        for row in &rows {
            (at, after) = (row.get("not_before")?, row.get("id")?);
            match row.json("effect") {
                Ok(effect) => due.push(OutboxRow {
                    id: after,
                    effect,
                    tries: row.get("tries")?,
                }),
                Err(_) => {
                    tracing::error!(
                        outbox.id = after.0,
                        "a side effect of another version waits"
                    );
                }
            }
        }
        if rows.len() < limit as usize || due.len() >= limit as usize {
            due.truncate(limit as usize);
            return Ok(due);
        }
    }
}

/// Forgets an effect that was done.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn done(sql: &mut Conn, id: OutboxId) -> Result<(), StoreError> {
    sql.execute(DONE, &[id.into()]).await?;
    Ok(())
}

/// Notes that an effect failed; it is due again at `not_before`.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn failed(sql: &mut Conn, id: OutboxId, not_before: Timestamp) -> Result<(), StoreError> {
    sql.execute(FAILED, &[not_before.into(), id.into()]).await?;
    Ok(())
}
