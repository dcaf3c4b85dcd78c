//! What administrators do with apps: add, change, switch off, rotate secrets, remove.
//!
//! Nothing is saved unless every field is right ([`check`]); whatever is done is remembered without
//! secrets, which are shown once and kept as tags ([`secrets`]).

mod check;
mod guide;
mod people;
mod secrets;

pub use check::MOST_REDIRECTS;
pub use people::ConnectedPerson;
pub use secrets::{MOST_SECRETS, Overlap};

use crate::domains::{Listed, Page};
use crate::{App, FieldProblem, Problem, audit};
use model::audit::Actor;
use model::ids::OauthAppId;
use model::oauth_app::{AppKind, AppSettings, OauthApp};
use model::random;
use model::time::Timestamp;
use secrecy::SecretString;
use serde_json::json;
use store::Conn;
use store::app_grants::{self, Ending};

/// An app with a secret that was made just now.
#[derive(Debug, Clone)]
pub struct MadeApp {
    /// The app.
    pub app: OauthApp,
    /// Its secret, to be shown once; `None` for public apps, which have none.
    pub secret: Option<SecretString>,
}

impl App {
    /// Adds an app under a client id made here: 12 hexadecimal digits, as mailcow's.
    pub async fn add_app(&self, settings: AppSettings, actor: &Actor) -> Result<MadeApp, Problem> {
        let client_id = hex::encode(random::bytes::<6>(self.random.as_ref()));
        self.add_app_as(&client_id, settings, actor).await
    }

    /// Adds an app under a client id that its other side knows already.
    pub async fn add_app_as(
        &self,
        client_id: &str,
        settings: AppSettings,
        actor: &Actor,
    ) -> Result<MadeApp, Problem> {
        check::client_id(client_id)?;
        let settings = check::settings(settings)?;
        let (now, actor, client_id) = (self.clock.now(), actor.clone(), client_id.to_owned());
        let made = (settings.kind == AppKind::Confidential).then(|| self.new_app_secret());
        let (kept, shown) = made.unzip();
        let app = self
            .store
            .write(async move |tx: &mut Conn| {
                check::references(tx, &settings).await?;
                let known = store::oauth_apps::by_client_id(tx, &client_id).await?;
                if known.is_some() {
                    return Err(Problem::Exists(FieldProblem {
                        field: "client_id".to_owned(),
                        message: "an app of this client id exists already".to_owned(),
                    }));
                }
                let id = store::oauth_apps::insert(tx, &client_id, &settings, now).await?;
                if let Some(secret) = &kept {
                    secret.add_to(tx, id, now).await?;
                }
                audit::note(tx, now, &actor, "app.create", &client_id, json!(settings)).await?;
                by_id(tx, id).await
            })
            .await?;
        Ok(MadeApp { app, secret: shown })
    }

    /// A page of apps, newest first.
    pub async fn oauth_apps(&self, page: Page) -> Result<Listed<OauthApp>, Problem> {
        let mut read = self.store.read()?;
        let listed = store::oauth_apps::list(&mut read, &page.keyset()).await?;
        Ok(listed.into())
    }

    /// One, by id.
    pub async fn oauth_app(&self, id: OauthAppId) -> Result<OauthApp, Problem> {
        by_id(&mut *self.store.read()?, id).await
    }

    /// One, by its client id or, as mailcow's tools name apps, by its id.
    pub async fn named_app(&self, name: &str) -> Result<OauthApp, Problem> {
        let mut read = self.store.read()?;
        if let Some(app) = store::oauth_apps::by_client_id(&mut read, name).await? {
            return Ok(app);
        }
        let missing = || Problem::NotFound(format!("app {name}"));
        by_id(&mut read, name.parse().map_err(|_| missing())?)
            .await
            .map_err(|_| missing())
    }

    /// Changes one. Who may use it, and whether it is on, counts from its next request on.
    pub async fn edit_app(
        &self,
        id: OauthAppId,
        settings: AppSettings,
        seen: Option<Timestamp>,
        actor: &Actor,
    ) -> Result<OauthApp, Problem> {
        let settings = check::settings(settings)?;
        let (now, actor) = (self.clock.now(), actor.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                let before = by_id(tx, id).await?;
                check::change(&before.settings, &settings)?;
                check::references(tx, &settings).await?;
                if !store::oauth_apps::update(tx, id, &settings, seen, now).await? {
                    return Err(Problem::Stale);
                }
                // What was changed may be what kept it from hearing.
                store::app_logouts::end_pause(tx, id, now).await?;
                let details = json!({ "before": before.settings, "after": settings });
                audit::note(tx, now, &actor, "app.edit", &before.client_id, details).await?;
                by_id(tx, id).await
            })
            .await
    }

    /// Switches one on or off. While it is off nobody signs in to it, and its tokens do not count;
    /// those that have not ended by then count again afterwards.
    pub async fn switch_app(
        &self,
        id: OauthAppId,
        active: bool,
        actor: &Actor,
    ) -> Result<OauthApp, Problem> {
        let (now, actor) = (self.clock.now(), actor.clone());
        // Without looking at the other settings: what one of them names may be gone by now.
        self.store
            .write(async move |tx: &mut Conn| {
                let mut app = by_id(tx, id).await?;
                if app.settings.active == active {
                    return Ok(app);
                }
                app.settings.active = active;
                store::oauth_apps::update(tx, id, &app.settings, None, now).await?;
                let details = json!({ "active": active });
                audit::note(tx, now, &actor, "app.edit", &app.client_id, details).await?;
                by_id(tx, id).await
            })
            .await
    }

    /// Ends every token of an app, which is told that its sessions ended; returns how many sign-ins
    /// that were. What people allowed it stays, so that signing in again asks nobody anew.
    pub async fn revoke_app_tokens(&self, id: OauthAppId, actor: &Actor) -> Result<u64, Problem> {
        let (now, actor) = (self.clock.now(), actor.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                let app = by_id(tx, id).await?;
                let ended = app_grants::end(tx, Ending::App(id)).await?;
                store::app_sessions::end(tx, id, None).await?;
                let details = json!({ "sign_ins": ended });
                audit::note(tx, now, &actor, "app.revoke", &app.client_id, details).await?;
                Ok(ended)
            })
            .await
    }

    /// Removes an app with its secrets, tokens and all that people allowed it.
    pub async fn delete_app(&self, id: OauthAppId, actor: &Actor) -> Result<OauthApp, Problem> {
        let (now, actor) = (self.clock.now(), actor.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                let app = by_id(tx, id).await?;
                store::oauth_apps::delete(tx, id).await?;
                let details = json!(app.settings);
                audit::note(tx, now, &actor, "app.delete", &app.client_id, details).await?;
                Ok(app)
            })
            .await
    }
}

async fn by_id(conn: &mut Conn, id: OauthAppId) -> Result<OauthApp, Problem> {
    store::oauth_apps::by_id(conn, id)
        .await?
        .ok_or_else(|| Problem::NotFound(format!("app with the id {id}")))
}
