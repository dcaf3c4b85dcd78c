//! Tells apps that sessions ended (OpenID Connect Back-Channel Logout 1.0).
//!
//! What is to be told is left in the store by whatever ends a session, in that very transaction.
//! Each app has a round of its own, so that one that hangs keeps no other from hearing. An app that
//! does not answer is left alone for a while, with all that waits for it and what comes to that; then
//! one call asks for all. A session for which alone an app fails keeps no other waiting. What is not
//! heard within a day is given up.

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
use store::app_logouts::{AppLogout, GivenUp, Pause};
use store::{Conn, StoreError};
use tokio::task::JoinSet;
use upstream::Told;
use upstream::http::certificate::Certificates;
use upstream::http::tls::Trust;
use upstream::http::{HttpError, TlsFault};
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
    /// Somebody answered, in another way than apps do that hear.
    #[error("it answered with status {0}; 200 is right")]
    Status(u16),
    /// Nobody answered.
    #[error("{0}{hint}", hint = hint(.0))]
    Silent(HttpError),
    /// A fault of ours.
    #[error("{0}")]
    Own(Problem),
}

impl Untold {
    /// Whether it would be the same for any session: nobody answered, or somebody who says that it is
    /// not the time.
    const fn is_for_all(&self) -> bool {
        match self {
            Self::Silent(_) | Self::Own(_) => true,
            Self::Status(status) => matches!(*status, 429 | 502 | 503 | 504),
            Self::Refused { .. } => false,
        }
    }
}

/// Whether nothing but the word of an authority is missing.
const fn is_unknown(fault: &TlsFault) -> bool {
    matches!(
        fault,
        TlsFault::SelfSigned { .. } | TlsFault::UnknownIssuer { .. }
    )
}

/// What an administrator can do about it here.
const fn hint(error: &HttpError) -> &'static str {
    match error {
        HttpError::InternalAddress {
            allowable: true, ..
        } => ". If that is right, allow it in the app's settings",
        HttpError::Tls { fault, .. } if is_unknown(fault) => {
            ". If that is right, add the CA certificate in the app's settings"
        }
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
        let mut read = self.store.read()?;
        let failing = store::app_logouts::failing(&mut read, app).await?;
        let pause = store::app_logouts::pause_of(&mut read, app).await?;
        Ok(failing.and_then(|one| {
            Some(NotTold {
                problem: one.problem?,
                since: one.since?,
                again: pause.map_or(one.not_before, |pause| pause.until),
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

    /// Tells an app what is due, some at a time; one alone asks whether an app that failed hears again.
    async fn tell_some(&self, id: OauthAppId) -> Result<(), Problem> {
        let now = self.clock.now();
        let (app, due, mut pause) = {
            let mut read = self.store.read()?;
            let due = store::app_logouts::due(&mut read, id, now, AT_ONCE).await?;
            let pause = store::app_logouts::pause_of(&mut read, id).await?;
            let app = store::oauth_apps::by_id(&mut read, id).await?;
            (app, due, pause)
        };
        let url = app.as_ref().and_then(place);
        let Some((app, url)) = app.zip(url) else {
            self.store
                .write(async move |tx: &mut Conn| store::app_logouts::drop_all(tx, id).await)
                .await?;
            return Ok(());
        };
        if pause.is_some_and(|pause| now < pause.until) {
            return Ok(());
        }
        let mut left = due.into_iter();
        loop {
            let mut under_way = JoinSet::new();
            let width = if pause.is_some() { 1 } else { SIDE_BY_SIDE };
            for one in left.by_ref().take(width) {
                let (this, app, url) = (self.clone(), app.clone(), url.clone());
                under_way.spawn(async move {
                    let told = this.tell(&app, &url, &one).await;
                    (one, told)
                });
            }
            if under_way.is_empty() {
                return Ok(());
            }
            let told = under_way.join_all().await;
            let answers = told.iter().any(|(_, told)| match told {
                Ok(()) => true,
                Err(why) => !why.is_for_all(),
            });
            if answers && pause.take().is_some() {
                self.answers_again(id).await?;
            }
            let mut failed = None;
            for (one, told) in told {
                match told {
                    Ok(()) => self.forget_logout(&one).await?,
                    // The same token would be refused again (section 2.8).
                    Err(why @ Untold::Refused { .. }) => {
                        self.forget_logout(&one).await?;
                        self.gave_up(&app, &why.to_string()).await;
                    }
                    Err(why) => failed = Some(self.put_off(&app, &one, &why).await?),
                }
            }
            let Some(problem) = failed else {
                continue;
            };
            if answers {
                self.give_up(&app, GivenUp::Failed, None, &problem).await?;
                continue;
            }
            let tries = pause.map_or(0, |pause| pause.tries);
            let wait = sign_out::told_again_after(tries);
            let pause = Pause {
                tries: tries.saturating_add(1),
                until: self.clock.now().plus(wait),
            };
            let pause = Some(pause);
            return self.give_up(&app, GivenUp::All, pause, &problem).await;
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
        let trust = trust(app);
        let told = self.upstream.tell_app(url, private, &trust, &token);
        match told.await {
            Ok(Told::Yes) => Ok(()),
            Ok(Told::No(said)) => Err(Untold::Refused { said }),
            Ok(Told::Other(status)) => Err(Untold::Status(status)),
            Err(error) => Err(Untold::Silent(error)),
        }
    }

    async fn forget_logout(&self, one: &AppLogout) -> Result<(), Problem> {
        let id = one.id;
        self.store
            .write(async move |tx: &mut Conn| store::app_logouts::done(tx, id).await)
            .await?;
        Ok(())
    }

    async fn answers_again(&self, app: OauthAppId) -> Result<(), Problem> {
        let now = self.clock.now();
        self.store
            .write(async move |tx: &mut Conn| store::app_logouts::end_pause(tx, app, now).await)
            .await?;
        Ok(())
    }

    /// Has an app told of one session again later; returns what was wrong.
    async fn put_off(
        &self,
        app: &OauthApp,
        one: &AppLogout,
        why: &Untold,
    ) -> Result<String, Problem> {
        let (id, now, problem) = (one.id, self.clock.now(), why.to_string());
        tracing::info!(app.client_id = %app.client_id, tries = one.tries, problem,
            "an app was not told that a session ended");
        let again = now.plus(sign_out::told_again_after(one.tries));
        let (why, app) = (problem.clone(), app.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                let same = is_unchanged(tx, &app).await?;
                let again = if same { again } else { now };
                store::app_logouts::failed(tx, id, &why, now, again).await
            })
            .await?;
        Ok(problem)
    }

    /// Gives up what was not heard for a day, after leaving the app alone for `pause`.
    async fn give_up(
        &self,
        app: &OauthApp,
        which: GivenUp,
        pause: Option<Pause>,
        problem: &str,
    ) -> Result<(), Problem> {
        let (now, tried) = (self.clock.now(), app.clone());
        let gone = self
            .store
            .write(async move |tx: &mut Conn| {
                if let Some(pause) = pause
                    && is_unchanged(tx, &tried).await?
                {
                    store::app_logouts::pause(tx, tried.id, pause, now).await?;
                }
                let began = now.minus(sign_out::TOLD_FOR);
                store::app_logouts::give_up(tx, tried.id, which, began).await
            })
            .await?;
        match gone {
            0 => {}
            1 => self.gave_up(app, problem).await,
            more => {
                self.gave_up(app, &format!("{problem} ({more} sessions)"))
                    .await;
            }
        }
        Ok(())
    }

    /// Tells administrators that an app will not hear of it any more.
    async fn gave_up(&self, app: &OauthApp, problem: &str) {
        let mut record = Record::new(self, Door::App, &Client::default());
        record.attempt.app = Some(app.id);
        let refusal = apps::of_app(Code::AppNotTold, app).with("detail", problem);
        self.refuse(record, refusal).await;
    }
}

/// Whether a call that failed was made by the settings of now: what an administrator has mended since
/// is tried at once.
async fn is_unchanged(tx: &mut Conn, tried: &OauthApp) -> Result<bool, StoreError> {
    let now = store::oauth_apps::by_id(tx, tried.id).await?;
    Ok(now.is_some_and(|now| now.modified == tried.modified))
}

/// Whose certificates count there. Settings hold only certificates that can be read.
fn trust(app: &OauthApp) -> Trust {
    let pem = app.settings.back_channel_ca.as_deref();
    match pem.map(Certificates::parse) {
        Some(Ok(certificates)) => Trust::And(certificates),
        Some(Err(_)) | None => Trust::Public,
    }
}

/// Where an app is told, if anywhere.
fn place(app: &OauthApp) -> Option<Url> {
    Url::parse(app.settings.back_channel.as_deref()?).ok()
}
