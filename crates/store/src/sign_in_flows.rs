//! Sign-ins under way: between leaving for the provider and coming back. One that is over is kept for
//! a while, to tell where the person wanted to go.

use crate::value::Row;
use crate::{Conn, StoreError};
use model::ids::ProviderId;
use model::time::Timestamp;

statements! {
    INSERT = "INSERT INTO sign_in_flows
            (state_tag, browser_tag, provider, sealed, created, ends)
        VALUES ($1, $2, $3, $4, $5, $6)";
    GET = "SELECT provider, sealed FROM sign_in_flows
        WHERE state_tag = $1 AND browser_tag = $2 AND ends > $3 AND used = FALSE";
    REMEMBERED = "SELECT provider, sealed FROM sign_in_flows
        WHERE state_tag = $1 AND browser_tag = $2";
    USE_UP = "UPDATE sign_in_flows SET used = TRUE WHERE state_tag = $1 AND used = FALSE";
    OPEN = "SELECT state_tag, sealed FROM sign_in_flows
        WHERE browser_tag = $1 AND provider = $2 AND created > $3 AND used = FALSE LIMIT 20";
    WAITS = "SELECT 1 AS found FROM sign_in_flows
        WHERE state_tag = $1 AND ends > $2 AND used = FALSE";
    SWEEP = "UPDATE sign_in_flows SET used = TRUE WHERE state_tag IN
        (SELECT state_tag FROM sign_in_flows WHERE used = FALSE AND ends <= $1
            ORDER BY ends LIMIT $2)
        RETURNING provider, created";
    FORGET = "DELETE FROM sign_in_flows WHERE state_tag IN
        (SELECT state_tag FROM sign_in_flows WHERE used = TRUE AND ends <= $1
            ORDER BY ends LIMIT $2)";
}

/// What a sign-in remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// The provider it left for.
    pub provider: ProviderId,
    /// Nonce, PKCE verifier and route, sealed.
    pub sealed: Vec<u8>,
}

/// Remembers a sign-in by the tags of its state and of its browser.
///
/// # Errors
/// [`StoreError::Missing`] if the provider is gone.
pub async fn insert(
    sql: &mut Conn,
    state_tag: &[u8],
    browser_tag: &[u8],
    provider: ProviderId,
    sealed: &[u8],
    now: Timestamp,
    ends: Timestamp,
) -> Result<(), StoreError> {
    let values = [
        state_tag.into(),
        browser_tag.into(),
        provider.into(),
        sealed.into(),
        now.into(),
        ends.into(),
    ];
    sql.execute(INSERT, &values).await?;
    Ok(())
}

/// Whether a sign-in is under way with this state, in whichever browser.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn waits(sql: &mut Conn, state_tag: &[u8], now: Timestamp) -> Result<bool, StoreError> {
    let found = sql.one(WAITS, &[state_tag.into(), now.into()]).await?;
    Ok(found.is_some())
}

/// The sign-in with this state that left from this browser, if it is not too late.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn get(
    sql: &mut Conn,
    state_tag: &[u8],
    browser_tag: &[u8],
    now: Timestamp,
) -> Result<Option<Flow>, StoreError> {
    let values = [state_tag.into(), browser_tag.into(), now.into()];
    let row = sql.one(GET, &values).await?;
    row.as_ref().map(flow).transpose()
}

/// The sign-in with this state that left from this browser, also if it is over.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn remembered(
    sql: &mut Conn,
    state_tag: &[u8],
    browser_tag: &[u8],
) -> Result<Option<Flow>, StoreError> {
    let values = [state_tag.into(), browser_tag.into()];
    let row = sql.one(REMEMBERED, &values).await?;
    row.as_ref().map(flow).transpose()
}

fn flow(row: &Row) -> Result<Flow, StoreError> {
    Ok(Flow {
        provider: row.get("provider")?,
        sealed: row.get("sealed")?,
    })
}

/// What sign-ins by a provider remember that left from this browser after `since` and did not come
/// back, with the tags of their states; at most 20.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn open(
    sql: &mut Conn,
    browser_tag: &[u8],
    provider: ProviderId,
    since: Timestamp,
) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
    let values = [browser_tag.into(), provider.into(), since.into()];
    let rows = sql.all(OPEN, &values).await?;
    let open = rows.iter();
    open.map(|row| Ok((row.get("state_tag")?, row.get("sealed")?)))
        .collect()
}

/// Ends a sign-in, once and for all: of two that come back with one state, one is told so.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn use_up(sql: &mut Conn, state_tag: &[u8]) -> Result<bool, StoreError> {
    Ok(sql.execute(USE_UP, &[state_tag.into()]).await? == 1)
}

/// Gives up some of those that ran out of time. Returns for which provider each had left, and when.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn sweep(
    sql: &mut Conn,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(ProviderId, Timestamp)>, StoreError> {
    let values = [now.into(), i64::from(limit).into()];
    let rows = sql.all(SWEEP, &values).await?;
    let left = rows.iter();
    left.map(|row| Ok((row.get("provider")?, row.get("created")?)))
        .collect()
}

/// Removes some that ended before `before` and are over; returns how many.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn forget(sql: &mut Conn, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    sql.execute(FORGET, &[before.into(), i64::from(limit).into()])
        .await
}
