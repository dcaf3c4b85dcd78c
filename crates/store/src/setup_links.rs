//! The one-time link by which the first administrator is made.

use crate::{Conn, StoreError};
use model::time::Timestamp;

statements! {
    CLEAR = "DELETE FROM setup_links";
    PUT = "INSERT INTO setup_links (token_tag, ends) VALUES ($1, $2)";
    TAKE = "DELETE FROM setup_links WHERE token_tag = $1 AND ends > $2";
}

/// Puts a link, by the tag of its token, in place of all earlier ones.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn put(sql: &mut Conn, token_tag: &[u8], ends: Timestamp) -> Result<(), StoreError> {
    sql.execute(CLEAR, &[]).await?;
    sql.execute(PUT, &[token_tag.into(), ends.into()]).await?;
    Ok(())
}

/// Uses a link up. `false` if it never was, was used, or has ended.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn take(sql: &mut Conn, token_tag: &[u8], now: Timestamp) -> Result<bool, StoreError> {
    Ok(sql.execute(TAKE, &[token_tag.into(), now.into()]).await? == 1)
}
