//! Proven identities that still have to prove a mailbox's local password.

use crate::{Conn, StoreError};
use model::ids::{MailboxId, ProviderId};
use model::link::Namespace;
use model::time::Timestamp;

statements! {
    INSERT = "INSERT INTO link_proofs
            (token_tag, browser_tag, mailbox, provider, namespace, subject, tries, ends)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    GET = "SELECT mailbox, provider, namespace, subject, tries FROM link_proofs
        WHERE token_tag = $1 AND browser_tag = $2 AND ends > $3";
    COUNT_TRY = "UPDATE link_proofs SET tries = tries + 1 WHERE token_tag = $1 RETURNING tries";
    DELETE = "DELETE FROM link_proofs WHERE token_tag = $1";
    SWEEP = "DELETE FROM link_proofs WHERE token_tag IN
        (SELECT token_tag FROM link_proofs WHERE ends <= $1 ORDER BY ends LIMIT $2)";
}

/// What a proof waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The mailbox whose password is asked for.
    pub mailbox: MailboxId,
    /// The provider that proved the identity.
    pub provider: ProviderId,
    /// Where the subject is unique.
    pub namespace: Namespace,
    /// The person.
    pub subject: String,
    /// Wrong passwords so far.
    pub tries: i64,
}

/// Remembers a proof by the tags of its token and of its browser.
///
/// # Errors
/// [`StoreError::Missing`] if mailbox or provider is gone.
pub async fn insert(
    sql: &mut Conn,
    token_tag: &[u8],
    browser_tag: &[u8],
    proof: &Proof,
    ends: Timestamp,
) -> Result<(), StoreError> {
    let values = [
        token_tag.into(),
        browser_tag.into(),
        proof.mailbox.into(),
        proof.provider.into(),
        (&proof.namespace).into(),
        (&proof.subject).into(),
        proof.tries.into(),
        ends.into(),
    ];
    sql.execute(INSERT, &values).await?;
    Ok(())
}

/// A proof that has not ended, of this browser.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn get(
    sql: &mut Conn,
    token_tag: &[u8],
    browser_tag: &[u8],
    now: Timestamp,
) -> Result<Option<Proof>, StoreError> {
    let values = [token_tag.into(), browser_tag.into(), now.into()];
    let Some(row) = sql.one(GET, &values).await? else {
        return Ok(None);
    };
    Ok(Some(Proof {
        mailbox: row.get("mailbox")?,
        provider: row.get("provider")?,
        namespace: row.get("namespace")?,
        subject: row.get("subject")?,
        tries: row.get("tries")?,
    }))
}

/// Counts a wrong password; returns how many there were.
///
/// # Errors
/// [`StoreError::Missing`] if the proof is gone.
pub async fn count_try(sql: &mut Conn, token_tag: &[u8]) -> Result<i64, StoreError> {
    let row = sql.one(COUNT_TRY, &[token_tag.into()]).await?;
    row.ok_or(StoreError::Missing)?.get("tries")
}

/// Takes a proof away. `false` if somebody else did.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn delete(sql: &mut Conn, token_tag: &[u8]) -> Result<bool, StoreError> {
    Ok(sql.execute(DELETE, &[token_tag.into()]).await? == 1)
}

/// Removes some of those that have ended; returns how many.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn sweep(sql: &mut Conn, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    sql.execute(SWEEP, &[now.into(), i64::from(limit).into()])
        .await
}
