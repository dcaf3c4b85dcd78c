//! What a person connected: the list, and disconnecting.

use super::{Scope, told};
use crate::{App, Problem, audit};
use model::audit::Actor;
use model::ids::{MailboxId, OauthAppId};
use model::rules::apps;
use model::time::Timestamp;
use serde_json::json;
use store::Conn;
use store::app_grants::Ending;

/// An app that a person signed in to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected {
    /// The app.
    pub app: OauthAppId,
    /// Its name.
    pub name: String,
    /// What it may know.
    pub scopes: Vec<Scope>,
    /// Signing in there may connect it without the person being asked.
    pub unasked: bool,
    /// Since when.
    pub since: Timestamp,
    /// When it was last used, to the hour.
    pub last_used: Timestamp,
}

impl App {
    /// What a person connected, used last first.
    ///
    /// # Errors
    /// [`Problem::Unavailable`].
    pub async fn connected(&self, mailbox: MailboxId) -> Result<Vec<Connected>, Problem> {
        let mut read = self.store.read()?;
        let mut connected = Vec::new();
        for row in store::app_connections::of_person(&mut read, mailbox).await? {
            let Some(app) = store::oauth_apps::by_id(&mut read, row.app).await? else {
                continue;
            };
            connected.push(Connected {
                app: row.app,
                unasked: apps::is_trusted(&app),
                scopes: told(&app.settings, &row.scopes),
                name: app.settings.name,
                since: row.since,
                last_used: row.last_used,
            });
        }
        Ok(connected)
    }

    /// Takes back what a person allowed an app: its tokens count no more, it is told that its sessions
    /// ended, and it asks again.
    ///
    /// # Errors
    /// [`Problem::NotFound`].
    pub async fn disconnect(
        &self,
        actor: &Actor,
        mailbox: MailboxId,
        app: OauthAppId,
    ) -> Result<(), Problem> {
        let (actor, now) = (actor.clone(), self.clock.now());
        self.store
            .write(async move |tx: &mut Conn| {
                let ending = Ending::Connection(mailbox, app);
                let grants = store::app_grants::end(tx, ending).await?;
                store::app_sessions::end(tx, app, Some(mailbox)).await?;
                if !store::app_connections::delete(tx, mailbox, app).await? {
                    let words = "such app in your list; it may be disconnected already";
                    return Err(Problem::NotFound(words.to_owned()));
                }
                let details = json!({ "grants": grants });
                audit::note(tx, now, &actor, "app.disconnect", app, details).await?;
                Ok(())
            })
            .await
    }
}
