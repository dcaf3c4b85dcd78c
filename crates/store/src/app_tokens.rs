//! Access and refresh tokens of apps, by their tags.

use crate::confirmation::{standing, standing_columns};
use crate::value::{self, Row};
use crate::{Conn, StoreError};
use model::grant::{Bearer, GrantPerson, TokenKind};
use model::ids::GrantId;
use model::oauth_app::AppSettings;
use model::time::Timestamp;
use std::sync::Arc;

/// What answers are made of, beside the token: grant, app and person.
macro_rules! ground {
    () => {
        concat!(
            "g.id AS grant_id, g.auth_time, g.sid, g.claims, g.app, a.client_id, a.settings,
            m.id AS mailbox, m.storage, m.address, m.name, m.active AND d.active AS active,
            m.created AS mailbox_created, m.modified AS mailbox_modified,
            g.session IS NULL AS goes_on, g.created AS granted, ",
            standing_columns!()
        )
    };
}

macro_rules! joined {
    () => {
        "JOIN oauth_apps AS a ON a.id = g.app
        JOIN mailboxes AS m ON m.id = g.mailbox
        JOIN domains AS d ON d.id = m.domain"
    };
}

statements! {
    INSERT = "INSERT INTO app_tokens (tag, grant_id, kind, scopes, created, ends)
        VALUES ($1, $2, $3, $4, $5, $6)";
    FIND = concat!("SELECT t.kind, t.scopes, t.created AS issued, t.ends, t.used, ", ground!(), "
        FROM app_tokens AS t
        JOIN app_grants AS g ON g.id = t.grant_id
        ", joined!(), "
        WHERE t.tag = $1");
    KIND = "SELECT kind FROM app_tokens WHERE tag = $1";
    ON_GRANT = concat!("SELECT g.scopes, ", ground!(), " FROM app_grants AS g
        ", joined!(), "
        WHERE g.id = $1");
    USE = "UPDATE app_tokens SET used = $1 WHERE tag = $2 AND used IS NULL";
    REVOKE = "DELETE FROM app_tokens WHERE tag = $1";
    SWEEP = "DELETE FROM app_tokens WHERE tag IN
        (SELECT tag FROM app_tokens WHERE ends <= $1 ORDER BY ends LIMIT $2)";
}

/// A token about to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewToken<'a> {
    /// Its tag.
    pub tag: &'a [u8],
    /// The grant it stands on.
    pub grant: GrantId,
    /// Which kind.
    pub kind: TokenKind,
    /// Its scopes, separated by single spaces.
    pub scopes: &'a str,
    /// When it is made.
    pub now: Timestamp,
    /// When it ends.
    pub ends: Timestamp,
}

/// Adds a token.
///
/// # Errors
/// [`StoreError::Missing`] if the grant is gone.
pub async fn insert(sql: &mut Conn, new: &NewToken<'_>) -> Result<(), StoreError> {
    let values = [
        new.tag.into(),
        new.grant.into(),
        value::name(&new.kind)?,
        new.scopes.into(),
        new.now.into(),
        new.ends.into(),
    ];
    sql.execute(INSERT, &values).await?;
    Ok(())
}

/// What a token's look-up finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Token, grant and person.
    pub bearer: Bearer,
    /// The app's name in requests.
    pub client_id: String,
    /// The app's settings.
    pub settings: Arc<AppSettings>,
}

/// The token with this tag, with everything that answers are made of, by one look-up. Whether it
/// still counts is for the caller to say.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn find(sql: &mut Conn, tag: &[u8]) -> Result<Option<Found>, StoreError> {
    let row = sql.one(FIND, &[tag.into()]).await?;
    row.map(|row| found(sql, &row)).transpose()
}

/// Whether there is a token with this tag, ended or used ones too.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn is_there(sql: &mut Conn, tag: &[u8]) -> Result<bool, StoreError> {
    Ok(sql.one(KIND, &[tag.into()]).await?.is_some())
}

/// What the look-up of an access token will find that is made on this grant with all its scopes.
/// `None` if the grant is gone.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn on_grant(
    sql: &mut Conn,
    grant: GrantId,
    issued: Timestamp,
    ends: Timestamp,
) -> Result<Option<Found>, StoreError> {
    let Some(row) = sql.one(ON_GRANT, &[grant.into()]).await? else {
        return Ok(None);
    };
    let token = Token {
        kind: TokenKind::Access,
        scopes: row.get("scopes")?,
        issued,
        ends,
        used: None,
    };
    ground(sql, &row, token).map(Some)
}

/// Uses a refresh token up; of many that try, one is told `true`.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn use_up(sql: &mut Conn, tag: &[u8], now: Timestamp) -> Result<bool, StoreError> {
    Ok(sql.execute(USE, &[now.into(), tag.into()]).await? == 1)
}

/// Removes one token. `false` if there is none.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn revoke(sql: &mut Conn, tag: &[u8]) -> Result<bool, StoreError> {
    Ok(sql.execute(REVOKE, &[tag.into()]).await? == 1)
}

/// Removes some of those that have ended; returns how many. A used refresh token stays until its
/// end, so that a second use is noticed.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn sweep(sql: &mut Conn, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    sql.execute(SWEEP, &[now.into(), i64::from(limit).into()])
        .await
}

/// What a token itself says.
struct Token {
    kind: TokenKind,
    scopes: String,
    issued: Timestamp,
    ends: Timestamp,
    used: Option<Timestamp>,
}

fn found(sql: &mut Conn, row: &Row) -> Result<Found, StoreError> {
    let token = Token {
        kind: row.named("kind")?,
        scopes: row.get("scopes")?,
        issued: row.get("issued")?,
        ends: row.get("ends")?,
        used: row.get("used")?,
    };
    ground(sql, row, token)
}

fn ground(sql: &mut Conn, row: &Row, token: Token) -> Result<Found, StoreError> {
    let away = if row.get("goes_on")? {
        Some((standing(row)?, row.get("granted")?))
    } else {
        None
    };
    Ok(Found {
        bearer: Bearer {
            kind: token.kind,
            scopes: token.scopes,
            issued: token.issued,
            ends: token.ends,
            used: token.used,
            grant: row.get("grant_id")?,
            auth_time: row.get("auth_time")?,
            sid: row.get("sid")?,
            claims: row.get("claims")?,
            app: row.get("app")?,
            person: GrantPerson {
                mailbox: row.get("mailbox")?,
                storage: row.get("storage")?,
                address: row.get("address")?,
                name: row.get("name")?,
                active: row.get("active")?,
                created: row.get("mailbox_created")?,
                modified: row.get("mailbox_modified")?,
            },
            away,
        },
        client_id: row.get("client_id")?,
        settings: sql.json(row, "settings")?,
    })
}
