//! Tags of mailboxes. They go with their mailbox.

use crate::page::{prefix_end, text_after};
use crate::{Conn, StoreError};
use model::ids::MailboxId;
use model::tag::{Tag, Tags};

statements! {
    OF = "SELECT tag FROM mailbox_tags WHERE mailbox = $1";
    HAS = "SELECT tag FROM mailbox_tags WHERE mailbox = $1 AND tag = $2";
    ADD = "INSERT INTO mailbox_tags (mailbox, tag, address)
        SELECT id, $1, address FROM mailboxes WHERE id = $2";
    REMOVE = "DELETE FROM mailbox_tags WHERE mailbox = $1 AND tag = $2";
    NEXT = "SELECT tag FROM mailbox_tags WHERE tag >= $1 AND tag < $2 ORDER BY tag LIMIT 1";
}

/// The tags of a mailbox; none if it is gone.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn of(sql: &mut Conn, mailbox: MailboxId) -> Result<Tags, StoreError> {
    let rows = sql.all(OF, &[mailbox.into()]).await?;
    let tags = rows.iter().map(|row| row.get::<Tag>("tag"));
    let tags: Vec<_> = tags.collect::<Result<_, _>>()?;
    tags.try_into()
        .map_err(|error| StoreError::Constraint(format!("{mailbox}: {error}")))
}

/// Whether a mailbox has a tag.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn has(sql: &mut Conn, mailbox: MailboxId, tag: &Tag) -> Result<bool, StoreError> {
    let row = sql.one(HAS, &[mailbox.into(), tag.into()]).await?;
    Ok(row.is_some())
}

/// Gives a mailbox these tags and takes away all others.
///
/// # Errors
/// [`StoreError::Missing`] if the mailbox is gone.
pub async fn set(sql: &mut Conn, mailbox: MailboxId, tags: &Tags) -> Result<(), StoreError> {
    let before = of(sql, mailbox).await?;
    for tag in before.except(tags) {
        sql.execute(REMOVE, &[mailbox.into(), tag.into()]).await?;
    }
    for tag in tags.except(&before) {
        if sql.execute(ADD, &[tag.into(), mailbox.into()]).await? == 0 {
            return Err(StoreError::Missing);
        }
    }
    Ok(())
}

/// The tags that some mailbox has and that start with `prefix`, in order. Each costs one look-up,
/// whatever the number of mailboxes that have it.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn tags_in_use(sql: &mut Conn, prefix: &str, limit: u32) -> Result<Vec<Tag>, StoreError> {
    let (mut start, end) = (prefix.to_owned(), prefix_end(prefix));
    let mut found = Vec::new();
    while found.len() < limit as usize {
        let range = [start.as_str().into(), end.as_str().into()];
        let Some(row) = sql.one(NEXT, &range).await? else {
            break;
        };
        let tag: Tag = row.get("tag")?;
        start = text_after(tag.as_str());
        found.push(tag);
    }
    Ok(found)
}
