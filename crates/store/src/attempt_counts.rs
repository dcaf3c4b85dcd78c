//! How many attempts there were, by the hour: kept exact by triggers on the attempts, in the
//! transaction that records them, and longer than they are.

use crate::attempts::{code_of, door_of};
use crate::value::unreadable;
use crate::{Conn, StoreError};
use model::attempt::Door;
use model::outcome::Code;
use model::time::Timestamp;

statements! {
    SINCE = "SELECT hour, door, code, count FROM attempt_counts
        WHERE hour >= $1 ORDER BY hour, door, code";
    PRUNE = "DELETE FROM attempt_counts WHERE hour < $1";
}

/// The attempts of one hour that came by one door and ended alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourCount {
    /// When the hour began.
    pub hour: Timestamp,
    /// By which door.
    pub door: Door,
    /// With which code; `None` for those that succeeded.
    pub code: Option<Code>,
    /// How many.
    pub count: i64,
}

/// The counts of the hours from `first` on, oldest first.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn since(sql: &mut Conn, first: Timestamp) -> Result<Vec<HourCount>, StoreError> {
    let rows = sql.all(SINCE, &[first.into()]).await?;
    rows.iter()
        .map(|row| {
            let (door, code): (String, String) = (row.get("door")?, row.get("code")?);
            Ok(HourCount {
                hour: row.get("hour")?,
                door: door_of(&door).ok_or_else(|| unreadable("door", "a door"))?,
                code: code_of(Some(code).filter(|code| !code.is_empty()), "code")?,
                count: row.get("count")?,
            })
        })
        .collect()
}

/// Removes the counts of hours before `before`; returns how many rows.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn prune(sql: &mut Conn, before: Timestamp) -> Result<u64, StoreError> {
    sql.execute(PRUNE, &[before.into()]).await
}
