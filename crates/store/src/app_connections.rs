//! Which people connected which apps, and what they allowed.

use crate::value::Row;
use crate::{Conn, Listed, Page, StoreError};
use model::grant::Connection;
use model::ids::{MailboxId, OauthAppId};
use model::time::Timestamp;
use std::time::Duration;

macro_rules! columns {
    () => {
        "app, mailbox, scopes, asked, since, last_used"
    };
}

statements! {
    PUT = "INSERT INTO app_connections (mailbox, app, scopes, asked, since, last_used)
        VALUES ($1, $2, $3, $4, $5, $5)
        ON CONFLICT (mailbox, app) DO UPDATE
        SET scopes = excluded.scopes, asked = excluded.asked, last_used = excluded.last_used";
    GET = concat!("SELECT ", columns!(), " FROM app_connections WHERE mailbox = $1 AND app = $2");
    OF_PERSON = concat!("SELECT ", columns!(), " FROM app_connections
        WHERE mailbox = $1 ORDER BY last_used DESC LIMIT 500");
    OF_APP = concat!("SELECT ", columns!(), " FROM app_connections
        WHERE app = $1 AND mailbox < $2 ORDER BY mailbox DESC LIMIT $3");
    TOUCH = "UPDATE app_connections SET last_used = $1
        WHERE mailbox = $2 AND app = $3 AND last_used <= $4";
    DELETE = "DELETE FROM app_connections WHERE mailbox = $1 AND app = $2";
}

/// Last uses are exact to this.
const TOUCH_PAUSE: Duration = Duration::from_secs(3600);

/// Remembers what a person allowed an app: `scopes` is all of it, in place of what was there. The
/// beginning of an older connection stays.
///
/// # Errors
/// [`StoreError::Missing`] if mailbox or app is gone.
pub async fn put(
    sql: &mut Conn,
    mailbox: MailboxId,
    app: OauthAppId,
    scopes: &str,
    asked: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let values = [
        mailbox.into(),
        app.into(),
        scopes.into(),
        asked.into(),
        now.into(),
    ];
    sql.execute(PUT, &values).await?;
    Ok(())
}

/// What a person allowed an app.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn get(
    sql: &mut Conn,
    mailbox: MailboxId,
    app: OauthAppId,
) -> Result<Option<Connection>, StoreError> {
    let row = sql.one(GET, &[mailbox.into(), app.into()]).await?;
    row.as_ref().map(connection).transpose()
}

/// What a person connected, used last first; at most 500.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn of_person(sql: &mut Conn, mailbox: MailboxId) -> Result<Vec<Connection>, StoreError> {
    let rows = sql.all(OF_PERSON, &[mailbox.into()]).await?;
    rows.iter().map(connection).collect()
}

/// A page of the people who connected an app, newest mailboxes first.
///
/// # Errors
/// [`StoreError::Cursor`].
pub async fn of_app(
    sql: &mut Conn,
    app: OauthAppId,
    page: &Page,
) -> Result<Listed<Connection>, StoreError> {
    let values = [app.into(), page.before_id()?.into(), page.fetch().into()];
    let rows = sql.all(OF_APP, &values).await?;
    let found: Result<Vec<_>, _> = rows.iter().map(connection).collect();
    Ok(Listed::cut(found?, page, |one| one.mailbox.to_string()))
}

/// Notes a use, at most once an hour.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn touch(
    sql: &mut Conn,
    mailbox: MailboxId,
    app: OauthAppId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let before = now.minus(TOUCH_PAUSE);
    let values = [now.into(), mailbox.into(), app.into(), before.into()];
    sql.execute(TOUCH, &values).await?;
    Ok(())
}

/// Forgets what a person allowed an app; its grants are ended apart. `false` if there is nothing.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn delete(
    sql: &mut Conn,
    mailbox: MailboxId,
    app: OauthAppId,
) -> Result<bool, StoreError> {
    Ok(sql.execute(DELETE, &[mailbox.into(), app.into()]).await? == 1)
}

fn connection(row: &Row) -> Result<Connection, StoreError> {
    Ok(Connection {
        app: row.get("app")?,
        mailbox: row.get("mailbox")?,
        scopes: row.get("scopes")?,
        asked: row.get("asked")?,
        since: row.get("since")?,
        last_used: row.get("last_used")?,
    })
}
