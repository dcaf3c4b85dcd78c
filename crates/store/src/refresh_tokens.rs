//! Sealed refresh tokens, one a link at most, and when each is used next.

use crate::value::Row;
use crate::{Conn, StoreError};
use model::address::Address;
use model::ids::{LinkId, MailboxId, ProviderId};
use model::link::Namespace;
use model::time::Timestamp;

statements! {
    PUT = "INSERT INTO refresh_tokens (link, provider, sealed, sid, offline, ends, due)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (link) DO UPDATE SET provider = excluded.provider, sealed = excluded.sealed,
            sid = excluded.sid, offline = excluded.offline, ends = excluded.ends,
            due = excluded.due, asked = NULL";
    DUE = "SELECT r.link, r.sealed, r.ends, r.asked, l.mailbox, l.namespace, l.subject, m.address,
            m.active
        FROM refresh_tokens AS r JOIN links AS l ON l.id = r.link
            JOIN mailboxes AS m ON m.id = l.mailbox
        WHERE r.provider = $1 AND r.due <= $2 ORDER BY r.due LIMIT $3";
    ASK = "UPDATE refresh_tokens SET asked = $1 WHERE link = $2 AND sealed = $3
        AND asked IS NOT DISTINCT FROM $4";
    ROTATE = "UPDATE refresh_tokens SET sealed = $1, ends = $2, due = $3, asked = NULL
        WHERE link = $4 AND sealed = $5";
    POSTPONE = "UPDATE refresh_tokens SET due = $1 WHERE link = $2 AND sealed = $3";
    SETTLE = "UPDATE refresh_tokens SET due = $1, asked = NULL WHERE link = $2 AND sealed = $3";
    FORGET_SESSION = "DELETE FROM refresh_tokens
        WHERE link = $1 AND offline = FALSE AND COALESCE(sid, $2) = $2";
    FORGET_BOUND = "DELETE FROM refresh_tokens WHERE link = $1 AND offline = FALSE";
    HURRY = "UPDATE refresh_tokens SET due = $1 WHERE link = $2 AND due > $1";
    ANY_OF = "SELECT 1 AS kept FROM refresh_tokens WHERE provider = $1 LIMIT 1";
    OF_PERSON = "SELECT r.provider FROM links AS l JOIN refresh_tokens AS r ON r.link = l.id
        WHERE l.mailbox = $1";
    FORGET = "DELETE FROM refresh_tokens WHERE link = $1 AND sealed = $2";
    SUBJECT_OF_SID = "SELECT l.subject FROM refresh_tokens AS r JOIN links AS l ON l.id = r.link
        WHERE r.provider = $1 AND l.namespace = $2 AND r.sid = $3 LIMIT 1";
    FORGET_PROVIDER = "DELETE FROM refresh_tokens WHERE provider = $1";
}

/// A token to be kept.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// Whose.
    pub link: LinkId,
    /// From whom.
    pub provider: ProviderId,
    /// The sealed bytes.
    pub sealed: &'a [u8],
    /// The session there that it came with.
    pub sid: Option<&'a str>,
    /// Whether it outlives that session (`offline_access`).
    pub offline: bool,
    /// When it ends, as the provider says.
    pub ends: Option<Timestamp>,
    /// When it is used next.
    pub due: Timestamp,
}

/// A token whose turn has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Whose.
    pub link: LinkId,
    /// The mailbox.
    pub mailbox: MailboxId,
    /// Its address.
    pub address: Address,
    /// Whether it is switched on.
    pub active: bool,
    /// Where the subject is unique.
    pub namespace: Namespace,
    /// The person.
    pub subject: String,
    /// The sealed bytes.
    pub sealed: Vec<u8>,
    /// When it ends.
    pub ends: Option<Timestamp>,
    /// When it was used without an answer that was stored: it may have been used up then.
    pub asked: Option<Timestamp>,
}

/// Keeps a token in place of the link's earlier one.
///
/// # Errors
/// [`StoreError::Missing`] if the link is gone.
pub async fn put(sql: &mut Conn, kept: &Kept<'_>) -> Result<(), StoreError> {
    let values = [
        kept.link.into(),
        kept.provider.into(),
        kept.sealed.into(),
        kept.sid.into(),
        kept.offline.into(),
        kept.ends.into(),
        kept.due.into(),
    ];
    sql.execute(PUT, &values).await?;
    Ok(())
}

/// Those of a provider whose turn has come, the one that waits longest first.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn due(
    sql: &mut Conn,
    provider: ProviderId,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Due>, StoreError> {
    let values = [provider.into(), now.into(), i64::from(limit).into()];
    let rows = sql.all(DUE, &values).await?;
    rows.iter().map(read).collect()
}

/// Notes that a token is about to be used, which it was last at `before`. `false` if it was replaced
/// or forgotten meanwhile, or somebody else is at it: two who use it would have the second refused.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn ask(
    sql: &mut Conn,
    link: LinkId,
    sealed: &[u8],
    before: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let values = [now.into(), link.into(), sealed.into(), before.into()];
    Ok(sql.execute(ASK, &values).await? == 1)
}

/// Puts the token that came for `old` in its place. `false` if a sign-in brought another meanwhile.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn rotate(
    sql: &mut Conn,
    link: LinkId,
    old: &[u8],
    new: &[u8],
    ends: Option<Timestamp>,
    due: Timestamp,
) -> Result<bool, StoreError> {
    let values = [new.into(), ends.into(), due.into(), link.into(), old.into()];
    Ok(sql.execute(ROTATE, &values).await? == 1)
}

/// Moves a token's turn; `settled` if it is certain that it was not used up.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn postpone(
    sql: &mut Conn,
    link: LinkId,
    sealed: &[u8],
    due: Timestamp,
    settled: bool,
) -> Result<(), StoreError> {
    let statement = if settled { SETTLE } else { POSTPONE };
    sql.execute(statement, &[due.into(), link.into(), sealed.into()])
        .await?;
    Ok(())
}

/// The person signed out at the provider, of the session `sid` or (`None`) of all. A token that
/// ends with that session is forgotten: that it is refused from now on means nothing. Any other is
/// used at once.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn signed_out(
    sql: &mut Conn,
    link: LinkId,
    sid: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    match sid {
        Some(sid) => {
            let values = [link.into(), sid.into()];
            sql.execute(FORGET_SESSION, &values).await?;
        }
        None => {
            sql.execute(FORGET_BOUND, &[link.into()]).await?;
        }
    }
    sql.execute(HURRY, &[now.into(), link.into()]).await?;
    Ok(())
}

/// From which providers tokens are kept for the person of a mailbox.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn of_person(sql: &mut Conn, mailbox: MailboxId) -> Result<Vec<ProviderId>, StoreError> {
    let rows = sql.all(OF_PERSON, &[mailbox.into()]).await?;
    rows.iter().map(|row| row.get("provider")).collect()
}

/// Forgets a token, unless another took its place. `false` if so.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn forget(sql: &mut Conn, link: LinkId, sealed: &[u8]) -> Result<bool, StoreError> {
    Ok(sql.execute(FORGET, &[link.into(), sealed.into()]).await? == 1)
}

/// Whose sign-in by the session `sid` there brought a token, although no session stands on it here.
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

/// Whether any token of a provider is kept.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn any_of(sql: &mut Conn, provider: ProviderId) -> Result<bool, StoreError> {
    Ok(sql.one(ANY_OF, &[provider.into()]).await?.is_some())
}

/// Forgets all tokens of a provider; returns how many.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn forget_provider(sql: &mut Conn, provider: ProviderId) -> Result<u64, StoreError> {
    sql.execute(FORGET_PROVIDER, &[provider.into()]).await
}

fn read(row: &Row) -> Result<Due, StoreError> {
    Ok(Due {
        link: row.get("link")?,
        mailbox: row.get("mailbox")?,
        address: row.get("address")?,
        active: row.get("active")?,
        namespace: row.get("namespace")?,
        subject: row.get("subject")?,
        sealed: row.get("sealed")?,
        ends: row.get("ends")?,
        asked: row.get("asked")?,
    })
}
