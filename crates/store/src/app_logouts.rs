//! Apps that are to be told that a person's session ended. A trigger of the schema fills this,
//! whatever ended the session; a session that merely ran out tells nobody ([`crate::sessions::sweep`]).

use crate::value::Row;
use crate::{Conn, StoreError};
use model::ids::OauthAppId;
use model::time::Timestamp;
use uuid::Uuid;

macro_rules! columns {
    () => {
        "id, sid, storage, tries, since, not_before, problem"
    };
}

statements! {
    NEXT_APP = "SELECT app FROM app_logouts WHERE app > $1 ORDER BY app LIMIT 1";
    DUE = concat!("SELECT ", columns!(), " FROM app_logouts
        WHERE app = $1 AND not_before <= $2 ORDER BY not_before, id LIMIT $3");
    FAILING = concat!("SELECT ", columns!(), " FROM app_logouts
        WHERE app = $1 AND problem IS NOT NULL ORDER BY not_before, id LIMIT 1");
    DONE = "DELETE FROM app_logouts WHERE id = $1";
    DROP = "DELETE FROM app_logouts WHERE app = $1";
    WAIT = "UPDATE app_logouts
        SET since = COALESCE(since, $1), not_before = $2, problem = $3
        WHERE app = $4 AND not_before <= $1";
    FAILED = "UPDATE app_logouts
        SET tries = tries + 1, since = COALESCE(since, $1), not_before = $2, problem = $3
        WHERE id = $4";
}

/// A session that an app is to be told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppLogout {
    /// Its number among those that wait.
    pub id: i64,
    /// What the app knows the session by; empty for all of the person's.
    pub sid: String,
    /// The person's storage id, of which `sub` is made.
    pub storage: Uuid,
    /// How often it failed.
    pub tries: i64,
    /// When it failed first.
    pub since: Option<Timestamp>,
    /// When it is tried next.
    pub not_before: Timestamp,
    /// How it failed last.
    pub problem: Option<String>,
}

/// The apps for which something waits, due or not.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn apps(sql: &mut Conn) -> Result<Vec<OauthAppId>, StoreError> {
    let (mut apps, mut after) = (Vec::new(), OauthAppId(0));
    // One step for each app, however much waits for it.
    while let Some(row) = sql.one(NEXT_APP, &[after.into()]).await? {
        after = row.get("app")?;
        apps.push(after);
    }
    Ok(apps)
}

/// What is due for an app, the longest waiting first.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn due(
    sql: &mut Conn,
    app: OauthAppId,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<AppLogout>, StoreError> {
    let values = [app.into(), now.into(), i64::from(limit).into()];
    let rows = sql.all(DUE, &values).await?;
    rows.iter().map(logout).collect()
}

/// One that failed for an app and waits for its next time.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn failing(sql: &mut Conn, app: OauthAppId) -> Result<Option<AppLogout>, StoreError> {
    let row = sql.one(FAILING, &[app.into()]).await?;
    row.as_ref().map(logout).transpose()
}

/// Forgets one: the app was told, or never will be.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn done(sql: &mut Conn, id: i64) -> Result<(), StoreError> {
    sql.execute(DONE, &[id.into()]).await?;
    Ok(())
}

/// Forgets all of an app that is told no more.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn drop_all(sql: &mut Conn, app: OauthAppId) -> Result<(), StoreError> {
    sql.execute(DROP, &[app.into()]).await?;
    Ok(())
}

/// Lets all that is due for an app wait, because it hears nothing at the moment.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn wait(
    sql: &mut Conn,
    app: OauthAppId,
    problem: &str,
    now: Timestamp,
    not_before: Timestamp,
) -> Result<(), StoreError> {
    let values = [now.into(), not_before.into(), problem.into(), app.into()];
    sql.execute(WAIT, &values).await?;
    Ok(())
}

/// Notes that telling failed, and when it is tried again.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn failed(
    sql: &mut Conn,
    id: i64,
    problem: &str,
    now: Timestamp,
    again: Timestamp,
) -> Result<(), StoreError> {
    let values = [now.into(), again.into(), problem.into(), id.into()];
    sql.execute(FAILED, &values).await?;
    Ok(())
}

fn logout(row: &Row) -> Result<AppLogout, StoreError> {
    Ok(AppLogout {
        id: row.get("id")?,
        sid: row.get("sid")?,
        storage: row.get("storage")?,
        tries: row.get("tries")?,
        since: row.get("since")?,
        not_before: row.get("not_before")?,
        problem: row.get("problem")?,
    })
}
