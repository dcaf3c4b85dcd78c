//! The authorization endpoint: who asks, for whom, whether the person is asked, and the code.
//!
//! Every visit is judged from zero, also one that comes back from a sign-in or from the consent
//! page: nothing is remembered of a request but what its query says.

mod answer;
mod asked;
mod back;
mod rehearsal;
mod request;
mod ways;

pub use answer::Answer;
pub(crate) use asked::fresh;
pub use back::WayBack;
pub use oidc::callback::Delivery;
pub use oidc::op::difference::DiffPart;
pub(super) use rehearsal::{NONCE, Rehearsal};
pub use request::{LONGEST_NESTED, fits};
pub use ways::{AskToSignIn, WhyAgain};

use self::asked::{Demand, Query};
use self::back::back_of;
use self::request::{Read, Received, Unreadable};
use crate::oauth::Scope;
use crate::sessions::{Current, Who};
use crate::sign_in::{Record, Refused};
use crate::{App, Client, Problem};
use model::attempt::Door;
use model::domain::MailDomain;
use model::ids::OauthAppId;
use model::mailbox::Mailbox;
use model::oauth_app::OauthApp;
use model::outcome::{Code, Refusal};
use model::rules::apps;
use model::session::Session;
use oidc::op::authorize::{AuthorizeErrorCode, Prompt};
use oidc::op::difference::difference;
use oidc::op::hint;
use oidc::op::redirect::RegisteredRedirect;

/// One visit of a browser to the authorization endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'a> {
    /// The query, without its `?`.
    pub query: &'a str,
    /// Who is signed in.
    pub current: Option<&'a Current>,
    /// The opaque id of the browser.
    pub browser: &'a str,
    /// From where.
    pub client: &'a Client,
    /// What the person said on the consent page.
    pub consent: Option<bool>,
}

/// What becomes of a visit.
#[derive(Debug)]
pub enum Authorize {
    /// The app gets an answer.
    Answer(Answer),
    /// A page says no; nobody is sent anywhere.
    Refused(Box<AppRefused>),
    /// The person signs in first.
    SignIn(Box<AskToSignIn>),
    /// The browser leaves for a provider, by this URL.
    Leave(String),
    /// The person is asked.
    Consent(Box<Consent>),
}

/// A refusal at the authorization endpoint.
#[derive(Debug)]
pub struct AppRefused {
    /// Code, words, reference.
    pub refused: Box<Refused>,
    /// What was received in place of a registered redirect; for administrators alone.
    pub wrong: Option<WrongRedirect>,
    /// The way back to the app, where one is known to be right.
    pub back: Option<WayBack>,
}

/// A redirect that is not registered.
#[derive(Debug)]
pub struct WrongRedirect {
    /// The app.
    pub app: OauthAppId,
    /// As it was sent, for people to read.
    pub received: String,
    /// The same exactly, if it could be registered as it is.
    pub exact: Option<String>,
    /// Those that are right.
    pub registered: Vec<String>,
    /// What differs from the nearest of them, character by character.
    pub difference: Vec<DiffPart>,
}

/// What the consent page says.
#[derive(Debug)]
pub struct Consent {
    /// The app's name.
    pub app: String,
    /// Where the answer goes.
    pub redirect: String,
    /// The one source that `form-action` must name besides this site.
    pub form_action: String,
    /// What the app learns or may do.
    pub scopes: Vec<Scope>,
    /// Who is signed in.
    pub address: String,
    /// The app expects somebody else.
    pub expects_other: bool,
    /// The request, to be sent with the answer.
    pub query: String,
    /// The request for somebody else.
    pub other: String,
}

impl App {
    /// Judges a visit to the authorization endpoint.
    ///
    /// # Errors
    /// [`Problem::Unavailable`]; what is wrong with the request is an [`Authorize`].
    pub async fn authorize(&self, visit: &Visit<'_>) -> Result<Authorize, Problem> {
        let query = Query::of(visit.query);
        let read = match self.read_request(&query).await? {
            Ok(read) => read,
            Err(unreadable) => return Ok(self.unreadable(unreadable, visit).await),
        };
        let silent = read.request.prompt.contains(&Prompt::None);
        let (session, mailbox, domain) = match self.person_of(visit, &read, &query) {
            Found::Person(session, mailbox, domain) => (session, mailbox, domain),
            Found::Nobody | Found::NotAnew(..) if silent => {
                return Ok(says(&read, AuthorizeErrorCode::LoginRequired));
            }
            Found::Nobody => {
                let demand = read.demand();
                return self.ask_to_sign_in(read, &query, visit, demand).await;
            }
            // Not every provider heeds max_age; those that do not may heed prompt=login.
            Found::NotAnew(Demand::MaxAge, ..) => {
                let demand = Some(Demand::Anew);
                return self.ask_to_sign_in(read, &query, visit, demand).await;
            }
            Found::NotAnew(Demand::Anew, session, mailbox) => {
                return self.not_anew(&read, session, mailbox, visit.client).await;
            }
        };
        if let Err(refusal) = apps::may_use(&read.app, mailbox, domain) {
            let answer = says_no(&read);
            let refused = self.refuse_app(&read.app, Some(mailbox), refusal, visit.client);
            return Ok(match (refused.await, silent) {
                (_, true) => Authorize::Answer(answer),
                (refused, false) => Authorize::Refused(Box::new(AppRefused {
                    back: Some(back_of(&read, Some(refused.refusal.code))),
                    refused,
                    wrong: None,
                })),
            });
        }
        let chosen = self.asked(&query, visit.browser).is_some();
        if self.is_somebody_else(&read, mailbox).await? {
            // Nobody is passed off as the person an app asked for (OpenID Connect Core 3.1.2.2).
            if silent || chosen || visit.consent == Some(true) {
                return Ok(says(&read, AuthorizeErrorCode::LoginRequired));
            }
            let demand = Some(Demand::Anew);
            return self.ask_to_sign_in(read, &query, visit, demand).await;
        }
        let other = !chosen && self.expects_other(&read, mailbox).await?;
        if silent && other {
            return Ok(says(&read, AuthorizeErrorCode::LoginRequired));
        }
        let ask = other
            || read.request.prompt.contains(&Prompt::Consent)
            || (read.request.prompt.contains(&Prompt::SelectAccount) && !chosen)
            || self.asks(&read, mailbox).await?;
        match visit.consent {
            Some(false) => {
                let refusal = apps::of_app(Code::AppDenied, &read.app)
                    .with("address", &mailbox.address)
                    .with("scopes", &read.scopes);
                self.refuse_app(&read.app, Some(mailbox), refusal, visit.client)
                    .await;
                Ok(Authorize::Answer(says_no(&read)))
            }
            None if ask && silent => Ok(says(&read, AuthorizeErrorCode::ConsentRequired)),
            None if ask => Ok(Authorize::Consent(Box::new(Consent {
                app: read.app.settings.name.clone(),
                form_action: oidc::op::redirect::form_action_source(&read.back.redirect),
                redirect: read.back.redirect.clone(),
                scopes: crate::oauth::told(&read.app.settings, &read.scopes),
                address: mailbox.address.to_string(),
                expects_other: other,
                query: query.whole(),
                other: self.demanding(&query, visit.browser, Some(session.id), Demand::Anew),
            }))),
            Some(true) | None => {
                let asked = visit.consent.is_some();
                let person = (mailbox, session);
                match self.give_code(read, person, asked, visit.client).await? {
                    Some(answer) => Ok(Authorize::Answer(answer)),
                    // Ended, or changed, in this very moment: as if it had been so before.
                    None => {
                        let visit = Visit {
                            current: None,
                            ..*visit
                        };
                        Box::pin(self.authorize(&visit)).await
                    }
                }
            }
        }
    }

    /// The person whose session counts for this request.
    fn person_of<'a>(&self, visit: &Visit<'a>, read: &Read, query: &Query) -> Found<'a> {
        let Some(Current { session, who, .. }) = visit.current else {
            return Found::Nobody;
        };
        let Who::Person { mailbox, domain } = who else {
            return Found::Nobody;
        };
        let never = &read.app.settings.never_through;
        if session.provider.is_some_and(|by| never.contains(&by)) {
            return Found::Nobody;
        }
        let person = Found::Person(session, mailbox, domain);
        let Some(asked) = self.asked(query, visit.browser) else {
            let age = self.clock.now().since(session.proved).as_secs();
            let counts = match read.demand() {
                None => true,
                Some(Demand::Anew) => false,
                Some(Demand::MaxAge) => read.request.max_age.is_some_and(|most| age <= most),
            };
            return if counts { person } else { Found::Nobody };
        };
        match (asked.is_answered_by(session), asked.is_met_by(session)) {
            (false, _) => Found::Nobody,
            (true, true) => person,
            (true, false) => Found::NotAnew(asked.demand, session, mailbox),
        }
    }

    /// The provider let the person through although it was told to ask them.
    async fn not_anew(
        &self,
        read: &Read,
        session: &Session,
        mailbox: &Mailbox,
        client: &Client,
    ) -> Result<Authorize, Problem> {
        let provider = match session.provider {
            Some(id) => store::providers::by_id(&mut *self.store.read()?, id).await?,
            None => None,
        };
        let minutes = self.clock.now().since(session.proved).as_secs() / 60;
        let refusal = apps::of_app(Code::AppNotAnew, &read.app)
            .with_some("provider", provider.map(|provider| provider.settings.name))
            .with("address", &mailbox.address)
            .with("age", format!("{minutes} minutes"));
        let refused = self.refuse_app(&read.app, Some(mailbox), refusal, client);
        let refused = refused.await;
        Ok(Authorize::Refused(Box::new(AppRefused {
            back: Some(back_of(read, Some(refused.refusal.code))),
            refused,
            wrong: None,
        })))
    }

    async fn unreadable(&self, unreadable: Unreadable, visit: &Visit<'_>) -> Authorize {
        match unreadable {
            Unreadable::Stays {
                refusal,
                app,
                wrong,
            } => {
                let mut record = Record::new(self, Door::App, visit.client);
                record.attempt.app = app.as_ref().map(|app| app.id);
                let refused = self.refuse(record, refusal).await;
                let wrong = app.zip(wrong);
                let wrong = wrong.map(|(app, received)| wrong_redirect(*app, &received));
                Authorize::Refused(Box::new(AppRefused {
                    refused,
                    wrong,
                    back: None,
                }))
            }
            Unreadable::Goes {
                app,
                answer,
                refusal,
            } => {
                if let Some(refusal) = refusal {
                    self.refuse_app(&app, None, refusal, visit.client).await;
                }
                Authorize::Answer(answer)
            }
        }
    }

    async fn refuse_app(
        &self,
        app: &OauthApp,
        mailbox: Option<&Mailbox>,
        refusal: Refusal,
        client: &Client,
    ) -> Box<Refused> {
        let mut record = Record::new(self, Door::App, client);
        record.attempt.app = Some(app.id);
        if let Some(mailbox) = mailbox {
            record.about(Some(mailbox.id), &mailbox.address);
        }
        self.refuse(record, refusal).await
    }

    /// Whether the person has not allowed this yet.
    async fn asks(&self, read: &Read, mailbox: &Mailbox) -> Result<bool, Problem> {
        let mut sql = self.store.read()?;
        let before = store::app_connections::get(&mut sql, mailbox.id, read.app.id).await?;
        let allowed = before.filter(|before| before.asked);
        let allowed = allowed.as_ref().map(|before| before.scopes.as_str());
        Ok(apps::asks(&read.app, read.back.web, &read.scopes, allowed))
    }

    /// Whether the request is about somebody else than the owner of `mailbox`, by a subject that the
    /// app knows.
    async fn is_somebody_else(&self, read: &Read, mailbox: &Mailbox) -> Result<bool, Problem> {
        let subject = Self::known_as(read, mailbox);
        if !read.request.claims.allows_subject(&subject) {
            return Ok(true);
        }
        let Some(token) = read.request.id_token_hint.as_deref() else {
            return Ok(false);
        };
        let set = self.signing().await?.key_set()?;
        let (issuer, client) = (self.public_url(), Some(read.app.client_id.as_str()));
        let hint = hint::read(token, &set, issuer, client, self.clock.now());
        Ok(hint.is_ok_and(|hint| hint.subject != subject))
    }

    /// Whether the request guesses at another address, and at no alias of the mailbox: the person is
    /// asked who is meant.
    async fn expects_other(&self, read: &Read, mailbox: &Mailbox) -> Result<bool, Problem> {
        let typed = read.request.login_hint.as_deref();
        let typed = typed.and_then(|hint| model::address::Address::parse(hint).ok());
        let Some(hint) = typed.filter(|hint| *hint != mailbox.address) else {
            return Ok(false);
        };
        let mut sql = self.store.read()?;
        let meant = store::aliases::targets_by_address(&mut sql, &hint).await?;
        Ok(!meant.contains(&mailbox.address))
    }
}

/// Whose session counts for a request.
enum Found<'a> {
    /// Nobody's.
    Nobody,
    /// This person's.
    Person(&'a Session, &'a Mailbox, &'a MailDomain),
    /// A new one, of somebody who did not prove anew who they are, as was demanded.
    NotAnew(Demand, &'a Session, &'a Mailbox),
}

fn wrong_redirect(app: OauthApp, received: &Received) -> WrongRedirect {
    let text = received.text();
    let registered = app.settings.redirects;
    let exact = match received {
        Received::Uri(sent) => RegisteredRedirect::parse(sent)
            .is_ok()
            .then(|| sent.clone()),
        Received::Nothing(_) => None,
    };
    WrongRedirect {
        app: app.id,
        difference: difference(text, &registered).unwrap_or_default(),
        received: model::foreign::printable(text, 300),
        exact,
        registered,
    }
}

fn says(read: &Read, error: AuthorizeErrorCode) -> Authorize {
    Authorize::Answer(read.back.error(error, ""))
}

fn says_no(read: &Read) -> Answer {
    read.back.error(AuthorizeErrorCode::AccessDenied, "")
}
