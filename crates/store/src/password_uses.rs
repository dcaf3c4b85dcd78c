//! Which mail programs used the local password: one row a program, so that a switch to a provider
//! can name those that still need an app password.

use crate::{Conn, StoreError};
use model::app_password::LastUse;
use model::ids::MailboxId;
use model::protocol::Protocol;
use model::time::{DAY, Timestamp};
use std::net::IpAddr;
use std::time::Duration;

statements! {
    RECORD = "INSERT INTO password_uses (mailbox, protocol, ip, at)
        SELECT id, $1, $2, $3 FROM mailboxes WHERE id = $4
        ON CONFLICT (mailbox, protocol, ip) DO UPDATE SET at = excluded.at
            WHERE password_uses.at < excluded.at";
    FORGET = "DELETE FROM password_uses WHERE mailbox = $1 AND at < $2";
    RECENT = "SELECT protocol, ip, at FROM password_uses WHERE mailbox = $1 AND at >= $2
        ORDER BY at DESC LIMIT 200";
}

/// How long uses are kept: a phone on roaming addresses would fill the table otherwise.
const KEPT: Duration = Duration::from_secs(90 * DAY.as_secs());

/// Notes a use; of a mailbox that is gone, nothing.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn record(sql: &mut Conn, mailbox: MailboxId, last: &LastUse) -> Result<(), StoreError> {
    let ip = last.ip.map(|ip| ip.to_string()).unwrap_or_default();
    let values = [
        last.protocol.into(),
        ip.into(),
        last.at.into(),
        mailbox.into(),
    ];
    sql.execute(RECORD, &values).await?;
    sql.execute(FORGET, &[mailbox.into(), last.at.minus(KEPT).into()])
        .await?;
    Ok(())
}

/// The programs that used the password since then, the latest first.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn recent(
    sql: &mut Conn,
    mailbox: MailboxId,
    since: Timestamp,
) -> Result<Vec<(Protocol, Option<IpAddr>, Timestamp)>, StoreError> {
    let rows = sql.all(RECENT, &[mailbox.into(), since.into()]).await?;
    rows.iter()
        .map(|row| {
            let ip = row.get::<String>("ip")?.parse().ok();
            Ok((row.get("protocol")?, ip, row.get("at")?))
        })
        .collect()
}
