//! The authorization endpoint and the consent page.

use super::go_on::GoOnPage;
use crate::csrf::FormToken;
use crate::error::Failure;
use crate::flow_cookie::BrowserId;
use crate::foreign_form;
use crate::form::Sent;
use crate::headers::Further;
use crate::local_path::LocalPath;
use crate::page::Page;
use crate::pages::refusal;
use crate::pages::sign_in::{self, SignInPage};
use crate::parts::{Copied, WayBack, When};
use crate::route::{Policy, Routes};
use crate::session::{self, Visitor};
use crate::shell::{Frame, PublicShell};
use crate::state::WebState;
use app::oauth::Scope;
use app::oauth::authorize::{
    Answer, AppRefused, AskToSignIn, Authorize, Consent, Delivery, DiffPart, Visit, WhyAgain,
    WrongRedirect, fits,
};
use app::oauth::paths::AUTHORIZE;
use app::sessions::{Current, Who};
use askama::Template;
use axum::extract::{FromRequest as _, FromRequestParts as _, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;
use http::request::Parts;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

/// The same, for clients that end every address in a slash.
const AUTHORIZE_SLASH: &str = "/oauth/authorize/";

/// The routes of this file.
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .get(Policy::Public, AUTHORIZE, ask)
        .get(Policy::Public, AUTHORIZE_SLASH, ask)
        .post(Policy::Carried, AUTHORIZE, carried)
        .post(Policy::Carried, AUTHORIZE_SLASH, carried)
        .post(Policy::Public, "/oauth/consent", consent)
}

async fn ask(State(state): State<WebState>, request: Request) -> Result<Response, Failure> {
    let (mut parts, _) = request.into_parts();
    let query = LocalPath::canonical(parts.uri.query().unwrap_or_default());
    judge(&state, &mut parts, &query, None).await
}

/// A request that a form of the app carried here. The browser is sent to ask by itself, with its
/// cookies; a request that is too long for that is answered at once.
async fn carried(State(state): State<WebState>, request: Request) -> Result<Response, Failure> {
    let (mut parts, body) = request.into_parts();
    let form = foreign_form::read(Request::from_parts(parts.clone(), body)).await?;
    // Only what a query can hold: a form's text may have line ends and spaces between its pairs.
    let pairs = form_urlencoded::parse(form.as_bytes());
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    if !fits(&query) {
        return judge(&state, &mut parts, &query, None).await;
    }
    let onward = Redirect::to(&format!("{AUTHORIZE}?{query}")).into_response();
    Ok(Further::default().on(onward))
}

#[derive(Debug, Deserialize)]
struct Said {
    request: String,
    answer: Allowed,
}

/// Which button the person pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Allowed {
    Allow,
    Deny,
}

/// What the person said. If they were signed out meanwhile, or signed in anew in another window, what
/// they allowed does not count and they are asked again; turning back always leads to the app.
async fn consent(State(state): State<WebState>, request: Request) -> Result<Response, Failure> {
    let (mut parts, body) = request.into_parts();
    let request = Request::from_parts(parts.clone(), body);
    let signed_in = session::current(&state, &parts).await?.is_some();
    let (said, counts) = match Sent::<Said>::from_request(request, &state).await? {
        Sent::Ours(said) => (said, signed_in),
        Sent::Stale(said) => (said, false),
    };
    let query = LocalPath::canonical(&said.request);
    if counts {
        let allowed = said.answer == Allowed::Allow;
        return judge(&state, &mut parts, &query, Some(allowed)).await;
    }
    if said.answer == Allowed::Deny
        && let Some(back) = state.app.way_back(&query, None).await
    {
        let frame = Frame::of(&state.site, &parts.headers, &parts.uri);
        return Ok(answer(frame, back.answer));
    }
    let place = LocalPath::to_authorize(&query);
    sign_in::stale(&state, &parts.headers, &place)
}

async fn judge(
    state: &WebState,
    parts: &mut Parts,
    query: &str,
    consent: Option<bool>,
) -> Result<Response, Failure> {
    let current = session::current(state, parts).await?;
    let BrowserId(browser) = BrowserId::from_request_parts(parts, state).await?;
    let Ok(Visitor(client)) = Visitor::from_request_parts(parts, state).await;
    let visit = Visit {
        query,
        current: current.as_ref(),
        browser: browser.expose_secret(),
        client: &client,
        consent,
    };
    let frame = Frame::of(&state.site, &parts.headers, &parts.uri);
    let (response, form_action) = match state.app.authorize(&visit).await? {
        Authorize::Answer(found) => return Ok(answer(frame, found)),
        Authorize::Leave(url) => (Redirect::to(&url).into_response(), None),
        Authorize::Refused(refused) => refused_page(frame, *refused, current.as_ref()),
        Authorize::SignIn(asked) => {
            let token = FormToken::from_request_parts(parts, state).await?;
            let page = sign_in_page(state, frame, token, *asked).await?;
            let form_action = page.form_action();
            (Page(page).into_response(), form_action)
        }
        Authorize::Consent(asked) => {
            let form_action = Some(asked.form_action.clone());
            let token = FormToken::from_request_parts(parts, state).await?;
            let page = Page(ConsentPage::of(frame, token, *asked));
            (page.into_response(), form_action)
        }
    };
    Ok(to_app(form_action).on(response))
}

/// What goes with every answer of the authorization endpoint.
const fn to_app(form_action: Option<String>) -> Further {
    Further {
        form_action,
        no_referrer: true,
    }
}

/// Sends an answer on to the app.
fn answer(frame: Frame, answer: Answer) -> Response {
    if answer.delivery == Delivery::Query {
        let redirect = Redirect::to(&answer.url()).into_response();
        return to_app(None).on(redirect);
    }
    let form_action = answer.form_action();
    to_app(Some(form_action)).on(by_form(frame, answer))
}

/// The sign-in page, in the place of the request: reading it again judges the request again.
async fn sign_in_page(
    state: &WebState,
    frame: Frame,
    token: FormToken,
    asked: AskToSignIn,
) -> Result<SignInPage, Failure> {
    let next = LocalPath::to_authorize(&asked.query);
    let app = &asked.app;
    let lead = match asked.why {
        None => format!("Sign in to go on to {app}."),
        Some(WhyAgain::Administrator) => format!(
            "You are signed in as an administrator. To go on to {app}, sign in as the owner of a mailbox."
        ),
        Some(WhyAgain::Through) => {
            format!("For {app} the way you signed in does not count. Sign in another way.")
        }
        Some(WhyAgain::Anew) => format!("Sign in again to go on to {app}."),
    };
    let page = SignInPage::of(state, frame, token, next).await?;
    let page = page.about(asked.address.as_deref().unwrap_or_default());
    Ok(page.saying(lead))
}

fn by_form(frame: Frame, answer: Answer) -> Response {
    Page(GoOnPage {
        shell: PublicShell::new(frame),
        title: "Back to the app",
        action: answer.redirect,
        fields: answer.parameters,
    })
    .into_response()
}

/// Asks the person.
#[derive(Template)]
#[template(path = "pages/consent.html")]
struct ConsentPage {
    shell: PublicShell,
    token: FormToken,
    learns: Vec<&'static str>,
    place: String,
    other: String,
    asked: Consent,
}

impl ConsentPage {
    fn of(frame: Frame, token: FormToken, asked: Consent) -> Self {
        Self {
            shell: PublicShell::new(frame),
            token,
            learns: learns(&asked.scopes),
            place: place(&asked.redirect),
            other: format!("{AUTHORIZE}?{}", asked.other),
            asked,
        }
    }
}

/// What scopes mean to the person. The address is said once.
pub(crate) fn learns(scopes: &[Scope]) -> Vec<&'static str> {
    let named = scopes.contains(&Scope::Profile);
    let said = scopes
        .iter()
        .filter(|scope| !(named && **scope == Scope::Email));
    said.map(|scope| means(*scope)).collect()
}

const fn means(scope: Scope) -> &'static str {
    match scope {
        Scope::OpenId => "That it is you whenever you come back",
        Scope::Profile => "Your name and your address",
        Scope::Email => "Your address",
        Scope::Groups => "The groups that your mailbox is in",
        Scope::OfflineAccess => "All of this also while you are away, until you disconnect it",
    }
}

/// The host of a redirect, as people read it; the scheme where a program of theirs has one.
fn place(redirect: &str) -> String {
    let web = |scheme: &str| ["https", "http"].contains(&scheme.to_ascii_lowercase().as_str());
    match redirect.split_once("://") {
        Some((scheme, rest)) if web(scheme) => {
            rest.split(['/', '?']).next().unwrap_or_default().to_owned()
        }
        _ => {
            let scheme = redirect.split(':').next().unwrap_or_default();
            format!("the program {scheme}")
        }
    }
}

fn refused_page(
    frame: Frame,
    refused: AppRefused,
    current: Option<&Current>,
) -> (Response, Option<String>) {
    let administers = current.is_some_and(|current| matches!(current.who, Who::Admin(_)));
    let AppRefused {
        refused,
        wrong,
        back,
    } = refused;
    let entry = refused.refusal.code.entry();
    let status = StatusCode::from_u16(entry.status).unwrap_or(StatusCode::FORBIDDEN);
    let (title, text) = (refused.refusal.title(), refused.refusal.person());
    let reference = Copied::new("reference", "Tell your helpdesk", &refused.reference);
    match (wrong.filter(|_| administers), back) {
        (Some(wrong), _) => {
            let page = WrongPage::of(PublicShell::wide(frame), wrong, title, text, reference);
            ((status, Page(page)).into_response(), None)
        }
        (None, Some(back)) => {
            let back = WayBack::primary(back);
            let form_action = back.form_action().map(str::to_owned);
            let page = AppRefusedPage {
                shell: PublicShell::new(frame),
                title,
                text,
                back,
                reference,
                at: When::exactly(refused.at),
            };
            ((status, Page(page)).into_response(), form_action)
        }
        (None, None) => (refusal::page(frame, &refused), None),
    }
}

/// Says no, with the way back to the app.
#[derive(Template)]
#[template(path = "pages/app_refused.html")]
struct AppRefusedPage {
    shell: PublicShell,
    title: String,
    text: String,
    back: WayBack,
    reference: Copied,
    at: When,
}

/// Shows an administrator what is wrong with a redirect.
#[derive(Template)]
#[template(path = "pages/wrong_redirect.html")]
struct WrongPage {
    shell: PublicShell,
    title: String,
    text: String,
    received: String,
    registered: Vec<String>,
    parts: Vec<DiffPart>,
    /// The form that adds it; `None` where it cannot be added as it is.
    add: Option<String>,
    reference: Copied,
}

impl WrongPage {
    fn of(
        shell: PublicShell,
        wrong: WrongRedirect,
        title: String,
        text: String,
        reference: Copied,
    ) -> Self {
        let add = wrong.exact.map(|exact| {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("redirect", &exact)
                .finish();
            format!("/admin/apps/{}?{query}", wrong.app)
        });
        Self {
            shell,
            title,
            text,
            add,
            received: wrong.received,
            registered: wrong.registered,
            parts: wrong.difference,
            reference,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_where_they_go() {
        for (redirect, words) in [
            ("https://files.example.org/cb?x=/y", "files.example.org"),
            ("http://127.0.0.1:4711/cb", "127.0.0.1:4711"),
            ("https://a.example:8443?x", "a.example:8443"),
            ("org.example.mail:/cb", "the program org.example.mail"),
            (
                "org.example.mail://bank.example/cb",
                "the program org.example.mail",
            ),
        ] {
            assert_eq!(place(redirect), words);
        }
    }
}
