//! Grants: sign-ins of people to apps. Codes and tokens stand on them ([`crate::app_codes`],
//! [`crate::app_tokens`]) and end with them.

use crate::value::Row;
use crate::{Conn, StoreError, app_sessions};
use model::grant::Grant;
use model::ids::{GrantId, MailboxId, OauthAppId, SessionId};
use model::time::Timestamp;
use uuid::Uuid;

macro_rules! columns {
    () => {
        "id, app, mailbox, session, sid, scopes, auth_time, claims, created, ends"
    };
}

statements! {
    INSERT = "INSERT INTO app_grants (app, mailbox, session, sid, scopes, auth_time, claims, created,
            ends)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id";
    BY_ID = concat!("SELECT ", columns!(), " FROM app_grants WHERE id = $1");
    OF_PERSON = concat!("SELECT ", columns!(), " FROM app_grants
        WHERE mailbox = $1 AND app = $2 ORDER BY id DESC LIMIT 100");
    EXTEND = "UPDATE app_grants SET ends = $1 WHERE id = $2 AND ends < $1";
    MOVE = "UPDATE app_grants SET session = $1 WHERE session = $2";
    GOES_ON = "SELECT 1 AS there FROM app_grants
        WHERE mailbox = $1 AND session IS NULL AND ends > $2 LIMIT 1";
    END = "DELETE FROM app_grants WHERE id = $1";
    END_OF_PERSON = "DELETE FROM app_grants WHERE mailbox = $1";
    END_OF_CONNECTION = "DELETE FROM app_grants WHERE mailbox = $1 AND app = $2";
    END_OF_APP = "DELETE FROM app_grants WHERE app = $1";
    SWEEP = "DELETE FROM app_grants WHERE id IN
        (SELECT id FROM app_grants WHERE ends <= $1 ORDER BY ends LIMIT $2)";
}

/// A grant about to be made.
#[derive(Debug, Clone)]
pub struct NewGrant<'a> {
    /// The app.
    pub app: OauthAppId,
    /// Whose.
    pub mailbox: MailboxId,
    /// The web session it ends with; `None` for one that goes on without the person.
    pub session: Option<SessionId>,
    /// The web session in which it is made, if there is one: when that ends, the app is told.
    pub begun_in: Option<SessionId>,
    /// What the app will know that session by, unless it knows it by another name.
    pub sid: &'a str,
    /// The storage id of the mailbox.
    pub storage: Uuid,
    /// What was granted, separated by single spaces.
    pub scopes: &'a str,
    /// When the person proved who they are.
    pub auth_time: Timestamp,
    /// The claims that were asked for by name, as JSON.
    pub claims: Option<&'a str>,
    /// When it is made.
    pub now: Timestamp,
    /// When it ends, unless it is used before.
    pub ends: Timestamp,
}

/// Adds a grant.
///
/// # Errors
/// [`StoreError::Missing`] if app, mailbox or session is gone.
pub async fn insert(sql: &mut Conn, new: &NewGrant<'_>) -> Result<GrantId, StoreError> {
    let sid = match new.begun_in {
        Some(session) => app_sessions::sid(sql, session, new).await?,
        None => new.sid.to_owned(),
    };
    let values = [
        new.app.into(),
        new.mailbox.into(),
        new.session.into(),
        sid.into(),
        new.scopes.into(),
        new.auth_time.into(),
        new.claims.into(),
        new.now.into(),
        new.ends.into(),
    ];
    sql.insert(INSERT, &values).await.map(GrantId)
}

/// A grant.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_id(sql: &mut Conn, id: GrantId) -> Result<Option<Grant>, StoreError> {
    let row = sql.one(BY_ID, &[id.into()]).await?;
    row.as_ref().map(grant).transpose()
}

/// The latest grants of a person to an app; at most 100.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn of_person(
    sql: &mut Conn,
    mailbox: MailboxId,
    app: OauthAppId,
) -> Result<Vec<Grant>, StoreError> {
    let rows = sql.all(OF_PERSON, &[mailbox.into(), app.into()]).await?;
    rows.iter().map(grant).collect()
}

/// Whether any app goes on while a person is away.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn go_on(sql: &mut Conn, mailbox: MailboxId, now: Timestamp) -> Result<bool, StoreError> {
    let row = sql.one(GOES_ON, &[mailbox.into(), now.into()]).await?;
    Ok(row.is_some())
}

/// Lets a grant go on until `ends`, if it would end before.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn extend(sql: &mut Conn, id: GrantId, ends: Timestamp) -> Result<(), StoreError> {
    sql.execute(EXTEND, &[ends.into(), id.into()]).await?;
    Ok(())
}

/// Lets the grants of one web session of a person live on in another of theirs. Apps know them by the
/// same `sid` as before, and are told when the new session ends.
///
/// # Errors
/// [`StoreError::Missing`] if there is no such session to live on in.
pub async fn move_to(sql: &mut Conn, from: SessionId, to: SessionId) -> Result<(), StoreError> {
    sql.execute(MOVE, &[to.into(), from.into()]).await?;
    app_sessions::move_to(sql, from, to).await
}

/// Which grants end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// This one.
    One(GrantId),
    /// All of a person.
    Person(MailboxId),
    /// All of a person to an app.
    Connection(MailboxId, OauthAppId),
    /// All to an app.
    App(OauthAppId),
}

/// Ends grants with their codes and tokens; returns how many.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn end(sql: &mut Conn, which: Ending) -> Result<u64, StoreError> {
    match which {
        Ending::One(id) => sql.execute(END, &[id.into()]).await,
        Ending::Person(mailbox) => {
            app_sessions::tell_of_person(sql, mailbox).await?;
            sql.execute(END_OF_PERSON, &[mailbox.into()]).await
        }
        Ending::Connection(mailbox, app) => {
            sql.execute(END_OF_CONNECTION, &[mailbox.into(), app.into()])
                .await
        }
        Ending::App(app) => sql.execute(END_OF_APP, &[app.into()]).await,
    }
}

/// Removes some of those that have ended; returns how many.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn sweep(sql: &mut Conn, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    sql.execute(SWEEP, &[now.into(), i64::from(limit).into()])
        .await
}

fn grant(row: &Row) -> Result<Grant, StoreError> {
    Ok(Grant {
        id: row.get("id")?,
        app: row.get("app")?,
        mailbox: row.get("mailbox")?,
        session: row.get("session")?,
        sid: row.get("sid")?,
        scopes: row.get("scopes")?,
        auth_time: row.get("auth_time")?,
        claims: row.get("claims")?,
        created: row.get("created")?,
        ends: row.get("ends")?,
    })
}
