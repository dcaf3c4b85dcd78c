//! Tells apps that sessions ended (OpenID Connect Back-Channel Logout 1.0).
//!
//! What is to be told is left in the store by whatever ends a session, in that very transaction.
//! Each app has a round of its own, so that one that hangs keeps no other from hearing, and what
//! fails is tried for a day with growing pauses.

use super::names::subject;
use crate::sign_in::Record;
use crate::{App, Client, Problem};
use model::attempt::Door;
use model::ids::OauthAppId;
use model::oauth_app::OauthApp;
use model::outcome::Code;
use model::random;
use model::rules::{apps, sign_out};
use model::time::Timestamp;
use oidc::op::logout_token::{self, LogoutFacts};
use secrecy::SecretString;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use store::app_logouts::AppLogout;
use store::{Conn, StoreError};
use tokio::task::JoinSet;
use upstream::Told;
use upstream::http::HttpError;
use url::Url;

/// Between two looks at what is to be told.
const PACE: Duration = Duration::from_secs(1);
/// Sessions that an app is told of in one round.
const AT_ONCE: u32 = 64;
/// Calls to one app under way at a time.
const SIDE_BY_SIDE: usize = 4;

/// An app that could not be told lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotTold {
    /// Why, the last time.
    pub problem: String,
    /// When that began.
    pub since: Timestamp,
    /// When it is tried next.
    pub again: Timestamp,
}

/// Why an app was not told.
#[derive(Debug, thiserror::Error)]
enum Untold {
    /// It will not hear of it.
    #[error("it refused the logout token{}{said}", if .said.is_empty() { "" } else { ": " })]
    Refused { said: String },
    /// Somebody answered, in another way than such apps do.
    #[error("it answered with status {0}; 200 is right")]
    Status(u16),
    /// Nobody answered, so nobody will in a moment either.
    #[error("{0}{hint}", hint = hint(.0))]
    Silent(HttpError),
    /// A fault of ours.
    #[error("{0}")]
    Own(Problem),
}

impl Untold {
    const fn is_for_all(&self) -> bool {
        matches!(self, Self::Silent(_) | Self::Own(_))
    }
}

/// What an administrator can do about it here.
const fn hint(error: &HttpError) -> &'static str {
    match error {
        HttpError::InternalAddress {
            allowable: true, ..
        } => ". If that is right, allow it in the app's settings",
        _ => "",
    }
}

impl App {
    /// Tells apps of sessions that ended, until `stop` resolves; also of those that ended before a
    /// crash. A call that is cut off is made again: being told twice does no harm.
    pub async fn run_app_logouts(&self, stop: impl Future<Output = ()> + Send) {
        tokio::pin!(stop);
        let (mut rounds, mut under_way) = (JoinSet::new(), BTreeMap::new());
        loop {
            let busy: BTreeSet<OauthAppId> = under_way.values().copied().collect();
            match self.apps_to_tell().await {
                Ok(waiting) => {
                    for id in waiting.into_iter().filter(|id| !busy.contains(id)) {
                        let app = self.clone();
                        let round = rounds.spawn(async move { app.tell_all(id).await });
                        under_way.insert(round.id(), id);
                    }
                }
                Err(error) => tracing::warn!(%error, "which apps are to be told is not known"),
            }
            let pause = tokio::time::sleep(PACE);
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    () = &mut stop => return,
                    () = &mut pause => break,
                    Some(ended) = rounds.join_next_with_id() => {
                        let ended = ended.map_or_else(|error| error.id(), |(id, ())| id);
                        under_way.remove(&ended);
                    }
                }
            }
        }
    }

    /// One look: tells every app what is due for it.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] if the store cannot be read.
    pub async fn tell_apps(&self) -> Result<(), Problem> {
        let mut rounds = JoinSet::new();
        for id in self.apps_to_tell().await? {
            let app = self.clone();
            rounds.spawn(async move { app.tell_all(id).await });
        }
        rounds.join_all().await;
        Ok(())
    }

    /// Why an app is behind with what it is told, if it is.
    ///
    /// # Errors
    /// [`Problem::Unavailable`].
    pub async fn not_told(&self, app: OauthAppId) -> Result<Option<NotTold>, Problem> {
        let failing = store::app_logouts::failing(&mut *self.store.read()?, app).await?;
        Ok(failing.and_then(|one| {
            Some(NotTold {
                problem: one.problem?,
                since: one.since?,
                again: one.not_before,
            })
        }))
    }

    async fn apps_to_tell(&self) -> Result<Vec<OauthAppId>, Problem> {
        Ok(store::app_logouts::apps(&mut *self.store.read()?).await?)
    }

    async fn tell_all(&self, id: OauthAppId) {
        if let Err(error) = self.tell_some(id).await {
            tracing::warn!(app.id = %id, %error, "an app could not be told of sessions that ended");
        }
    }

    /// Tells an app what is due, some at a time. When nobody answers, the rest waits along.
    async fn tell_some(&self, id: OauthAppId) -> Result<(), Problem> {
        let (app, due) = {
            let mut read = self.store.read()?;
            let due = store::app_logouts::due(&mut read, id, self.clock.now(), AT_ONCE).await?;
            (store::oauth_apps::by_id(&mut read, id).await?, due)
        };
        let url = app.as_ref().and_then(place);
        let Some((app, url)) = app.zip(url) else {
            self.store
                .write(async move |tx: &mut Conn| store::app_logouts::drop_all(tx, id).await)
                .await?;
            return Ok(());
        };
        let mut left = due.into_iter();
        loop {
            let mut under_way = JoinSet::new();
            for one in left.by_ref().take(SIDE_BY_SIDE) {
                let (this, app, url) = (self.clone(), app.clone(), url.clone());
                under_way.spawn(async move {
                    let told = this.tell(&app, &url, &one).await;
                    (one, told)
                });
            }
            if under_way.is_empty() {
                return Ok(());
            }
            let mut down = None;
            for (one, told) in under_way.join_all().await {
                match told {
                    Ok(()) => self.forget_logout(&one).await?,
                    Err(why) => {
                        let again = self.put_off(&app, &one, &why).await?;
                        if let Some(again) = again.filter(|_| why.is_for_all()) {
                            down = Some((why.to_string(), again));
                        }
                    }
                }
            }
            if let Some((problem, again)) = down {
                let now = self.clock.now();
                self.store
                    .write(async move |tx: &mut Conn| {
                        store::app_logouts::wait(tx, id, &problem, now, again).await
                    })
                    .await?;
                return Ok(());
            }
        }
    }

    async fn tell(&self, app: &OauthApp, url: &Url, one: &AppLogout) -> Result<(), Untold> {
        let subject = subject(&app.settings, one.storage);
        let claims = logout_token::claims(&LogoutFacts {
            issuer: self.public_url(),
            client_id: &app.client_id,
            now: self.clock.now(),
            jti: &random::token(self.random.as_ref()),
            subject: &subject,
            sid: Some(one.sid.as_str()).filter(|sid| !sid.is_empty()),
        });
        let alg = app.settings.id_token_alg;
        let token = self.sign_token(alg, logout_token::TYP, claims).await;
        let token = SecretString::from(token.map_err(Untold::Own)?);
        let private = app.settings.back_channel_private;
        match self.upstream.tell_app(url, private, &token).await {
            Ok(Told::Yes) => Ok(()),
            Ok(Told::No(said)) => Err(Untold::Refused { said }),
            Ok(Told::Other(status)) => Err(Untold::Status(status)),
            Err(error) => Err(Untold::Silent(error)),
        }
    }

    async fn forget_logout(&self, one: &AppLogout) -> Result<(), StoreError> {
        let id = one.id;
        self.store
            .write(async move |tx: &mut Conn| store::app_logouts::done(tx, id).await)
            .await
    }

    /// Has an app told again later, and tells when; or gives it up and says so to administrators.
    async fn put_off(
        &self,
        app: &OauthApp,
        one: &AppLogout,
        why: &Untold,
    ) -> Result<Option<Timestamp>, Problem> {
        let (now, problem) = (self.clock.now(), why.to_string());
        let again = match why {
            // The same token would be refused again (section 2.8).
            Untold::Refused { .. } => None,
            _ => sign_out::told_again(one.tries, one.since.unwrap_or(now), now),
        };
        tracing::info!(app.client_id = %app.client_id, tries = one.tries, again = again.is_some(), problem,
            "an app was not told that a session ended");
        let Some(again) = again else {
            self.forget_logout(one).await?;
            let mut record = Record::new(self, Door::App, &Client::default());
            record.attempt.app = Some(app.id);
            let refusal = apps::of_app(Code::AppNotTold, app).with("detail", problem);
            self.refuse(record, refusal).await;
            return Ok(None);
        };
        let id = one.id;
        self.store
            .write(async move |tx: &mut Conn| {
                store::app_logouts::failed(tx, id, &problem, now, again).await
            })
            .await?;
        Ok(Some(again))
    }
}

/// Where an app is told, if anywhere.
fn place(app: &OauthApp) -> Option<Url> {
    Url::parse(app.settings.back_channel.as_deref()?).ok()
}
