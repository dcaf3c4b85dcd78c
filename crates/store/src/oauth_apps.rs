//! Apps (OAuth clients) and the tags of their secrets.

use crate::value::{self, Row};
use crate::{Conn, Listed, Page, StoreError};
use model::ids::{AppSecretId, OauthAppId};
use model::oauth_app::{AppSecret, AppSettings, OauthApp};
use model::time::Timestamp;

macro_rules! columns {
    () => {
        "id, client_id, settings, created, modified"
    };
}

statements! {
    INSERT = "INSERT INTO oauth_apps (client_id, settings, back_channel, created, modified)
        VALUES ($1, $2, $3, $4, $4) RETURNING id";
    BY_ID = concat!("SELECT ", columns!(), " FROM oauth_apps WHERE id = $1");
    BY_CLIENT_ID = concat!("SELECT ", columns!(), " FROM oauth_apps WHERE client_id = $1");
    WITH_SECRETS = "SELECT a.id, a.client_id, a.settings, a.created, a.modified, s.id AS secret,
            s.tag, s.ends
        FROM oauth_apps AS a LEFT JOIN app_secrets AS s ON s.app = a.id
        WHERE a.client_id = $1 ORDER BY s.id DESC LIMIT 20";
    LIST = concat!("SELECT ", columns!(), " FROM oauth_apps WHERE id < $1
        ORDER BY id DESC LIMIT $2");
    UPDATE = "UPDATE oauth_apps SET settings = $1, back_channel = $2,
            modified = CASE WHEN modified < $3 THEN $3 ELSE modified + 1 END
        WHERE id = $4 AND modified = COALESCE($5, modified)";
    DELETE = "DELETE FROM oauth_apps WHERE id = $1";
    ADD_SECRET = "INSERT INTO app_secrets (app, tag, hint, created)
        VALUES ($1, $2, $3, $4) RETURNING id";
    SECRETS = "SELECT id, tag, hint, created, ends, last_used FROM app_secrets
        WHERE app = $1 ORDER BY id DESC LIMIT 20";
    END_SECRETS = "UPDATE app_secrets SET ends = $1
        WHERE app = $2 AND id <> $3 AND COALESCE(ends, $1) >= $1";
    TOUCH_SECRET = "UPDATE app_secrets SET last_used = $1 WHERE id = $2";
    DROP_SECRET = "DELETE FROM app_secrets WHERE id = $1 AND app = $2";
    SWEEP_SECRETS = "DELETE FROM app_secrets WHERE ends <= $1";
}

/// Adds an app without a secret.
///
/// # Errors
/// [`crate::Taken::Token`] if the client id exists.
pub async fn insert(
    sql: &mut Conn,
    client_id: &str,
    settings: &AppSettings,
    now: Timestamp,
) -> Result<OauthAppId, StoreError> {
    let values = [
        client_id.into(),
        value::json(settings)?,
        settings.back_channel.is_some().into(),
        now.into(),
    ];
    sql.insert(INSERT, &values).await.map(OauthAppId)
}

/// An app.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_id(sql: &mut Conn, id: OauthAppId) -> Result<Option<OauthApp>, StoreError> {
    let row = sql.one(BY_ID, &[id.into()]).await?;
    row.as_ref().map(app).transpose()
}

/// An app by its name in requests.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_client_id(sql: &mut Conn, client_id: &str) -> Result<Option<OauthApp>, StoreError> {
    let row = sql.one(BY_CLIENT_ID, &[client_id.into()]).await?;
    row.as_ref().map(app).transpose()
}

/// A secret that an app may prove itself by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Its id.
    pub id: AppSecretId,
    /// Its tag.
    pub tag: Vec<u8>,
    /// When it ends, if it was replaced.
    pub ends: Option<Timestamp>,
}

/// An app by its name in requests, with its secrets, newest first, ended ones among them; at most 20.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn with_secrets(
    sql: &mut Conn,
    client_id: &str,
) -> Result<Option<(OauthApp, Vec<Proof>)>, StoreError> {
    let rows = sql.all(WITH_SECRETS, &[client_id.into()]).await?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let settings = sql.json::<AppSettings>(first, "settings")?;
    let app = with(first, AppSettings::clone(&settings))?;
    let mut secrets = Vec::with_capacity(rows.len());
    for row in &rows {
        // An app without a secret has one row all the same.
        if let Some(id) = row.get("secret")? {
            secrets.push(Proof {
                id,
                tag: row.get("tag")?,
                ends: row.get("ends")?,
            });
        }
    }
    Ok(Some((app, secrets)))
}

/// A page of apps, newest first.
///
/// # Errors
/// [`StoreError::Cursor`].
pub async fn list(sql: &mut Conn, page: &Page) -> Result<Listed<OauthApp>, StoreError> {
    let values = [page.before_id()?.into(), page.fetch().into()];
    let rows = sql.all(LIST, &values).await?;
    let apps: Result<Vec<_>, _> = rows.iter().map(app).collect();
    Ok(Listed::cut(apps?, page, |app| app.id.to_string()))
}

/// Changes an app's settings. `false` if it was changed since `seen`, or is gone.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn update(
    sql: &mut Conn,
    id: OauthAppId,
    settings: &AppSettings,
    seen: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let values = [
        value::json(settings)?,
        settings.back_channel.is_some().into(),
        now.into(),
        id.into(),
        seen.into(),
    ];
    Ok(sql.execute(UPDATE, &values).await? == 1)
}

/// Removes an app with its secrets, connections, grants and tokens. `false` if there is none.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn delete(sql: &mut Conn, id: OauthAppId) -> Result<bool, StoreError> {
    Ok(sql.execute(DELETE, &[id.into()]).await? == 1)
}

/// Adds a secret beside those the app has.
///
/// # Errors
/// [`crate::Taken::Token`], [`StoreError::Missing`].
pub async fn add_secret(
    sql: &mut Conn,
    app: OauthAppId,
    tag: &[u8],
    hint: &str,
    now: Timestamp,
) -> Result<AppSecretId, StoreError> {
    let values = [app.into(), tag.into(), hint.into(), now.into()];
    sql.insert(ADD_SECRET, &values).await.map(AppSecretId)
}

/// The secrets of an app, newest first, ended ones among them; at most 20.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn secrets(sql: &mut Conn, app: OauthAppId) -> Result<Vec<AppSecret>, StoreError> {
    let rows = sql.all(SECRETS, &[app.into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(AppSecret {
                id: row.get("id")?,
                tag: row.get("tag")?,
                hint: row.get("hint")?,
                created: row.get("created")?,
                ends: row.get("ends")?,
                last_used: row.get("last_used")?,
            })
        })
        .collect()
}

/// Lets all secrets of an app end at `ends`, but the one that replaces them; those that end before
/// that stay as they are.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn end_secrets(
    sql: &mut Conn,
    app: OauthAppId,
    but: AppSecretId,
    ends: Timestamp,
) -> Result<u64, StoreError> {
    sql.execute(END_SECRETS, &[ends.into(), app.into(), but.into()])
        .await
}

/// Notes that a secret was used.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn touch_secret(
    sql: &mut Conn,
    id: AppSecretId,
    now: Timestamp,
) -> Result<(), StoreError> {
    sql.execute(TOUCH_SECRET, &[now.into(), id.into()]).await?;
    Ok(())
}

/// Removes a secret of an app at once. `false` if it has none of that id.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn drop_secret(
    sql: &mut Conn,
    app: OauthAppId,
    id: AppSecretId,
) -> Result<bool, StoreError> {
    Ok(sql.execute(DROP_SECRET, &[id.into(), app.into()]).await? == 1)
}

/// Removes secrets that have ended; returns how many.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn sweep_secrets(sql: &mut Conn, now: Timestamp) -> Result<u64, StoreError> {
    sql.execute(SWEEP_SECRETS, &[now.into()]).await
}

fn app(row: &Row) -> Result<OauthApp, StoreError> {
    with(row, row.json("settings")?)
}

fn with(row: &Row, settings: AppSettings) -> Result<OauthApp, StoreError> {
    Ok(OauthApp {
        id: row.get("id")?,
        client_id: row.get("client_id")?,
        created: row.get("created")?,
        modified: row.get("modified")?,
        settings,
    })
}
