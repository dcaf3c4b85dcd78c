//! Mail of deleted mailboxes, kept for a while under its storage id.

use crate::value::Row;
use crate::{Conn, Listed, Page, StoreError};
use model::ids::MailboxId;
use model::time::Timestamp;
use uuid::Uuid;

statements! {
    DUE = "SELECT storage, mailbox, address, deleted, deleted_by, remove_at FROM deleted_mail
        WHERE remove_at <= $1 AND (remove_at, storage) > ($2, $3)
        ORDER BY remove_at, storage LIMIT $4";
    LIST = "SELECT storage, mailbox, address, deleted, deleted_by, remove_at FROM deleted_mail
        WHERE (remove_at, storage) > ($1, $2) ORDER BY remove_at, storage LIMIT $3";
    REMOVED = "DELETE FROM deleted_mail WHERE storage = $1";
}

/// Mail of a deleted mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedMail {
    /// Names the directory.
    pub storage: Uuid,
    /// The mailbox it was.
    pub mailbox: MailboxId,
    /// Its address then; somebody else may have it now.
    pub address: String,
    /// When it was deleted.
    pub deleted: Timestamp,
    /// By whom.
    pub deleted_by: String,
    /// When the mail is removed from the disk.
    pub remove_at: Timestamp,
}

/// Mail that is due to be removed, what has waited longest first; with `after`, what follows that.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn deleted_due(
    sql: &mut Conn,
    now: Timestamp,
    after: Option<&DeletedMail>,
    limit: u32,
) -> Result<Vec<DeletedMail>, StoreError> {
    let (at, storage) = match after {
        None => (i64::MIN, Vec::new()),
        Some(mail) => (mail.remove_at.0, mail.storage.as_bytes().to_vec()),
    };
    let values = [
        now.into(),
        at.into(),
        storage.into(),
        i64::from(limit).into(),
    ];
    let rows = sql.all(DUE, &values).await?;
    rows.iter().map(deleted).collect()
}

/// A page of what is kept, what is removed soonest first.
///
/// # Errors
/// [`StoreError::Cursor`].
pub async fn deleted_list(sql: &mut Conn, page: &Page) -> Result<Listed<DeletedMail>, StoreError> {
    let (at, storage) = match &page.after {
        None => (i64::MIN, Vec::new()),
        Some(cursor) => parse(cursor).ok_or(StoreError::Cursor)?,
    };
    let rows = sql
        .all(LIST, &[at.into(), storage.into(), page.fetch().into()])
        .await?;
    let mail = rows.iter().map(deleted).collect::<Result<_, _>>()?;
    Ok(Listed::cut(mail, page, |mail: &DeletedMail| {
        format!("{}-{}", mail.remove_at.0, mail.storage.simple())
    }))
}

fn parse(cursor: &str) -> Option<(i64, Vec<u8>)> {
    let (at, storage) = cursor.rsplit_once('-')?;
    Some((at.parse().ok()?, hex::decode(storage).ok()?))
}

/// Forgets mail that was removed from the disk.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn deleted_removed(sql: &mut Conn, storage: Uuid) -> Result<(), StoreError> {
    sql.execute(REMOVED, &[storage.into()]).await?;
    Ok(())
}

fn deleted(row: &Row) -> Result<DeletedMail, StoreError> {
    Ok(DeletedMail {
        storage: row.get("storage")?,
        mailbox: row.get("mailbox")?,
        address: row.get("address")?,
        deleted: row.get("deleted")?,
        deleted_by: row.get("deleted_by")?,
        remove_at: row.get("remove_at")?,
    })
}
