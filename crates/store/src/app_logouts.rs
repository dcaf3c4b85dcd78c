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
    GIVE_UP = "DELETE FROM app_logouts WHERE app = $1 AND since <= $2";
    GIVE_UP_FAILED = "DELETE FROM app_logouts WHERE app = $1 AND since <= $2 AND tries > 0";
    WAIT = "UPDATE app_logouts SET since = $1 WHERE app = $2 AND since IS NULL";
    FAILED = "UPDATE app_logouts
        SET tries = tries + 1, since = COALESCE(since, $1), not_before = $2, problem = $3
        WHERE id = $4";
    PAUSE = "SELECT tries, until FROM app_pauses WHERE app = $1";
    PUT_PAUSE = "INSERT INTO app_pauses (app, tries, until) VALUES ($1, $2, $3)
        ON CONFLICT (app) DO UPDATE SET tries = excluded.tries, until = excluded.until";
    END_PAUSE = "DELETE FROM app_pauses WHERE app = $1";
    AT_ONCE = "UPDATE app_logouts SET not_before = $1 WHERE app = $2 AND not_before > $1";
    AFRESH = "UPDATE app_logouts SET since = NULL WHERE app = $1 AND tries = 0";
    END_IDLE_PAUSE = "DELETE FROM app_pauses WHERE app = $1
        AND NOT EXISTS (SELECT 1 FROM app_logouts WHERE app = $1)";
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
    /// When it failed first, or began to wait for an app that fails.
    pub since: Option<Timestamp>,
    /// When it is tried next.
    pub not_before: Timestamp,
    /// How it failed last.
    pub problem: Option<String>,
}

/// How long an app that fails is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// How many tries failed, one after the other.
    pub tries: i64,
    /// When one call is made again.
    pub until: Timestamp,
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
    sql.execute(END_PAUSE, &[app.into()]).await?;
    Ok(())
}

/// What is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenUp {
    /// What was called in vain.
    Failed,
    /// That, and what waited for the app without a call of its own.
    All,
}

/// Forgets what has failed or waited in vain from `began` or before on, and tells how much that was.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn give_up(
    sql: &mut Conn,
    app: OauthAppId,
    which: GivenUp,
    began: Timestamp,
) -> Result<u64, StoreError> {
    let statement = match which {
        GivenUp::Failed => GIVE_UP_FAILED,
        GivenUp::All => GIVE_UP,
    };
    let gone = sql.execute(statement, &[app.into(), began.into()]).await?;
    sql.execute(END_IDLE_PAUSE, &[app.into()]).await?;
    Ok(gone)
}

/// How long an app is left alone, if it is.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn pause_of(sql: &mut Conn, app: OauthAppId) -> Result<Option<Pause>, StoreError> {
    let row = sql.one(PAUSE, &[app.into()]).await?;
    row.map(|row| {
        Ok(Pause {
            tries: row.get("tries")?,
            until: row.get("until")?,
        })
    })
    .transpose()
}

/// Leaves an app alone: all that is to be told to it, now and later, waits for its next try.
///
/// # Errors
/// [`StoreError::Unavailable`]; [`StoreError::Missing`] if the app is gone.
pub async fn pause(
    sql: &mut Conn,
    app: OauthAppId,
    pause: Pause,
    now: Timestamp,
) -> Result<(), StoreError> {
    let values = [app.into(), pause.tries.into(), pause.until.into()];
    sql.execute(PUT_PAUSE, &values).await?;
    sql.execute(WAIT, &[now.into(), app.into()]).await?;
    Ok(())
}

/// The app answers again, or is called in another way from now on: what waits for it goes out, and the
/// days of what had no call of its own begin anew.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn end_pause(sql: &mut Conn, app: OauthAppId, now: Timestamp) -> Result<(), StoreError> {
    sql.execute(END_PAUSE, &[app.into()]).await?;
    sql.execute(AT_ONCE, &[now.into(), app.into()]).await?;
    sql.execute(AFRESH, &[app.into()]).await?;
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
