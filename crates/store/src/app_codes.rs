//! Authorization codes, by their tags. One counts once, and a second use is noticed.

use crate::{Conn, StoreError};
use model::ids::GrantId;
use model::time::Timestamp;

statements! {
    INSERT = "INSERT INTO app_codes (tag, grant_id, redirect, challenge, plain, nonce, ends)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    GET = "SELECT grant_id, redirect, challenge, plain, nonce, ends, used FROM app_codes
        WHERE tag = $1";
    USE = "UPDATE app_codes SET used = $1 WHERE tag = $2 AND used IS NULL";
}

/// An authorization code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The grant it stands on.
    pub grant: GrantId,
    /// The redirect URI as it was sent; `None` if none was, and the app's only one was taken.
    pub redirect: Option<String>,
    /// The PKCE challenge.
    pub challenge: Option<String>,
    /// Whether the challenge is the verifier itself (`plain`).
    pub plain: bool,
    /// For the ID token.
    pub nonce: Option<String>,
    /// When it ends.
    pub ends: Timestamp,
    /// When it was used.
    pub used: Option<Timestamp>,
}

/// Adds a code under its tag.
///
/// # Errors
/// [`StoreError::Missing`] if the grant is gone.
pub async fn insert(sql: &mut Conn, tag: &[u8], code: &Code) -> Result<(), StoreError> {
    let values = [
        tag.into(),
        code.grant.into(),
        code.redirect.as_deref().into(),
        code.challenge.as_deref().into(),
        code.plain.into(),
        code.nonce.as_deref().into(),
        code.ends.into(),
    ];
    sql.execute(INSERT, &values).await?;
    Ok(())
}

/// The code with this tag, used or ended ones too while their grant is there.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn get(sql: &mut Conn, tag: &[u8]) -> Result<Option<Code>, StoreError> {
    let Some(row) = sql.one(GET, &[tag.into()]).await? else {
        return Ok(None);
    };
    Ok(Some(Code {
        grant: row.get("grant_id")?,
        redirect: row.get("redirect")?,
        challenge: row.get("challenge")?,
        plain: row.get("plain")?,
        nonce: row.get("nonce")?,
        ends: row.get("ends")?,
        used: row.get("used")?,
    }))
}

/// Uses a code up; of many that try, one is told `true`.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn use_up(sql: &mut Conn, tag: &[u8], now: Timestamp) -> Result<bool, StoreError> {
    Ok(sql.execute(USE, &[now.into(), tag.into()]).await? == 1)
}
