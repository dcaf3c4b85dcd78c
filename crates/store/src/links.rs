//! Links between people at providers and mailboxes, and the pending ones.

use crate::value::{self, Row};
use crate::{Conn, StoreError};
use model::ids::{LinkId, MailboxId, ProviderId};
use model::link::{Link, LinkOrigin, Namespace, PendingLink};
use model::time::Timestamp;

macro_rules! columns {
    () => {
        "id, mailbox, provider, namespace, subject, origin, created, last_sign_in, confirmed, \
         unconfirmed"
    };
}

statements! {
    INSERT = "INSERT INTO links (mailbox, provider, namespace, subject, origin, created, last_sign_in,
            confirmed)
        VALUES ($1, $2, $3, $4, $5, $6, $6, $6) RETURNING id";
    BY_SUBJECT = concat!("SELECT ", columns!(), " FROM links
        WHERE namespace = $1 AND subject = $2");
    OF_MAILBOX = concat!("SELECT ", columns!(), " FROM links WHERE mailbox = $1 ORDER BY provider");
    TOUCH = "UPDATE links SET last_sign_in = $1 WHERE id = $2";
    CONFIRM = "UPDATE links SET confirmed = $1, unconfirmed = NULL WHERE id = $2";
    UNCONFIRM = "UPDATE links SET unconfirmed = $1 WHERE id = $2";
    COUNT_UNCONFIRMED = "SELECT count(*) AS used FROM
        (SELECT 1 FROM links WHERE provider = $1 AND unconfirmed > $2 LIMIT 1001) AS capped";
    UNCONFIRMED = "SELECT m.address FROM links AS l JOIN mailboxes AS m ON m.id = l.mailbox
        WHERE l.provider = $1 AND l.unconfirmed > $2 ORDER BY l.unconfirmed LIMIT $3";
    DELETE = "DELETE FROM links WHERE id = $1";
    COUNT_OF_PROVIDER = "SELECT count(*) AS used FROM
        (SELECT 1 FROM links WHERE provider = $1 LIMIT 1001) AS capped";
    COUNT_IN = "SELECT count(*) AS used FROM
        (SELECT 1 FROM links WHERE provider = $1 AND namespace = $2 LIMIT 1001) AS capped";
    REKEY = "UPDATE links SET namespace = $1 WHERE provider = $2 AND namespace = $3";
    PUT_PENDING = "INSERT INTO pending_links (mailbox, provider, expected_subject, ends)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (mailbox) DO UPDATE SET provider = excluded.provider,
            expected_subject = excluded.expected_subject, ends = excluded.ends";
    PENDING_OF = "SELECT mailbox, provider, expected_subject, ends FROM pending_links
        WHERE mailbox = $1";
    TAKE_PENDING = "DELETE FROM pending_links WHERE mailbox = $1
        RETURNING mailbox, provider, expected_subject, ends";
    SWEEP_PENDING = "DELETE FROM pending_links WHERE mailbox IN
        (SELECT mailbox FROM pending_links WHERE ends <= $1 ORDER BY ends LIMIT 500)";
}

/// Links a person to a mailbox, at the sign-in that proved who they are.
///
/// # Errors
/// [`crate::Taken::Subject`] if the person is linked, [`crate::Taken::MailboxAtProvider`] if the
/// mailbox is linked at that provider; [`StoreError::Missing`] if either is gone.
pub async fn insert(
    sql: &mut Conn,
    mailbox: MailboxId,
    provider: ProviderId,
    namespace: &Namespace,
    subject: &str,
    origin: LinkOrigin,
    now: Timestamp,
) -> Result<LinkId, StoreError> {
    let values = [
        mailbox.into(),
        provider.into(),
        namespace.into(),
        subject.into(),
        value::name(&origin)?,
        now.into(),
    ];
    sql.insert(INSERT, &values).await.map(LinkId)
}

/// The link of a person.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_subject(
    sql: &mut Conn,
    namespace: &Namespace,
    subject: &str,
) -> Result<Option<Link>, StoreError> {
    let values = [namespace.into(), subject.into()];
    let row = sql.one(BY_SUBJECT, &values).await?;
    row.as_ref().map(link).transpose()
}

/// The links of a mailbox, one a provider at most.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn of_mailbox(sql: &mut Conn, id: MailboxId) -> Result<Vec<Link>, StoreError> {
    let rows = sql.all(OF_MAILBOX, &[id.into()]).await?;
    rows.iter().map(link).collect()
}

/// Notes that the person signed in.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn touch(sql: &mut Conn, id: LinkId, now: Timestamp) -> Result<(), StoreError> {
    sql.execute(TOUCH, &[now.into(), id.into()]).await?;
    Ok(())
}

/// Notes that the provider stands by the person.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn confirm(sql: &mut Conn, id: LinkId, now: Timestamp) -> Result<(), StoreError> {
    sql.execute(CONFIRM, &[now.into(), id.into()]).await?;
    Ok(())
}

/// Notes that the provider no longer does.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn unconfirm(sql: &mut Conn, id: LinkId, now: Timestamp) -> Result<(), StoreError> {
    sql.execute(UNCONFIRM, &[now.into(), id.into()]).await?;
    Ok(())
}

/// How many people of a provider became unconfirmed after then and are so still; 1001 stands for
/// "more than 1000".
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn count_unconfirmed(
    sql: &mut Conn,
    id: ProviderId,
    since: Timestamp,
) -> Result<u32, StoreError> {
    let row = sql
        .one(COUNT_UNCONFIRMED, &[id.into(), since.into()])
        .await?;
    let used = row.map_or(Ok(0), |row| row.get::<i64>("used"))?;
    Ok(u32::try_from(used).unwrap_or(u32::MAX))
}

/// The addresses of those people, `limit` at most.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn unconfirmed(
    sql: &mut Conn,
    id: ProviderId,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<String>, StoreError> {
    let values = [id.into(), since.into(), i64::from(limit).into()];
    let rows = sql.all(UNCONFIRMED, &values).await?;
    rows.iter().map(|row| row.get("address")).collect()
}

/// Removes a link. `false` if there was none.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn delete(sql: &mut Conn, id: LinkId) -> Result<bool, StoreError> {
    Ok(sql.execute(DELETE, &[id.into()]).await? == 1)
}

/// How many people are linked through a provider; 1001 stands for "more than 1000".
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn count_of_provider(sql: &mut Conn, id: ProviderId) -> Result<u32, StoreError> {
    let row = sql.one(COUNT_OF_PROVIDER, &[id.into()]).await?;
    let used = row.map_or(Ok(0), |row| row.get::<i64>("used"))?;
    Ok(u32::try_from(used).unwrap_or(u32::MAX))
}

/// How many people are linked through a provider in one namespace; 1001 stands for "more than 1000".
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn count_in(
    sql: &mut Conn,
    id: ProviderId,
    namespace: &Namespace,
) -> Result<u32, StoreError> {
    let row = sql.one(COUNT_IN, &[id.into(), namespace.into()]).await?;
    let used = row.map_or(Ok(0), |row| row.get::<i64>("used"))?;
    Ok(u32::try_from(used).unwrap_or(u32::MAX))
}

/// Moves all links of a provider to another namespace; returns how many.
///
/// # Errors
/// [`crate::Taken::Subject`] if a person is linked there already; nothing is moved then.
pub async fn rekey(
    sql: &mut Conn,
    provider: ProviderId,
    from: &Namespace,
    to: &Namespace,
) -> Result<u64, StoreError> {
    sql.execute(REKEY, &[to.into(), provider.into(), from.into()])
        .await
}

/// Puts a pending link, in place of the mailbox's earlier one.
///
/// # Errors
/// [`StoreError::Missing`] if mailbox or provider is gone.
pub async fn put_pending(sql: &mut Conn, pending: &PendingLink) -> Result<(), StoreError> {
    let values = [
        pending.mailbox.into(),
        pending.provider.into(),
        pending.expected_subject.as_deref().into(),
        pending.ends.into(),
    ];
    sql.execute(PUT_PENDING, &values).await?;
    Ok(())
}

/// The pending link of a mailbox, which may have lapsed.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn pending_of(sql: &mut Conn, id: MailboxId) -> Result<Option<PendingLink>, StoreError> {
    let row = sql.one(PENDING_OF, &[id.into()]).await?;
    row.as_ref().map(pending).transpose()
}

/// Takes the pending link of a mailbox away.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn take_pending(
    sql: &mut Conn,
    id: MailboxId,
) -> Result<Option<PendingLink>, StoreError> {
    let row = sql.one(TAKE_PENDING, &[id.into()]).await?;
    row.as_ref().map(pending).transpose()
}

/// Removes some of the pending links that have lapsed; returns how many.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn sweep_pending(sql: &mut Conn, now: Timestamp) -> Result<u64, StoreError> {
    sql.execute(SWEEP_PENDING, &[now.into()]).await
}

fn link(row: &Row) -> Result<Link, StoreError> {
    Ok(Link {
        id: row.get("id")?,
        mailbox: row.get("mailbox")?,
        provider: row.get("provider")?,
        namespace: row.get("namespace")?,
        subject: row.get("subject")?,
        origin: row.named("origin")?,
        created: row.get("created")?,
        last_sign_in: row.get("last_sign_in")?,
        confirmed: row.get("confirmed")?,
        unconfirmed: row.get("unconfirmed")?,
    })
}

fn pending(row: &Row) -> Result<PendingLink, StoreError> {
    Ok(PendingLink {
        mailbox: row.get("mailbox")?,
        provider: row.get("provider")?,
        expected_subject: row.get("expected_subject")?,
        ends: row.get("ends")?,
    })
}
