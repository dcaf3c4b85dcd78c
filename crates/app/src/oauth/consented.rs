//! What is kept of a person's yes, however the app asked for it.

use model::ids::{MailboxId, OauthAppId};
use model::oauth_app::OauthApp;
use model::rules::apps::may_use;
use model::session::Session;
use model::time::Timestamp;
use oidc::scope::Scopes;
use store::{Conn, StoreError};

/// Remembers what an app is allowed. What the person said yes to adds up; what an app was trusted
/// with never counts as said. `asked` says that the person was asked now.
pub(super) async fn remember(
    tx: &mut Conn,
    mailbox: MailboxId,
    (app, scopes): (OauthAppId, &str),
    asked: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let before = store::app_connections::get(tx, mailbox, app).await?;
    let (said, before) = before.map_or((None, String::new()), |before| {
        (before.asked.then(|| before.scopes.clone()), before.scopes)
    });
    let covered = said.as_deref().is_some_and(|said| {
        let mut words = scopes.split(' ');
        words.all(|scope| said.split(' ').any(|known| known == scope))
    });
    let asked = asked || covered;
    let all = if asked {
        said.unwrap_or_default()
    } else {
        before
    };
    let all = Scopes::parse(&all).unwrap_or_default();
    let scopes = scopes.split(' ').fold(all, Scopes::with).to_string();
    store::app_connections::put(tx, mailbox, app, &scopes, asked, now).await
}

/// The app as it is now, if session, person and app are still there and together. What ends one of
/// them ends the grants it finds; one that is made afterwards would outlive it.
pub(super) async fn still_counts(
    tx: &mut Conn,
    session: &Session,
    mailbox: MailboxId,
    app: OauthAppId,
) -> Result<Option<OauthApp>, StoreError> {
    let found = store::sessions::by_id(tx, session.id).await?;
    if found.is_none_or(|found| found.principal != session.principal) {
        return Ok(None);
    }
    let (Some(mailbox), Some(app)) = (
        store::mailboxes::by_id(tx, mailbox).await?,
        store::oauth_apps::by_id(tx, app).await?,
    ) else {
        return Ok(None);
    };
    let Some(domain) = store::domains::by_id(tx, mailbox.domain).await? else {
        return Ok(None);
    };
    let may = may_use(&app, &mailbox, &domain).is_ok();
    Ok(may.then_some(app))
}
