//! Local administrators.

use crate::value::Row;
use crate::{Conn, StoreError};
use model::ids::AdminId;
use model::time::Timestamp;

statements! {
    INSERT = "INSERT INTO admins (name, name_key, email, password, created, modified)
        VALUES ($1, $2, $3, $4, $5, $5) RETURNING id";
    BY_ID = "SELECT id, name, email, created FROM admins WHERE id = $1";
    BY_NAME = "SELECT id, name, email, created FROM admins WHERE name_key = $1";
    LIST = "SELECT id, name, email, created FROM admins ORDER BY name_key";
    COUNT = "SELECT count(*) AS number FROM admins";
    PASSWORD = "SELECT password FROM admins WHERE id = $1";
    SET_PASSWORD = "UPDATE admins SET password = $1, modified = $2 WHERE id = $3";
    UPDATE = "UPDATE admins SET name = $1, name_key = $2, email = $3, modified = $4 WHERE id = $5";
    DELETE = "DELETE FROM admins WHERE id = $1";
}

/// A local administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminRow {
    /// Its id.
    pub id: AdminId,
    /// The name to sign in with, unique without regard to case.
    pub name: String,
    /// Where to reach the administrator; may be empty.
    pub email: String,
    /// When it was added.
    pub created: Timestamp,
}

/// Adds an administrator.
///
/// # Errors
/// [`crate::Taken::AdminName`].
pub async fn insert(
    sql: &mut Conn,
    name: &str,
    email: &str,
    hash: &str,
    now: Timestamp,
) -> Result<AdminId, StoreError> {
    let values = [
        name.into(),
        name.to_lowercase().into(),
        email.into(),
        hash.into(),
        now.into(),
    ];
    sql.insert(INSERT, &values).await.map(AdminId)
}

/// An administrator.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_id(sql: &mut Conn, id: AdminId) -> Result<Option<AdminRow>, StoreError> {
    let row = sql.one(BY_ID, &[id.into()]).await?;
    row.as_ref().map(admin).transpose()
}

/// An administrator by name, in whatever case.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_name(sql: &mut Conn, name: &str) -> Result<Option<AdminRow>, StoreError> {
    let row = sql.one(BY_NAME, &[name.to_lowercase().into()]).await?;
    row.as_ref().map(admin).transpose()
}

/// All administrators in the order of their names: a handful.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn list(sql: &mut Conn) -> Result<Vec<AdminRow>, StoreError> {
    let rows = sql.all(LIST, &[]).await?;
    rows.iter().map(admin).collect()
}

/// How many administrators there are.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn count(sql: &mut Conn) -> Result<i64, StoreError> {
    let row = sql.one(COUNT, &[]).await?;
    row.map_or(Ok(0), |row| row.get("number"))
}

/// The hash of an administrator's password.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn password_hash(sql: &mut Conn, id: AdminId) -> Result<Option<String>, StoreError> {
    let row = sql.one(PASSWORD, &[id.into()]).await?;
    row.map(|row| row.get("password")).transpose()
}

/// Sets an administrator's password. `false` if there is none of that id.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn set_password(
    sql: &mut Conn,
    id: AdminId,
    hash: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let values = [hash.into(), now.into(), id.into()];
    Ok(sql.execute(SET_PASSWORD, &values).await? == 1)
}

/// Changes an administrator's name and address. `false` if there is none of that id.
///
/// # Errors
/// [`crate::Taken::AdminName`].
pub async fn update(
    sql: &mut Conn,
    id: AdminId,
    name: &str,
    email: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let values = [
        name.into(),
        name.to_lowercase().into(),
        email.into(),
        now.into(),
        id.into(),
    ];
    Ok(sql.execute(UPDATE, &values).await? == 1)
}

/// Deletes an administrator with the sessions. `false` if there was none.
///
/// # Errors
/// [`StoreError::LastAdmin`] if there is no other.
pub async fn delete(sql: &mut Conn, id: AdminId) -> Result<bool, StoreError> {
    if by_id(sql, id).await?.is_none() {
        return Ok(false);
    }
    if count(sql).await? <= 1 {
        return Err(StoreError::LastAdmin);
    }
    Ok(sql.execute(DELETE, &[id.into()]).await? == 1)
}

fn admin(row: &Row) -> Result<AdminRow, StoreError> {
    Ok(AdminRow {
        id: row.get("id")?,
        name: row.get("name")?,
        email: row.get("email")?,
        created: row.get("created")?,
    })
}
