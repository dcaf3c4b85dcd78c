//! Devices that show a code and wait for a person to type it elsewhere (RFC 8628).

use crate::value::Row;
use crate::{Conn, StoreError};
use model::grant::{DeviceAnswer, WaitingDevice};
use model::ids::{GrantId, OauthAppId, WaitingDeviceId};
use model::time::Timestamp;
use std::net::IpAddr;

macro_rules! columns {
    () => {
        "id, app, scopes, created, ends, ip, denied, grant_id, used"
    };
}

statements! {
    INSERT = "INSERT INTO app_devices (device_tag, user_tag, app, scopes, created, ends, ip)
        VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id";
    WAITING = "SELECT id, ip FROM app_devices
        WHERE app = $1 AND ends > $2 AND denied = FALSE AND grant_id IS NULL
        ORDER BY ends LIMIT $3";
    BY_DEVICE = concat!("SELECT ", columns!(), " FROM app_devices WHERE device_tag = $1");
    BY_USER = concat!("SELECT ", columns!(), " FROM app_devices WHERE user_tag = $1");
    ALLOW = "UPDATE app_devices SET grant_id = $1
        WHERE id = $2 AND ends > $3 AND denied = FALSE AND grant_id IS NULL";
    END = "UPDATE app_devices SET ends = $1
        WHERE id = $2 AND ends > $1 AND denied = FALSE AND grant_id IS NULL";
    DENY = "UPDATE app_devices SET denied = TRUE
        WHERE id = $1 AND denied = FALSE AND grant_id IS NULL";
    USE = "UPDATE app_devices SET used = $1
        WHERE id = $2 AND grant_id IS NOT NULL AND used IS NULL";
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
    /// The scopes it asks for, separated by single spaces.
    pub scopes: &'a str,
    /// When it asks.
    pub now: Timestamp,
    /// When it ends.
    pub ends: Timestamp,
    /// From where it asks.
    pub ip: Option<IpAddr>,
}

/// Adds a waiting device.
///
/// # Errors
/// [`crate::Taken::Token`] if its code is in use: try another one.
pub async fn insert(sql: &mut Conn, new: &NewDevice<'_>) -> Result<WaitingDeviceId, StoreError> {
    let values = [
        new.device_tag.into(),
        new.user_tag.into(),
        new.app.into(),
        new.scopes.into(),
        new.now.into(),
        new.ends.into(),
        new.ip.into(),
    ];
    sql.insert(INSERT, &values).await.map(WaitingDeviceId)
}

/// A device that nobody has answered, and that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Its id.
    pub id: WaitingDeviceId,
    /// From where it asked.
    pub ip: Option<IpAddr>,
}

/// Those of an app that wait, the oldest first; at most `most`.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn waiting(
    sql: &mut Conn,
    app: OauthAppId,
    now: Timestamp,
    most: usize,
) -> Result<Vec<Waiting>, StoreError> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let values = [app.into(), now.into(), most.into()];
    let rows = sql.all(WAITING, &values).await?;
    let waiting = |row: &Row| {
        Ok(Waiting {
            id: row.get("id")?,
            ip: row.get("ip")?,
        })
    };
    rows.iter().map(waiting).collect()
}

/// Ends a code before its time; device and person are told so. One that was answered stays.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn end(sql: &mut Conn, id: WaitingDeviceId, now: Timestamp) -> Result<(), StoreError> {
    sql.execute(END, &[now.into(), id.into()]).await?;
    Ok(())
}

/// The device that asks with this tag, also one that was answered or has ended.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_device(sql: &mut Conn, tag: &[u8]) -> Result<Option<WaitingDevice>, StoreError> {
    let row = sql.one(BY_DEVICE, &[tag.into()]).await?;
    row.as_ref().map(device).transpose()
}

/// The device whose code a person typed, also one that was answered or has ended.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_user(sql: &mut Conn, tag: &[u8]) -> Result<Option<WaitingDevice>, StoreError> {
    let row = sql.one(BY_USER, &[tag.into()]).await?;
    row.as_ref().map(device).transpose()
}

/// Lets a device in by a grant. `false` if it has ended, or somebody has answered before.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn allow(
    sql: &mut Conn,
    id: WaitingDeviceId,
    grant: GrantId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let values = [grant.into(), id.into(), now.into()];
    Ok(sql.execute(ALLOW, &values).await? == 1)
}

/// Refuses a device. `false` if somebody has answered before.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn deny(sql: &mut Conn, id: WaitingDeviceId) -> Result<bool, StoreError> {
    Ok(sql.execute(DENY, &[id.into()]).await? == 1)
}

/// Uses an allowed code up; of many that try, one is told `true`.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn use_up(
    sql: &mut Conn,
    id: WaitingDeviceId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(sql.execute(USE, &[now.into(), id.into()]).await? == 1)
}

/// Removes some of those that ended before `until`; returns how many.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn sweep(sql: &mut Conn, until: Timestamp, limit: u32) -> Result<u64, StoreError> {
    sql.execute(SWEEP, &[until.into(), i64::from(limit).into()])
        .await
}

fn device(row: &Row) -> Result<WaitingDevice, StoreError> {
    let denied: bool = row.get("denied")?;
    let grant: Option<GrantId> = row.get("grant_id")?;
    let used: Option<Timestamp> = row.get("used")?;
    Ok(WaitingDevice {
        id: row.get("id")?,
        app: row.get("app")?,
        scopes: row.get("scopes")?,
        created: row.get("created")?,
        ends: row.get("ends")?,
        ip: row.get("ip")?,
        answer: match (denied, grant, used) {
            (true, ..) => DeviceAnswer::Denied,
            (false, Some(grant), Some(_)) => DeviceAnswer::Used(grant),
            (false, Some(grant), None) => DeviceAnswer::Granted(grant),
            (false, None, _) => DeviceAnswer::Waiting,
        },
    })
}
