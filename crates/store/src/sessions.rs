//! Web sessions, found by the tag of their token.

use crate::value::Row;
use crate::{Conn, StoreError};
use model::ids::{AdminId, MailboxId, ProviderId, SessionId};
use model::link::Namespace;
use model::session::{Principal, ProviderSession, Session};
use model::time::Timestamp;
use std::net::IpAddr;
use std::time::Duration;

macro_rules! columns {
    () => {
        "id, mailbox, admin, provider, created, proved, last_used, ip, user_agent"
    };
}

statements! {
    INSERT = "INSERT INTO sessions
            (token_tag, mailbox, admin, provider, namespace, subject, provider_sid, id_token,
            created, last_used, ends, ip, user_agent, proved)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11, $12, $13) RETURNING id";
    BY_TAG = concat!("SELECT ", columns!(), " FROM sessions WHERE token_tag = $1");
    BY_ID = concat!("SELECT ", columns!(), " FROM sessions WHERE id = $1");
    TOUCH = "UPDATE sessions SET last_used = $1 WHERE id = $2 AND last_used <= $3";
    LIST_PERSON = concat!("SELECT ", columns!(), " FROM sessions WHERE mailbox = $1
        ORDER BY last_used DESC LIMIT 500");
    LIST_ADMIN = concat!("SELECT ", columns!(), " FROM sessions WHERE admin = $1
        ORDER BY last_used DESC LIMIT 500");
    DELETE_PERSON = "DELETE FROM sessions WHERE id = $1 AND mailbox = $2";
    DELETE_ADMIN = "DELETE FROM sessions WHERE id = $1 AND admin = $2";
    DELETE_OTHERS_PERSON = "DELETE FROM sessions WHERE mailbox = $1 AND id <> $2";
    DELETE_OTHERS_ADMIN = "DELETE FROM sessions WHERE admin = $1 AND id <> $2";
    WAY_OUT = "SELECT provider, id_token FROM sessions WHERE token_tag = $1";
    END_AT_PROVIDER = "DELETE FROM sessions
        WHERE provider = $1 AND namespace = $2 AND subject = $3
            AND COALESCE(provider_sid, $4) = $4";
    END_BY_SID = "DELETE FROM sessions
        WHERE provider = $1 AND namespace = $2 AND provider_sid = $3";
    END_OF_SUBJECT = "DELETE FROM sessions
        WHERE provider = $1 AND namespace = $2 AND subject = $3";
    END_OF_PERSON = "DELETE FROM sessions WHERE mailbox = $1 AND provider = $2";
    SUBJECT_OF_SID = "SELECT subject FROM sessions
        WHERE provider = $1 AND namespace = $2 AND provider_sid = $3 LIMIT 1";
    REKEY = "UPDATE sessions SET namespace = $1 WHERE provider = $2 AND namespace = $3";
    KEEP_QUIET = "DELETE FROM app_sessions WHERE session IN
        (SELECT id FROM sessions WHERE ends <= $1 ORDER BY ends LIMIT $2)";
    SWEEP = "DELETE FROM sessions WHERE id IN
        (SELECT id FROM sessions WHERE ends <= $1 ORDER BY ends LIMIT $2)";
}

/// Last uses are exact to this.
const TOUCH_PAUSE: Duration = Duration::from_secs(60);
/// No session has this id.
const NONE: SessionId = SessionId(0);

/// A session about to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewSession<'a> {
    /// The tag of its token.
    pub token_tag: &'a [u8],
    /// Whose.
    pub principal: Principal,
    /// On what it stands at a provider; `None` for a local password.
    pub at: Option<&'a ProviderSession>,
    /// The sealed ID token, if it is needed for signing out there.
    pub id_token: Option<&'a [u8]>,
    /// When it is made.
    pub now: Timestamp,
    /// When the person proved who they are: then, or before at the provider.
    pub proved: Timestamp,
    /// When it ends in any case.
    pub ends: Timestamp,
    /// From where.
    pub ip: Option<IpAddr>,
    /// The browser's own words.
    pub user_agent: &'a str,
}

/// What is needed to sign out at the provider of a session too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayOut {
    /// The provider; `None` for a local password.
    pub provider: Option<ProviderId>,
    /// The sealed ID token.
    pub id_token: Option<Vec<u8>>,
}

/// Whose sessions a provider ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedThere<'a> {
    /// One session there, of this person. A session here that knows none of its own there counts
    /// as standing on it.
    Session {
        /// The person.
        subject: &'a str,
        /// The provider's name of its session.
        sid: &'a str,
    },
    /// One session there, whosoever.
    Sid(&'a str),
    /// All sessions of a person.
    Subject(&'a str),
}

/// Adds a session.
///
/// # Errors
/// [`StoreError::Missing`] if its owner or provider is gone.
pub async fn insert(sql: &mut Conn, new: &NewSession<'_>) -> Result<SessionId, StoreError> {
    let (mailbox, admin) = match new.principal {
        Principal::Person(id) => (Some(id), None),
        Principal::Admin(id) => (None, Some(id)),
    };
    let values = [
        new.token_tag.into(),
        mailbox.into(),
        admin.into(),
        new.at.map(|at| at.provider).into(),
        new.at.map(|at| &at.namespace).into(),
        new.at.map(|at| &at.subject).into(),
        new.at.and_then(|at| at.sid.as_ref()).into(),
        new.id_token.into(),
        new.now.into(),
        new.ends.into(),
        new.ip.into(),
        new.user_agent.into(),
        new.proved.into(),
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

/// A session; whether it is still good is for its lifetime to say.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_id(sql: &mut Conn, id: SessionId) -> Result<Option<Session>, StoreError> {
    let row = sql.one(BY_ID, &[id.into()]).await?;
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

/// How the session with this tag is left at its provider; `None` if there is no such session.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn way_out(sql: &mut Conn, token_tag: &[u8]) -> Result<Option<WayOut>, StoreError> {
    let row = sql.one(WAY_OUT, &[token_tag.into()]).await?;
    row.map(|row| {
        Ok(WayOut {
            provider: row.get("provider")?,
            id_token: row.get("id_token")?,
        })
    })
    .transpose()
}

/// Ends what stands on sessions that a provider ended; returns how many.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn end_at_provider(
    sql: &mut Conn,
    provider: ProviderId,
    namespace: &Namespace,
    ended: EndedThere<'_>,
) -> Result<u64, StoreError> {
    match ended {
        EndedThere::Session { subject, sid } => {
            let values = [
                provider.into(),
                namespace.into(),
                subject.into(),
                sid.into(),
            ];
            sql.execute(END_AT_PROVIDER, &values).await
        }
        EndedThere::Sid(sid) => {
            let values = [provider.into(), namespace.into(), sid.into()];
            sql.execute(END_BY_SID, &values).await
        }
        EndedThere::Subject(subject) => {
            let values = [provider.into(), namespace.into(), subject.into()];
            sql.execute(END_OF_SUBJECT, &values).await
        }
    }
}

/// Ends the sessions of a mailbox that stand on a provider; returns how many.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn end_of_person(
    sql: &mut Conn,
    mailbox: MailboxId,
    provider: ProviderId,
) -> Result<u64, StoreError> {
    sql.execute(END_OF_PERSON, &[mailbox.into(), provider.into()])
        .await
}

/// The person of a provider's session, while a session here stands on it.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn subject_of_sid(
    sql: &mut Conn,
    provider: ProviderId,
    namespace: &Namespace,
    sid: &str,
) -> Result<Option<String>, StoreError> {
    let values = [provider.into(), namespace.into(), sid.into()];
    let row = sql.one(SUBJECT_OF_SID, &values).await?;
    row.map_or(Ok(None), |row| row.get("subject"))
}

/// Moves sessions of a provider to another namespace, with the links they stand on.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn rekey(
    sql: &mut Conn,
    provider: ProviderId,
    from: &Namespace,
    to: &Namespace,
) -> Result<(), StoreError> {
    sql.execute(REKEY, &[to.into(), provider.into(), from.into()])
        .await?;
    Ok(())
}

/// Removes some of those that have ended; returns how many. Their apps are not told: nobody signed
/// out.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn sweep(sql: &mut Conn, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let some = [now.into(), i64::from(limit).into()];
    sql.execute(KEEP_QUIET, &some).await?;
    sql.execute(SWEEP, &some).await
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
        proved: row.get("proved")?,
        last_used: row.get("last_used")?,
        ip: row.get("ip")?,
        user_agent: row.get("user_agent")?,
    })
}
