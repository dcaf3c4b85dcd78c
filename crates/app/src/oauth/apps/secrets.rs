//! Secrets of apps: a new one beside the old, so that the other side can be changed without haste.

use super::{MadeApp, by_id};
use crate::oauth::names::Secret;
use crate::{App, Problem, audit};
use model::audit::Actor;
use model::ids::{AppSecretId, OauthAppId};
use model::oauth_app::{AppKind, AppSecret};
use model::random;
use model::time::{DAY, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;
use store::Conn;

/// Secrets of one app that count at a time, at most.
pub const MOST_SECRETS: usize = 5;

/// How many characters at its end tell a secret from another.
const HINT: usize = 4;

/// How long the secrets so far count beside a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// Not at all: for a secret that somebody has seen.
    AtOnce,
    /// An hour.
    Hour,
    /// A day.
    #[default]
    Day,
    /// Seven days.
    Week,
}

impl Overlap {
    /// All, shortest first.
    pub const ALL: [Self; 4] = [Self::AtOnce, Self::Hour, Self::Day, Self::Week];

    /// Its name on the command line and in forms.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AtOnce => "at_once",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    /// The words for it: the secrets so far end …
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::AtOnce => "at once",
            Self::Hour => "in an hour",
            Self::Day => "in a day",
            Self::Week => "in 7 days",
        }
    }

    const fn duration(self) -> Duration {
        match self {
            Self::AtOnce => Duration::ZERO,
            Self::Hour => Duration::from_secs(3600),
            Self::Day => DAY,
            Self::Week => Duration::from_secs(7 * 24 * 3600),
        }
    }
}

/// What is kept of a new secret.
pub(super) struct Kept {
    tag: Vec<u8>,
    hint: String,
}

impl Kept {
    pub(super) async fn add_to(
        &self,
        tx: &mut Conn,
        app: OauthAppId,
        now: Timestamp,
    ) -> Result<AppSecretId, Problem> {
        Ok(store::oauth_apps::add_secret(tx, app, &self.tag, &self.hint, now).await?)
    }
}

impl App {
    /// A new secret: what is kept of it, and itself.
    pub(super) fn new_app_secret(&self) -> (Kept, SecretString) {
        let secret = random::token(self.random.as_ref());
        let kept = Kept {
            tag: self.oauth_tag(Secret::Client, &secret),
            hint: secret[secret.len() - HINT..].to_owned(),
        };
        (kept, SecretString::from(secret))
    }

    /// The secrets of an app that count, newest first.
    pub async fn app_secrets(&self, id: OauthAppId) -> Result<Vec<AppSecret>, Problem> {
        live(&mut *self.store.read()?, id, self.clock.now()).await
    }

    /// Makes a new secret, shown once. Those before count until the overlap is over; one that ends
    /// sooner stays so.
    pub async fn rotate_app_secret(
        &self,
        id: OauthAppId,
        overlap: Overlap,
        actor: &Actor,
    ) -> Result<MadeApp, Problem> {
        let (now, actor) = (self.clock.now(), actor.clone());
        let (kept, shown) = self.new_app_secret();
        let app = self
            .store
            .write(async move |tx: &mut Conn| {
                let app = by_id(tx, id).await?;
                if app.settings.kind == AppKind::Public {
                    return Err(Problem::InUse(
                        "this app has no secret: it is public".to_owned(),
                    ));
                }
                if overlap != Overlap::AtOnce && live(tx, id, now).await?.len() >= MOST_SECRETS {
                    return Err(Problem::InUse(format!(
                        "{MOST_SECRETS} secrets of this app count already; remove one first"
                    )));
                }
                let new = kept.add_to(tx, id, now).await?;
                let ends = now.plus(overlap.duration());
                store::oauth_apps::end_secrets(tx, id, new, ends).await?;
                store::oauth_apps::sweep_secrets(tx, now).await?;
                let details = json!({ "name": app.settings.name, "others_end": ends });
                audit::note(tx, now, &actor, "app.rotate", &app.client_id, details).await?;
                Ok(app)
            })
            .await?;
        Ok(MadeApp {
            app,
            secret: Some(shown),
        })
    }

    /// Removes a secret at once; not the last one that goes on counting.
    pub async fn drop_app_secret(
        &self,
        id: OauthAppId,
        secret: AppSecretId,
        actor: &Actor,
    ) -> Result<(), Problem> {
        let (now, actor) = (self.clock.now(), actor.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                let app = by_id(tx, id).await?;
                let secrets = live(tx, id, now).await?;
                let Some(dropped) = secrets.iter().find(|one| one.id == secret) else {
                    return Err(Problem::NotFound("such secret of this app".to_owned()));
                };
                if dropped.ends.is_none() {
                    return Err(Problem::InUse(
                        "the app signs in with this secret; make a new one instead".to_owned(),
                    ));
                }
                store::oauth_apps::drop_secret(tx, id, secret).await?;
                let details = json!({ "name": app.settings.name, "ending": dropped.hint });
                audit::note(tx, now, &actor, "app.drop_secret", &app.client_id, details).await?;
                Ok(())
            })
            .await
    }
}

async fn live(conn: &mut Conn, id: OauthAppId, now: Timestamp) -> Result<Vec<AppSecret>, Problem> {
    let mut secrets = store::oauth_apps::secrets(conn, id).await?;
    secrets.retain(|secret| secret.ends.is_none_or(|ends| ends > now));
    Ok(secrets)
}
