//! The keys that sign ID tokens and logout tokens. Private parts are sealed.

use crate::value;
use crate::{Conn, StoreError};
use model::oauth_app::IdTokenAlg;
use model::time::Timestamp;

statements! {
    INSERT = "INSERT INTO signing_keys (kid, alg, jwk, sealed, created, signs)
        VALUES ($1, $2, $3, $4, $5, $6)";
    ALL = "SELECT kid, alg, jwk, sealed, created, signs, retired FROM signing_keys
        ORDER BY signs, kid";
    RETIRE = "UPDATE signing_keys SET retired = $1 WHERE kid = $2 AND retired IS NULL";
    DELETE = "DELETE FROM signing_keys WHERE kid = $1";
}

/// A signing key as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedKey {
    /// Its name in token headers and in the published set.
    pub kid: String,
    /// What it signs by.
    pub alg: IdTokenAlg,
    /// The public part as it is published, JSON.
    pub jwk: String,
    /// The private part (PKCS#8), sealed.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created: Timestamp,
    /// From when it signs; published before, so that clients know it by then.
    pub signs: Timestamp,
    /// Since when it signs no more; published after, until what it signed has ended.
    pub retired: Option<Timestamp>,
}

/// Adds a key.
///
/// # Errors
/// [`crate::Taken::Token`] if its name exists.
pub async fn insert(sql: &mut Conn, key: &SealedKey) -> Result<(), StoreError> {
    let values = [
        key.kid.as_str().into(),
        value::name(&key.alg)?,
        key.jwk.as_str().into(),
        key.sealed.as_slice().into(),
        key.created.into(),
        key.signs.into(),
    ];
    sql.execute(INSERT, &values).await?;
    Ok(())
}

/// All keys, oldest first: a handful.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn all(sql: &mut Conn) -> Result<Vec<SealedKey>, StoreError> {
    let rows = sql.all(ALL, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(SealedKey {
                kid: row.get("kid")?,
                alg: row.named("alg")?,
                jwk: row.get("jwk")?,
                sealed: row.get("sealed")?,
                created: row.get("created")?,
                signs: row.get("signs")?,
                retired: row.get("retired")?,
            })
        })
        .collect()
}

/// Lets a key sign no more.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn retire(sql: &mut Conn, kid: &str, now: Timestamp) -> Result<(), StoreError> {
    sql.execute(RETIRE, &[now.into(), kid.into()]).await?;
    Ok(())
}

/// Removes a key; what it signed is believed by nobody any more.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn delete(sql: &mut Conn, kid: &str) -> Result<(), StoreError> {
    sql.execute(DELETE, &[kid.into()]).await?;
    Ok(())
}
