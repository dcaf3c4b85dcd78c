//! Devices that show a code and wait for a person to type it elsewhere (RFC 8628).

use crate::value::Row;
use crate::{Conn, StoreError};
use model::grant::{DeviceAnswer, DeviceCode};
use model::ids::{DeviceCodeId, GrantId, OauthAppId};
use model::time::Timestamp;

macro_rules! columns {
    () => {
        "id, app, scopes, ends, wait, last_asked, denied, grant_id"
    };
}

statements! {
    INSERT = "INSERT INTO app_devices (device_tag, user_tag, app, scopes, ends, wait)
        VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
    BY_DEVICE = concat!("SELECT ", columns!(), " FROM app_devices WHERE device_tag = $1");
    BY_USER = concat!("SELECT ", columns!(), " FROM app_devices
        WHERE user_tag = $1 AND ends > $2 AND denied = FALSE AND grant_id IS NULL");
    ASKED = "UPDATE app_devices SET last_asked = $1, wait = $2 WHERE id = $3";
    ALLOW = "UPDATE app_devices SET grant_id = $1
        WHERE id = $2 AND denied = FALSE AND grant_id IS NULL";
    DENY = "UPDATE app_devices SET denied = TRUE WHERE id = $1 AND grant_id IS NULL";
    TAKE = "DELETE FROM app_devices WHERE id = $1";
    SWEEP = "DELETE FROM app_devices WHERE id IN
        (SELECT id FROM app_devices WHERE ends <= $1 ORDER BY ends LIMIT $2)";
}

/// A device about to wait.
#[derive(Debug, Clone, Copy)]
pub struct NewDevice<'a> {
    /// The tag of what the device asks with.
    pub device_tag: &'a [u8],
    /// The tag of what the person types.
    pub user_tag: &'a [u8],
    /// The app.
    pub app: OauthAppId,
    /// The scopes it asks for.
    pub scopes: &'a str,
    /// When it ends.
    pub ends: Timestamp,
    /// Seconds between two questions.
    pub interval: i64,
}

/// Adds a waiting device.
///
/// # Errors
/// [`crate::Taken::Token`] if its code is in use: try another one.
pub async fn insert(sql: &mut Conn, new: &NewDevice<'_>) -> Result<DeviceCodeId, StoreError> {
    let values = [
        new.device_tag.into(),
        new.user_tag.into(),
        new.app.into(),
        new.scopes.into(),
        new.ends.into(),
        new.interval.into(),
    ];
    sql.insert(INSERT, &values).await.map(DeviceCodeId)
}

/// The device that asks with this tag.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_device(sql: &mut Conn, tag: &[u8]) -> Result<Option<DeviceCode>, StoreError> {
    let row = sql.one(BY_DEVICE, &[tag.into()]).await?;
    row.as_ref().map(device).transpose()
}

/// The device whose code a person typed, while it waits.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_user(
    sql: &mut Conn,
    tag: &[u8],
    now: Timestamp,
) -> Result<Option<DeviceCode>, StoreError> {
    let row = sql.one(BY_USER, &[tag.into(), now.into()]).await?;
    row.as_ref().map(device).transpose()
}

/// Notes that a device asked, and how long it has to wait from now on.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn asked(
    sql: &mut Conn,
    id: DeviceCodeId,
    now: Timestamp,
    interval: i64,
) -> Result<(), StoreError> {
    sql.execute(ASKED, &[now.into(), interval.into(), id.into()])
        .await?;
    Ok(())
}

/// Lets a device in by a grant. `false` if somebody has answered before.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn allow(sql: &mut Conn, id: DeviceCodeId, grant: GrantId) -> Result<bool, StoreError> {
    Ok(sql.execute(ALLOW, &[grant.into(), id.into()]).await? == 1)
}

/// Refuses a device. `false` if somebody has let it in before.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn deny(sql: &mut Conn, id: DeviceCodeId) -> Result<bool, StoreError> {
    Ok(sql.execute(DENY, &[id.into()]).await? == 1)
}

/// Takes a device away: it got its tokens, or its refusal. Of many that try, one is told `true`.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn take(sql: &mut Conn, id: DeviceCodeId) -> Result<bool, StoreError> {
    Ok(sql.execute(TAKE, &[id.into()]).await? == 1)
}

/// Removes some of those that have ended; returns how many.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn sweep(sql: &mut Conn, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    sql.execute(SWEEP, &[now.into(), i64::from(limit).into()])
        .await
}

fn device(row: &Row) -> Result<DeviceCode, StoreError> {
    let denied: bool = row.get("denied")?;
    let grant: Option<GrantId> = row.get("grant_id")?;
    Ok(DeviceCode {
        id: row.get("id")?,
        app: row.get("app")?,
        scopes: row.get("scopes")?,
        ends: row.get("ends")?,
        interval: row.get("wait")?,
        last_asked: row.get("last_asked")?,
        answer: match (denied, grant) {
            (true, _) => DeviceAnswer::Denied,
            (false, Some(grant)) => DeviceAnswer::Granted(grant),
            (false, None) => DeviceAnswer::Waiting,
        },
    })
}
