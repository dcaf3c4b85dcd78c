//! When a provider last stood by the person of a mailbox, and the policy of a domain that asks for it.

use crate::value::Row;
use crate::{Conn, StoreError, settings};
use model::address::Address;
use model::domain::ConfirmPolicy;
use model::ids::{DomainId, MailboxId};
use model::rules::confirmation::{Standing, Warning};
use model::time::Timestamp;

/// The columns that [`standing`] reads, of `mailboxes AS m` and `domains AS d`.
macro_rules! standing_columns {
    () => {
        "m.method_provider, m.confirmed, m.signed_out, m.warned, d.confirm_within, d.confirm_since"
    };
}
pub(crate) use standing_columns;

statements! {
    CONFIRM = "UPDATE mailboxes SET confirmed = $1 WHERE id = $2";
    SIGNED_IN = "UPDATE mailboxes SET confirmed = $1, signed_out = NULL WHERE id = $2";
    WARNED = "UPDATE mailboxes SET warned = $1 WHERE id = $2";
    SIGN_OUT = "UPDATE mailboxes SET signed_out = $1 WHERE id = $2";
    OF = concat!("SELECT ", standing_columns!(), "
        FROM mailboxes AS m JOIN domains AS d ON d.id = m.domain WHERE m.id = $1");
    SET_POLICY = "UPDATE domains SET confirm_within = $1, confirm_since = $2 WHERE id = $3";
    POLICIES = "SELECT id, confirm_within, confirm_since FROM domains
        WHERE confirm_within IS NOT NULL AND id > $1 ORDER BY id LIMIT $2";
    LONG_AGO = "SELECT m.id, m.address, m.confirmed FROM mailboxes AS m
        WHERE m.domain = $1 AND m.confirmed >= $2 AND (m.confirmed, m.id) > ($2, $3)
            AND m.confirmed <= $4 AND m.method_provider = TRUE
        ORDER BY m.confirmed, m.id LIMIT $5";
}

/// Notes that a provider stands by the person of a mailbox; `in_person` if they signed in, which
/// also takes back that they are signed out.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn confirm(
    sql: &mut Conn,
    id: MailboxId,
    now: Timestamp,
    in_person: bool,
) -> Result<(), StoreError> {
    let statement = if in_person { SIGNED_IN } else { CONFIRM };
    sql.execute(statement, &[now.into(), id.into()]).await?;
    Ok(())
}

/// Notes that the person is signed out at a provider where that means that they are gone.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn sign_out(sql: &mut Conn, id: MailboxId, now: Timestamp) -> Result<(), StoreError> {
    sql.execute(SIGN_OUT, &[now.into(), id.into()]).await?;
    Ok(())
}

/// How a mailbox stands; `None` if it is gone.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn of(sql: &mut Conn, id: MailboxId) -> Result<Option<Standing>, StoreError> {
    let row = sql.one(OF, &[id.into()]).await?;
    row.as_ref().map(standing).transpose()
}

/// Sets the policy of a domain, or takes it away. Whoever lapsed under the one before is given by
/// [`lapsed`] once more, and whoever was told to by [`soon`].
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn set_policy(
    sql: &mut Conn,
    id: DomainId,
    policy: Option<ConfirmPolicy>,
) -> Result<(), StoreError> {
    let within = policy.map(|policy| i64::from(policy.within_days));
    let since = policy.map(|policy| policy.since);
    sql.execute(SET_POLICY, &[within.into(), since.into(), id.into()])
        .await?;
    for one in Warning::ALL {
        settings::set(sql, &letters(id, one), "").await?;
    }
    settings::set(sql, &setting(id), "").await
}

/// The domains with a policy, in the order of their ids, those after `after`.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn policies(
    sql: &mut Conn,
    after: DomainId,
    limit: u32,
) -> Result<Vec<(DomainId, ConfirmPolicy)>, StoreError> {
    let rows = sql
        .all(POLICIES, &[after.into(), i64::from(limit).into()])
        .await?;
    let mut found = Vec::new();
    for row in &rows {
        if let Some(policy) = policy(row)? {
            found.push((row.get("id")?, policy));
        }
    }
    Ok(found)
}

/// The mailboxes of a domain that were confirmed last at `latest` or before and were not given
/// before, `limit` of them at most. Each is given once, until it is confirmed anew; so call it in the
/// transaction that acts.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn lapsed(
    sql: &mut Conn,
    id: DomainId,
    latest: Timestamp,
    limit: u32,
) -> Result<Vec<Address>, StoreError> {
    let rows = next(sql, &setting(id), id, (None, latest), limit).await?;
    rows.iter().map(|row| row.get("address")).collect()
}

/// The mailboxes of a domain whose letter is due, with when each was confirmed last: those confirmed
/// after the first bound, where there is one, and not after the second; `limit` of them at most. Each
/// is given once for each letter, until it is confirmed anew; so call it in the transaction that
/// leaves the letter.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn soon(
    sql: &mut Conn,
    id: DomainId,
    letter: Warning,
    bounds: (Option<Timestamp>, Timestamp),
    limit: u32,
) -> Result<Vec<(MailboxId, Timestamp)>, StoreError> {
    let rows = next(sql, &letters(id, letter), id, bounds, limit).await?;
    let mailbox = |row: &Row| Ok((row.get("id")?, row.get("confirmed")?));
    rows.iter().map(mailbox).collect()
}

/// Notes that a letter about a deadline was handed to the mail server.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn warned(sql: &mut Conn, id: MailboxId, now: Timestamp) -> Result<(), StoreError> {
    sql.execute(WARNED, &[now.into(), id.into()]).await?;
    Ok(())
}

/// How a mailbox stands, out of a row with the columns of `standing_columns!`.
pub(crate) fn standing(row: &Row) -> Result<Standing, StoreError> {
    Ok(Standing {
        by_provider: row.get("method_provider")?,
        confirmed: row.get("confirmed")?,
        signed_out: row.get("signed_out")?,
        warned: row.get("warned")?,
        policy: policy(row)?,
    })
}

/// The policy of a row with the two columns of a domain.
pub(crate) fn policy(row: &Row) -> Result<Option<ConfirmPolicy>, StoreError> {
    let within: Option<i64> = row.get("confirm_within")?;
    let since: Option<Timestamp> = row.get("confirm_since")?;
    Ok(within.zip(since).map(|(within, since)| ConfirmPolicy {
        within_days: u16::try_from(within).unwrap_or(u16::MAX),
        since,
    }))
}

/// The next of a domain's people by their last confirmation, after the one that the setting `name`
/// remembers; the last of them is remembered now.
async fn next(
    sql: &mut Conn,
    name: &str,
    id: DomainId,
    (from, latest): (Option<Timestamp>, Timestamp),
    limit: u32,
) -> Result<Vec<Row>, StoreError> {
    let seen = settings::get(sql, name).await?;
    let seen = seen.as_deref().and_then(read).unwrap_or((-1, -1));
    let (at, mailbox) = seen.max(from.map_or((-1, -1), |from| (from.0, i64::MAX)));
    let values = [
        id.into(),
        at.into(),
        mailbox.into(),
        latest.into(),
        i64::from(limit).into(),
    ];
    let rows = sql.all(LONG_AGO, &values).await?;
    if let Some(last) = rows.last() {
        let (at, mailbox): (Timestamp, MailboxId) = (last.get("confirmed")?, last.get("id")?);
        settings::set(sql, name, &format!("{} {}", at.0, mailbox.0)).await?;
    }
    Ok(rows)
}

fn setting(id: DomainId) -> String {
    format!("confirmation.{id}")
}

fn letters(id: DomainId, letter: Warning) -> String {
    format!("confirmation.{id}.{}", letter.name())
}

fn read(position: &str) -> Option<(i64, i64)> {
    let (at, id) = position.split_once(' ')?;
    Some((at.parse().ok()?, id.parse().ok()?))
}
