//! Blocks of people at a provider.

use crate::value::Row;
use crate::{Conn, Listed, Page, StoreError};
use model::block::Block;
use model::ids::BlockId;
use model::link::Namespace;

macro_rules! columns {
    () => {
        "id, namespace, subject, address, reason, created, created_by"
    };
}

statements! {
    INSERT = "INSERT INTO blocks (namespace, subject, address, reason, created, created_by)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (namespace, subject) DO NOTHING";
    BY_PERSON = concat!("SELECT ", columns!(), " FROM blocks WHERE namespace = $1 AND subject = $2");
    BY_ID = concat!("SELECT ", columns!(), " FROM blocks WHERE id = $1");
    OF_ADDRESS = concat!("SELECT ", columns!(), " FROM blocks
        WHERE address = $1 ORDER BY id DESC LIMIT 100");
    LIST = concat!("SELECT ", columns!(), " FROM blocks WHERE id < $1 ORDER BY id DESC LIMIT $2");
    DELETE = "DELETE FROM blocks WHERE id = $1";
    DROP_TWINS = "DELETE FROM blocks WHERE namespace = $1
        AND subject IN (SELECT subject FROM blocks WHERE namespace = $2)";
    REKEY = "UPDATE blocks SET namespace = $1 WHERE namespace = $2";
}

/// Blocks a person. `false` if they are blocked already: that block stays as it is.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn insert(sql: &mut Conn, block: &Block) -> Result<bool, StoreError> {
    let values = [
        (&block.namespace).into(),
        block.subject.as_str().into(),
        block.address.as_str().into(),
        block.reason.as_str().into(),
        block.at.into(),
        block.by.as_str().into(),
    ];
    Ok(sql.execute(INSERT, &values).await? == 1)
}

/// The block of a person.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_person(
    sql: &mut Conn,
    namespace: &Namespace,
    subject: &str,
) -> Result<Option<Block>, StoreError> {
    let values = [namespace.into(), subject.into()];
    let row = sql.one(BY_PERSON, &values).await?;
    row.as_ref().map(block).transpose()
}

/// A block.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_id(sql: &mut Conn, id: BlockId) -> Result<Option<Block>, StoreError> {
    let row = sql.one(BY_ID, &[id.into()]).await?;
    row.as_ref().map(block).transpose()
}

/// The latest blocks of people who had the mailbox of an address; at most 100.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn of_address(sql: &mut Conn, address: &str) -> Result<Vec<Block>, StoreError> {
    let rows = sql.all(OF_ADDRESS, &[address.into()]).await?;
    rows.iter().map(block).collect()
}

/// A page of blocks, newest first.
///
/// # Errors
/// [`StoreError::Cursor`].
pub async fn list(sql: &mut Conn, page: &Page) -> Result<Listed<Block>, StoreError> {
    let values = [page.before_id()?.into(), page.fetch().into()];
    let rows = sql.all(LIST, &values).await?;
    let blocks: Result<Vec<_>, _> = rows.iter().map(block).collect();
    Ok(Listed::cut(blocks?, page, |block| block.id.to_string()))
}

/// Lifts a block. `false` if there is none.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn delete(sql: &mut Conn, id: BlockId) -> Result<bool, StoreError> {
    Ok(sql.execute(DELETE, &[id.into()]).await? == 1)
}

/// Moves all blocks of a namespace to another, with the links; returns how many.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn rekey(sql: &mut Conn, from: &Namespace, to: &Namespace) -> Result<u64, StoreError> {
    sql.execute(DROP_TWINS, &[from.into(), to.into()]).await?;
    sql.execute(REKEY, &[to.into(), from.into()]).await
}

fn block(row: &Row) -> Result<Block, StoreError> {
    Ok(Block {
        id: row.get("id")?,
        namespace: row.get("namespace")?,
        subject: row.get("subject")?,
        address: row.get("address")?,
        reason: row.get("reason")?,
        at: row.get("created")?,
        by: row.get("created_by")?,
    })
}
