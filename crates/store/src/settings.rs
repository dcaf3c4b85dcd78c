//! Settings of the installation itself, by name.

use crate::{Conn, StoreError};

statements! {
    GET = "SELECT value FROM meta WHERE name = $1";
    SET = "INSERT INTO meta (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
}

/// The value of a setting.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn get(sql: &mut Conn, name: &str) -> Result<Option<String>, StoreError> {
    sql.one(GET, &[name.into()])
        .await?
        .map(|row| row.get("value"))
        .transpose()
}

/// Sets a setting.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn set(sql: &mut Conn, name: &str, value: &str) -> Result<(), StoreError> {
    sql.execute(SET, &[name.into(), value.into()]).await?;
    Ok(())
}
