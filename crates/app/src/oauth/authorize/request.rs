//! Reading a request: first app and redirect, and only then what may be answered to the redirect.

use super::answer::Answer;
use super::asked::{Demand, Query};
use crate::oauth::Scope;
use crate::oauth::names::grantable;
use crate::{App, Problem};
use model::foreign::printable;
use model::oauth_app::{AppKind, OauthApp, PkceRule};
use model::outcome::{Code, Refusal};
use model::rules::apps::{is_on, of_app};
use oidc::op::authorize::{
    AuthorizeErrorCode, AuthorizeRequest, ClientRules, Prompt, RedirectError, Unchecked,
};
use oidc::op::redirect::{RedirectKind, RegisteredRedirect};

/// Longest query of a request, in bytes once it is percent-encoded as a parameter of another one: so it
/// travels through the sign-in pages.
pub const LONGEST_NESTED: usize = 15 * 1024;

/// Whether a query finds its way through the sign-in pages and back.
#[must_use]
pub fn fits(query: &str) -> bool {
    let nested = url::form_urlencoded::byte_serialize(query.as_bytes());
    nested.map(str::len).sum::<usize>() <= LONGEST_NESTED
}

/// The `max_age` of a query, if it is one.
pub(super) fn max_age(query: &str) -> Option<u64> {
    Unchecked::parse(query).max_age()
}

/// A request that may be answered.
pub(super) struct Read {
    pub(super) app: OauthApp,
    /// Where the answer goes.
    pub(super) back: Back,
    pub(super) request: AuthorizeRequest,
    /// What would be granted, separated by single spaces.
    pub(super) scopes: String,
}

impl Read {
    /// How new a sign-in it wants.
    pub(super) fn demand(&self) -> Option<Demand> {
        let request = &self.request;
        if request.prompt.contains(&Prompt::Login) || request.max_age == Some(0) {
            return Some(Demand::Anew);
        }
        request.max_age.map(|_| Demand::MaxAge)
    }
}

/// The way back to the app, known to be right.
#[derive(Clone)]
pub(super) struct Back {
    pub(super) redirect: String,
    /// The redirect leads to a web site.
    pub(super) web: bool,
    state: Option<String>,
    delivery: oidc::callback::Delivery,
    issuer: String,
}

impl Back {
    pub(super) fn with(&self, name: &'static str, value: &str) -> Answer {
        let mut parameters = vec![(name, value.to_owned())];
        if let Some(state) = &self.state {
            parameters.push(("state", state.clone()));
        }
        parameters.push(("iss", self.issuer.clone()));
        Answer::new(self.redirect.clone(), parameters, self.delivery)
    }

    pub(super) fn error(&self, error: AuthorizeErrorCode, description: &str) -> Answer {
        let mut answer = self.with("error", error.name());
        if !description.is_empty() {
            answer.add("error_description", description);
        }
        answer
    }
}

/// Why a request is not one.
pub(super) enum Unreadable {
    /// Nobody is sent anywhere.
    Stays {
        refusal: Refusal,
        /// The app, where there is one.
        app: Option<Box<OauthApp>>,
        /// What was received in place of its redirects.
        wrong: Option<Received>,
    },
    /// The app is told, and the administrator where there is a code for it.
    Goes {
        app: Box<OauthApp>,
        answer: Answer,
        refusal: Option<Refusal>,
    },
}

/// What came in place of a registered redirect.
pub(super) enum Received {
    /// A redirect as it was sent.
    Uri(String),
    /// None that could be read.
    Nothing(&'static str),
}

impl Received {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Uri(sent) => sent,
            Self::Nothing(words) => words,
        }
    }
}

impl App {
    pub(super) async fn read_request(
        &self,
        query: &Query,
    ) -> Result<Result<Read, Unreadable>, Problem> {
        let unchecked = Unchecked::parse(&query.plain);
        let client_id = unchecked.client_id.clone().unwrap_or_default();
        let app = store::oauth_apps::by_client_id(&mut *self.store.read()?, &client_id).await?;
        let issuer = self.config.public_url.clone();
        Ok(match app {
            Some(app) => read(app, unchecked, &query.plain, issuer),
            None => Err(Unreadable::Stays {
                refusal: Refusal::new(Code::AppUnknown).with("client_id", named(&client_id)),
                app: None,
                wrong: None,
            }),
        })
    }
}

/// What was sent as a client id, for people to read.
fn named(client_id: &str) -> String {
    if client_id.is_empty() {
        return "(none)".to_owned();
    }
    printable(client_id, 120)
}

pub(super) fn read(
    app: OauthApp,
    unchecked: Unchecked,
    query: &str,
    issuer: String,
) -> Result<Read, Unreadable> {
    if let Err(refusal) = is_on(&app) {
        return Err(Unreadable::Stays {
            refusal,
            app: Some(Box::new(app)),
            wrong: None,
        });
    }
    let (redirect, web) = redirect(&app, &unchecked, query)?;
    let back = Back {
        redirect,
        web,
        state: unchecked.state().map(str::to_owned),
        delivery: unchecked.response_mode(),
        issuer,
    };
    if !fits(query) {
        let words = "the request is too long to be carried through a sign-in";
        let answer = back.error(AuthorizeErrorCode::InvalidRequest, words);
        return Err(Unreadable::Goes {
            app: Box::new(app),
            answer,
            refusal: None,
        });
    }
    let names = Scope::ALL.map(Scope::name);
    let settings = &app.settings;
    let rules = ClientRules {
        pkce: match settings.kind {
            AppKind::Public => PkceRule::Required,
            AppKind::Confidential => settings.pkce,
        },
        plain_allowed: settings.mailcow && settings.kind == AppKind::Confidential,
        state_required: settings.mailcow,
        scopes: &names,
    };
    let request = match unchecked.clone().check(&rules) {
        Ok(request) => request,
        Err(error) => {
            let refusal = refusal_of(&error, &app, unchecked, &rules);
            let answer = back.error(error.error, &error.description);
            return Err(Unreadable::Goes {
                app: Box::new(app),
                answer,
                refusal,
            });
        }
    };
    let scopes = match grantable(settings, &request.scopes) {
        Some(scopes) => scopes,
        None => {
            let asked = printable(&request.asked_scopes.to_string(), 120);
            let refusal = of_app(Code::AppScope, &app).with("scopes", format!("“{asked}”"));
            let words = "none of the scopes exists";
            let answer = back.error(AuthorizeErrorCode::InvalidScope, words);
            return Err(Unreadable::Goes {
                app: Box::new(app),
                answer,
                refusal: Some(refusal),
            });
        }
    };
    Ok(Read {
        app,
        back,
        request,
        scopes,
    })
}

/// The code of an error that is the app's PKCE alone, or its scopes.
fn refusal_of(
    error: &RedirectError,
    app: &OauthApp,
    unchecked: Unchecked,
    rules: &ClientRules<'_>,
) -> Option<Refusal> {
    if error.error == AuthorizeErrorCode::InvalidScope {
        return Some(of_app(Code::AppScope, app).with("scopes", "that are no words"));
    }
    let lenient = ClientRules {
        pkce: PkceRule::IfSent,
        plain_allowed: true,
        ..*rules
    };
    unchecked
        .check(&lenient)
        .is_ok()
        .then(|| of_app(Code::AppPkce, app).with("detail", &error.description))
}

/// Where the answer goes, and whether that is a web site.
fn redirect(
    app: &OauthApp,
    unchecked: &Unchecked,
    query: &str,
) -> Result<(String, bool), Unreadable> {
    let registered: Vec<RegisteredRedirect> = app
        .settings
        .redirects
        .iter()
        .filter_map(|uri| RegisteredRedirect::parse(uri).ok())
        .collect();
    let web = |uri: &RegisteredRedirect| uri.kind() == RedirectKind::Https;
    let wrong = |received: Received| {
        let all = app.settings.redirects.join(" ");
        Unreadable::Stays {
            refusal: of_app(Code::AppRedirect, app)
                .with("received", printable(received.text(), 300))
                .with("registered", if all.is_empty() { "none" } else { &all }),
            app: Some(Box::new(app.clone())),
            wrong: Some(received),
        }
    };
    if unchecked.fault.is_some() {
        return Err(wrong(Received::Nothing("(twice, or not readable)")));
    }
    match (&unchecked.redirect_uri, registered.as_slice()) {
        (Some(sent), all) => all
            .iter()
            .find(|uri| uri.matches(sent))
            .map(|uri| (sent.clone(), web(uri)))
            .ok_or_else(|| wrong(Received::Uri(sent.clone()))),
        (None, [only]) if !asks_openid(query) => Ok((only.as_str().to_owned(), web(only))),
        (None, _) => Err(wrong(Received::Nothing("(none)"))),
    }
}

/// OpenID requests always name their redirect (OpenID Connect Core section 3.1.2.1).
fn asks_openid(query: &str) -> bool {
    url::form_urlencoded::parse(query.as_bytes())
        .any(|(name, value)| name == "scope" && Scope::OpenId.is_in(&value))
}
