//! Credentials whose last day has come, in the order of their ends: what they opened ends with them.

use crate::value::Row;
use crate::{Conn, StoreError, settings};
use model::address::Address;
use model::time::Timestamp;

statements! {
    APP_PASSWORDS = "SELECT m.address, p.ends AS ended, p.id
        FROM app_passwords AS p JOIN mailboxes AS m ON m.id = p.mailbox
        WHERE p.ends >= $1 AND (p.ends, p.id) > ($1, $2) AND p.ends <= $3 AND p.revoked IS NULL
        ORDER BY p.ends, p.id LIMIT $4";
    PASSWORDS = "SELECT m.address, m.password_until AS ended, m.id FROM mailboxes AS m
        WHERE m.password_until >= $1 AND (m.password_until, m.id) > ($1, $2)
            AND m.password_until <= $3 AND m.method_local = FALSE
        ORDER BY m.password_until, m.id LIMIT $4";
}

/// A kind of credential that can have an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// App passwords with an end date.
    AppPasswords,
    /// Local passwords that go on opening mail programs for a while after the switch to a provider.
    Passwords,
}

impl Ending {
    const fn statement(self) -> &'static str {
        match self {
            Self::AppPasswords => APP_PASSWORDS,
            Self::Passwords => PASSWORDS,
        }
    }

    /// The setting that says how far they were seen: the last one's end and id.
    const fn setting(self) -> &'static str {
        match self {
            Self::AppPasswords => "ends.app_passwords",
            Self::Passwords => "ends.passwords",
        }
    }
}

/// The mailboxes of credentials that have ended by `now` and were not given before, `limit` of them
/// at most. Each is given once, also across restarts, so call it in the transaction that acts.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn take(
    sql: &mut Conn,
    kind: Ending,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Address>, StoreError> {
    let seen = settings::get(sql, kind.setting()).await?;
    let (ended, id) = seen.as_deref().and_then(read).unwrap_or_default();
    let values = [ended.into(), id.into(), now.into(), i64::from(limit).into()];
    let rows = sql.all(kind.statement(), &values).await?;
    if let Some(last) = rows.last() {
        settings::set(sql, kind.setting(), &position(last)?).await?;
    }
    rows.iter().map(|row| row.get("address")).collect()
}

fn position(row: &Row) -> Result<String, StoreError> {
    let ended: Timestamp = row.get("ended")?;
    let id: i64 = row.get("id")?;
    Ok(format!("{} {id}", ended.0))
}

fn read(position: &str) -> Option<(i64, i64)> {
    let (ended, id) = position.split_once(' ')?;
    Some((ended.parse().ok()?, id.parse().ok()?))
}
