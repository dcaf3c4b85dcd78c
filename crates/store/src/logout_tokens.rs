//! Logout tokens of providers that were taken: none counts twice.

use crate::{Conn, StoreError};
use model::ids::ProviderId;
use model::time::Timestamp;

statements! {
    INSERT = "INSERT INTO logout_tokens (provider, jti, ends) VALUES ($1, $2, $3)
        ON CONFLICT (provider, jti) DO NOTHING RETURNING id";
    TRIM = "DELETE FROM logout_tokens WHERE id <= $1";
    SWEEP = "DELETE FROM logout_tokens WHERE id IN
        (SELECT id FROM logout_tokens WHERE ends <= $1 ORDER BY ends LIMIT $2)";
}

/// Most tokens remembered at once. The oldest make room: one that is repeated after so many others
/// ends the same sessions once more, which harms less than a full disk.
const MOST: i64 = 100_000;

/// Takes a token by a digest of its id. `false` if it was taken before.
///
/// # Errors
/// [`StoreError::Missing`] if the provider is gone.
pub async fn take(
    sql: &mut Conn,
    provider: ProviderId,
    jti: &[u8],
    ends: Timestamp,
) -> Result<bool, StoreError> {
    let values = [provider.into(), jti.into(), ends.into()];
    let Some(row) = sql.one(INSERT, &values).await? else {
        return Ok(false);
    };
    let id: i64 = row.get("id")?;
    sql.execute(TRIM, &[id.saturating_sub(MOST).into()]).await?;
    Ok(true)
}

/// Forgets some of those that could not be used any more anyway; returns how many.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn sweep(sql: &mut Conn, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    sql.execute(SWEEP, &[now.into(), i64::from(limit).into()])
        .await
}
