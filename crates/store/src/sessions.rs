//! Web sessions, found by the tag of their token.

use crate::value::Row;
use crate::{Conn, StoreError};
use model::ids::{AdminId, MailboxId, ProviderId, SessionId};
use model::session::{Principal, Session};
use model::time::Timestamp;
use std::net::IpAddr;
use std::time::Duration;

macro_rules! columns {
    () => {
        "id, mailbox, admin, provider, created, last_used, ip, user_agent"
    };
}

statements! {
    INSERT = "INSERT INTO sessions
            (token_tag, mailbox, admin, provider, created, last_used, ends, ip, user_agent)
        VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8) RETURNING id";
    BY_TAG = concat!("SELECT ", columns!(), " FROM sessions WHERE token_tag = $1");
    TOUCH = "UPDATE sessions SET last_used = $1 WHERE id = $2 AND last_used <= $3";
    LIST_PERSON = concat!("SELECT ", columns!(), " FROM sessions WHERE mailbox = $1
        ORDER BY last_used DESC LIMIT 500");
    LIST_ADMIN = concat!("SELECT ", columns!(), " FROM sessions WHERE admin = $1
        ORDER BY last_used DESC LIMIT 500");
    DELETE_PERSON = "DELETE FROM sessions WHERE id = $1 AND mailbox = $2";
    DELETE_ADMIN = "DELETE FROM sessions WHERE id = $1 AND admin = $2";
    DELETE_OTHERS_PERSON = "DELETE FROM sessions WHERE mailbox = $1 AND id <> $2";
    DELETE_OTHERS_ADMIN = "DELETE FROM sessions WHERE admin = $1 AND id <> $2";
    SWEEP = "DELETE FROM sessions WHERE id IN
        (SELECT id FROM sessions WHERE ends <= $1 ORDER BY ends LIMIT $2)";
}

/// Last uses are exact to this.
const TOUCH_PAUSE: Duration = Duration::from_secs(60);
/// No session has this id.
const NONE: SessionId = SessionId(0);

/// Adds a session by the tag of its token.
///
/// # Errors
/// [`StoreError::Missing`] if its owner or provider is gone.
#[expect(
    clippy::too_many_arguments,
    reason = "the columns of a row, each of its own type; a struct of them would be made here only"
)]
pub async fn insert(
    sql: &mut Conn,
    token_tag: &[u8],
    principal: Principal,
    provider: Option<ProviderId>,
    now: Timestamp,
    ends: Timestamp,
    ip: Option<IpAddr>,
    user_agent: &str,
) -> Result<SessionId, StoreError> {
    let (mailbox, admin) = match principal {
        Principal::Person(id) => (Some(id), None),
        Principal::Admin(id) => (None, Some(id)),
    };
    let values = [
        token_tag.into(),
        mailbox.into(),
        admin.into(),
        provider.into(),
        now.into(),
        ends.into(),
        ip.into(),
        user_agent.into(),
    ];
    sql.insert(INSERT, &values).await.map(SessionId)
}

/// The session with this tag; whether it is still good is for its lifetime to say.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_tag(sql: &mut Conn, token_tag: &[u8]) -> Result<Option<Session>, StoreError> {
    let row = sql.one(BY_TAG, &[token_tag.into()]).await?;
    row.as_ref().map(session).transpose()
}

/// Notes a use, at most once a minute.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn touch(sql: &mut Conn, id: SessionId, now: Timestamp) -> Result<(), StoreError> {
    let values = [now.into(), id.into(), now.minus(TOUCH_PAUSE).into()];
    sql.execute(TOUCH, &values).await?;
    Ok(())
}

/// The sessions of somebody, the one used last first.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn list(sql: &mut Conn, principal: Principal) -> Result<Vec<Session>, StoreError> {
    let rows = match principal {
        Principal::Person(id) => sql.all(LIST_PERSON, &[id.into()]).await?,
        Principal::Admin(id) => sql.all(LIST_ADMIN, &[id.into()]).await?,
    };
    rows.iter().map(session).collect()
}

/// Ends a session of somebody. `false` if they have none of that id.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn delete(
    sql: &mut Conn,
    id: SessionId,
    principal: Principal,
) -> Result<bool, StoreError> {
    let deleted = match principal {
        Principal::Person(owner) => {
            sql.execute(DELETE_PERSON, &[id.into(), owner.into()])
                .await?
        }
        Principal::Admin(owner) => {
            sql.execute(DELETE_ADMIN, &[id.into(), owner.into()])
                .await?
        }
    };
    Ok(deleted == 1)
}

/// Ends all sessions of somebody but one; returns how many.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn delete_others(
    sql: &mut Conn,
    principal: Principal,
    keep: SessionId,
) -> Result<u64, StoreError> {
    match principal {
        Principal::Person(owner) => {
            sql.execute(DELETE_OTHERS_PERSON, &[owner.into(), keep.into()])
                .await
        }
        Principal::Admin(owner) => {
            sql.execute(DELETE_OTHERS_ADMIN, &[owner.into(), keep.into()])
                .await
        }
    }
}

/// Ends all sessions of somebody; returns how many.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn delete_all(sql: &mut Conn, principal: Principal) -> Result<u64, StoreError> {
    delete_others(sql, principal, NONE).await
}

/// Removes some of those that have ended; returns how many.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn sweep(sql: &mut Conn, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    sql.execute(SWEEP, &[now.into(), i64::from(limit).into()])
        .await
}

fn session(row: &Row) -> Result<Session, StoreError> {
    let person = row.get::<Option<MailboxId>>("mailbox")?;
    let principal = match person {
        Some(id) => Principal::Person(id),
        None => Principal::Admin(row.get::<AdminId>("admin")?),
    };
    Ok(Session {
        id: row.get("id")?,
        principal,
        provider: row.get("provider")?,
        created: row.get("created")?,
        last_used: row.get("last_used")?,
        ip: row.get("ip")?,
        user_agent: row.get("user_agent")?,
    })
}
