//! Apps that are to be told that a person's session ended. A trigger of the schema fills this,
//! whatever ended the session; a session that merely ran out tells nobody ([`crate::sessions::sweep`]).

use crate::{Conn, StoreError};
use model::ids::OauthAppId;
use model::time::Timestamp;
use uuid::Uuid;

statements! {
    DUE = "SELECT id, app, sid, storage, tries FROM app_logouts
        WHERE not_before <= $1 ORDER BY not_before, id LIMIT $2";
    DONE = "DELETE FROM app_logouts WHERE id = $1";
    FAILED = "UPDATE app_logouts SET tries = tries + 1, not_before = $1 WHERE id = $2";
}

/// An app that is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppLogout {
    /// Its number among those that wait.
    pub id: i64,
    /// The app.
    pub app: OauthAppId,
    /// What the app knows the session by.
    pub sid: String,
    /// The person's storage id, of which `sub` is made.
    pub storage: Uuid,
    /// How often it failed.
    pub tries: i64,
}

/// What is due, the longest waiting first.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn due(sql: &mut Conn, now: Timestamp, limit: u32) -> Result<Vec<AppLogout>, StoreError> {
    let rows = sql.all(DUE, &[now.into(), i64::from(limit).into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(AppLogout {
                id: row.get("id")?,
                app: row.get("app")?,
                sid: row.get("sid")?,
                storage: row.get("storage")?,
                tries: row.get("tries")?,
            })
        })
        .collect()
}

/// Forgets one: the app was told, or never will be.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn done(sql: &mut Conn, id: i64) -> Result<(), StoreError> {
    sql.execute(DONE, &[id.into()]).await?;
    Ok(())
}

/// Notes that telling failed, and when it is tried again.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn failed(sql: &mut Conn, id: i64, again: Timestamp) -> Result<(), StoreError> {
    sql.execute(FAILED, &[again.into(), id.into()]).await?;
    Ok(())
}
