//! Signing out at an app's word (OpenID Connect RP-Initiated Logout 1.0): who is meant, whether the
//! person is asked first, and where they go afterwards.
//!
//! A request that is wrong in any part leads nowhere and ends nothing. The person's yes on our page
//! comes back with the request, which is judged anew.

use super::names::subject;
use crate::sessions::{Current, Who};
use crate::sign_in::{Record, Refused};
use crate::sign_out::{Onward, SignOutThere};
use crate::{App, Client, Problem};
use model::attempt::Door;
use model::foreign::printable;
use model::oauth_app::OauthApp;
use model::outcome::{Code, Refusal};
use model::rules::apps::of_app;
use model::rules::sign_out::{Shown, SignOut, sign_out};
use oidc::op::end_session::EndSession;
use oidc::op::hint::{self, Hint};
use oidc::op::redirect::{RegisteredRedirect, with_parameters};
use secrecy::ExposeSecret as _;

/// One visit of a browser to the sign-out endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Leaving<'a> {
    /// The query, without its `?`.
    pub query: &'a str,
    /// Who is signed in, with the token of the session.
    pub current: Option<(&'a Current, &'a str)>,
    /// The opaque id of the browser.
    pub browser: &'a str,
    /// From where.
    pub client: &'a Client,
    /// Whether the person said yes on our page.
    pub said_yes: bool,
}

/// What becomes of it.
#[derive(Debug)]
pub enum EndSessionOutcome {
    /// Nobody is signed in here, any more or at all.
    Out {
        /// The provider's page on which the person signs out too.
        there: Option<SignOutThere>,
        /// The way back to the app.
        back: Option<Onward>,
    },
    /// The person is asked.
    Ask {
        /// The app that wants it, if it says which one it is.
        app: Option<String>,
        /// Who is signed in.
        name: String,
        /// The way back to the app for whoever stays signed in: without the state, which says that the
        /// request was done.
        back: Option<Onward>,
    },
    /// A page says no; nothing was ended, and nobody is sent anywhere.
    Refused(Box<Refused>),
}

/// A request that is right in every part.
#[derive(Debug, Default)]
struct Read {
    app: Option<OauthApp>,
    hint: Option<Hint>,
    back: Option<Onward>,
    /// The same place as it is registered.
    redirect: Option<String>,
}

/// Why a request is not one.
enum Unreadable {
    Refused(Refusal),
    Problem(Problem),
}

impl<E: Into<Problem>> From<E> for Unreadable {
    fn from(error: E) -> Self {
        Self::Problem(error.into())
    }
}

impl App {
    /// Judges a visit to the sign-out endpoint, and ends the session if that is what becomes of it.
    ///
    /// # Errors
    /// [`Problem::Unavailable`]; what is wrong with the request is an outcome.
    pub async fn end_session_for_app(
        &self,
        visit: &Leaving<'_>,
    ) -> Result<EndSessionOutcome, Problem> {
        let read = match self.read_end_session(visit.query).await {
            Ok(read) => read,
            Err(Unreadable::Problem(problem)) => return Err(problem),
            Err(Unreadable::Refused(refusal)) => {
                let mut record = Record::new(self, Door::App, visit.client);
                let id = refusal.facts.get(model::outcome::APP_ID);
                record.attempt.app = id.and_then(|id| id.parse().ok());
                let refused = self.refuse(record, refusal).await;
                return Ok(EndSessionOutcome::Refused(refused));
            }
        };
        let signed_in = visit.current.is_some();
        let shown = self.shown(&read, visit.current).await?;
        match sign_out(signed_in, shown, visit.said_yes) {
            SignOut::Ask => Ok(EndSessionOutcome::Ask {
                app: read.app.map(|app| app.settings.name),
                back: read
                    .back
                    .zip(read.redirect)
                    .map(|(back, url)| Onward { url, ..back }),
                name: visit
                    .current
                    .map(|(current, _)| current.who.name())
                    .unwrap_or_default(),
            }),
            SignOut::NothingToEnd => Ok(EndSessionOutcome::Out {
                there: None,
                back: read.back,
            }),
            SignOut::End => {
                let token = visit.current.map(|(_, token)| token).unwrap_or_default();
                let onward = read.back.as_ref();
                let there = self.sign_out_there_too(token, visit.browser, onward);
                Ok(EndSessionOutcome::Out {
                    there: there.await?,
                    back: read.back,
                })
            }
        }
    }

    /// What the hint says of the person who is signed in here, and of their session.
    async fn shown(
        &self,
        read: &Read,
        current: Option<(&Current, &str)>,
    ) -> Result<Shown, Problem> {
        let (Some(app), Some(hint)) = (&read.app, &read.hint) else {
            return Ok(Shown::Nothing);
        };
        let Some((Current { session, who, .. }, _)) = current else {
            return Ok(Shown::SomebodyElse);
        };
        let Who::Person { mailbox, .. } = who else {
            return Ok(Shown::SomebodyElse);
        };
        if subject(&app.settings, mailbox.storage) != hint.subject {
            return Ok(Shown::SomebodyElse);
        }
        let Some(sid) = &hint.sid else {
            return Ok(Shown::ThemElsewhere);
        };
        let mut conn = self.store.read()?;
        let here = store::app_sessions::is_known(&mut conn, session.id, app.id, sid).await?;
        Ok(if here {
            Shown::Them
        } else {
            Shown::ThemElsewhere
        })
    }

    async fn read_end_session(&self, query: &str) -> Result<Read, Unreadable> {
        let asked = EndSession::parse(query).map_err(|error| refused(None, error))?;
        let mut read = Read {
            app: self.named_to_sign_out(asked.client_id.as_deref()).await?,
            ..Read::default()
        };
        if let Some(token) = &asked.id_token_hint {
            let keys = self.signing().await?.key_set()?;
            let (issuer, now) = (self.public_url(), self.clock.now());
            let client_id = asked.client_id.as_deref();
            let hint = hint::read(token.expose_secret(), &keys, issuer, client_id, now)
                .map_err(|error| refused(read.app.as_ref(), format!("id_token_hint: {error}")))?;
            read.app = self.named_to_sign_out(Some(&hint.audience)).await?;
            read.hint = Some(hint);
        }
        if let Some(redirect) = asked.redirect {
            let mut back = way_back(read.app.as_ref(), &redirect, asked.state.as_deref())?;
            back.by_itself = read.hint.is_some();
            read.back = Some(back);
            read.redirect = Some(redirect);
        }
        Ok(read)
    }

    /// The app of a client id. One that is switched off may still sign people out.
    async fn named_to_sign_out(
        &self,
        client_id: Option<&str>,
    ) -> Result<Option<OauthApp>, Unreadable> {
        let Some(client_id) = client_id else {
            return Ok(None);
        };
        let found = store::oauth_apps::by_client_id(&mut *self.store.read()?, client_id).await?;
        if found.is_none() {
            let unknown = Refusal::new(Code::AppUnknown);
            let unknown = unknown.with("client_id", printable(client_id, 120));
            return Err(Unreadable::Refused(unknown));
        }
        Ok(found)
    }
}

/// The way back, if it is registered for an app that says which one it is.
fn way_back(app: Option<&OauthApp>, sent: &str, state: Option<&str>) -> Result<Onward, Unreadable> {
    let Some(app) = app else {
        let words = "it named a way back and neither a client_id nor an id_token_hint";
        return Err(refused(None, words));
    };
    let registered = &app.settings.sign_out_redirects;
    let right = registered
        .iter()
        .any(|uri| RegisteredRedirect::parse(uri).is_ok_and(|registered| registered.matches(sent)));
    if !right {
        let all = match registered.join(" ") {
            none if none.is_empty() => "none".to_owned(),
            all => all,
        };
        let sent = printable(sent, 120);
        let words = format!("post_logout_redirect_uri is {sent}; registered is {all}");
        return Err(refused(Some(app), words));
    }
    let state: Vec<_> = state.iter().map(|state| ("state", *state)).collect();
    Ok(Onward {
        app: app.settings.name.clone(),
        url: with_parameters(sent, &state),
        by_itself: false,
    })
}

fn refused(app: Option<&OauthApp>, detail: impl std::fmt::Display) -> Unreadable {
    let refusal = match app {
        Some(app) => of_app(Code::AppSignOut, app),
        None => Refusal::new(Code::AppSignOut).with("app", "An app that is not known"),
    };
    Unreadable::Refused(refusal.with("detail", detail))
}
