//! Signing out at an app's word.

use super::go_on::GoOnPage;
use crate::csrf::FormToken;
use crate::error::Failure;
use crate::flow_cookie::BrowserId;
use crate::foreign_form;
use crate::form::{Posted, Sent};
use crate::headers::Further;
use crate::limits;
use crate::page::Page;
use crate::pages::sign_out::{back_to_app, leave};
use crate::parts::{Copied, When};
use crate::route::{Policy, Routes};
use crate::session::{self, Visitor};
use crate::session_cookie;
use crate::shell::{Frame, PublicShell};
use crate::state::WebState;
use app::oauth::end_session::{EndSessionOutcome, Leaving};
use app::oauth::paths::END_SESSION;
use app::sign_out::Onward;
use askama::Template;
use axum::extract::{FromRequest as _, FromRequestParts as _, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::request::Parts;
use http::{Method, StatusCode, header};
use oidc::op::params::MAX_REQUEST;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

/// Where our own page brings a request that is too long for a query.
const BROUGHT: &str = "/oauth/end-session/brought";

/// The routes of this file.
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .get(Policy::Public, END_SESSION, ask)
        .post(Policy::Carried, END_SESSION, carried)
        .post(Policy::Public, BROUGHT, brought)
        .post(Policy::Public, "/oauth/end-session/answer", answered)
}

async fn ask(State(state): State<WebState>, request: Request) -> Result<Response, Failure> {
    let (mut parts, _) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    judge(&state, &mut parts, &query, false).await
}

/// A request that a form of the app carried here. The browser is sent to ask by itself, with its
/// cookies: by a redirect, or by a form of ours where a redirect is too short for it.
async fn carried(State(state): State<WebState>, request: Request) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let request = Request::from_parts(parts.clone(), body);
    let form = foreign_form::read_up_to(limits::BODY_BYTES, request).await?;
    let pairs = form_urlencoded::parse(form.as_bytes());
    let mut query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    let target = format!("{END_SESSION}?{query}");
    let on = if target.len() <= limits::TARGET_BYTES {
        Redirect::to(&target).into_response()
    } else {
        // What is cut off here is refused there, for its length.
        query.truncate(MAX_REQUEST + 1);
        Page(GoOnPage {
            shell: PublicShell::new(Frame::of(&state.site, &parts.headers, &parts.uri)),
            title: "Signing out",
            action: BROUGHT.to_owned(),
            fields: vec![("request", query)],
        })
        .into_response()
    };
    Ok(Further::default().on(on))
}

/// A long request, brought by our own page. It may have come from anywhere, as a query may.
async fn brought(State(state): State<WebState>, request: Request) -> Result<Response, Failure> {
    let (mut parts, body) = request.into_parts();
    let request = Request::from_parts(parts.clone(), body);
    let (Sent::Ours(long) | Sent::Stale(long)) =
        Sent::<Long>::from_request(request, &state).await?;
    judge(&state, &mut parts, &long.request, false).await
}

#[derive(Debug, Deserialize)]
struct Long {
    request: String,
}

#[derive(Debug, Deserialize)]
struct Yes {
    request: String,
}

async fn answered(State(state): State<WebState>, request: Request) -> Result<Response, Failure> {
    let (mut parts, body) = request.into_parts();
    let request = Request::from_parts(parts.clone(), body);
    let Posted(Yes { request }) = Posted::<Yes>::from_request(request, &state).await?;
    judge(&state, &mut parts, &request, true).await
}

async fn judge(
    state: &WebState,
    parts: &mut Parts,
    query: &str,
    said_yes: bool,
) -> Result<Response, Failure> {
    let current = session::current(state, parts).await?;
    let token = session_cookie::read(&state.site, &parts.headers);
    let BrowserId(browser) = BrowserId::from_request_parts(parts, state).await?;
    let Ok(Visitor(client)) = Visitor::from_request_parts(parts, state).await;
    let both = current.as_ref().zip(token.as_ref());
    let visit = Leaving {
        query,
        current: both.map(|(current, token)| (current, token.expose_secret())),
        browser: browser.expose_secret(),
        client: &client,
        said_yes,
    };
    let frame = Frame::of(&state.site, &parts.headers, &parts.uri);
    let answer = match state.app.end_session_for_app(&visit).await? {
        EndSessionOutcome::Out { there, back } => {
            let mut answer = match (there, back) {
                (Some(there), _) => leave(frame, there),
                (None, Some(back)) if back.by_itself && parts.method == Method::GET => {
                    Redirect::to(&back.url).into_response()
                }
                (None, Some(back)) => back_to_app(frame, back),
                (None, None) => Redirect::to("/signed-out").into_response(),
            };
            if token.is_some()
                && let Some(cleared) = session_cookie::clear(&state.site)
            {
                answer.headers_mut().append(header::SET_COOKIE, cleared);
            }
            answer
        }
        EndSessionOutcome::Ask { app, name, back } => {
            let text = match app {
                Some(app) => format!("{app} asks to sign you out here too."),
                None => "A link or a website asks to sign you out here.".to_owned(),
            };
            let page = EndSessionPage {
                shell: PublicShell::new(frame),
                token: FormToken::from_request_parts(parts, state).await?,
                title: "Sign out?".to_owned(),
                text: format!(
                    "{text} Other websites that you use with this account may then sign you out as well."
                ),
                name: Some(name),
                request: query.to_owned(),
                back,
                refused: None,
            };
            Page(page).into_response()
        }
        EndSessionOutcome::Refused(refused) => {
            let entry = refused.refusal.code.entry();
            let status = StatusCode::from_u16(entry.status).unwrap_or(StatusCode::BAD_REQUEST);
            let reference = Copied::new("reference", "Tell your helpdesk", &refused.reference);
            let page = EndSessionPage {
                shell: PublicShell::new(frame),
                token: FormToken::from_request_parts(parts, state).await?,
                title: refused.refusal.title(),
                text: refused.refusal.person(),
                name: current.as_ref().map(|current| current.who.name()),
                // Nothing of it is taken along: signing out is all that the button does.
                request: String::new(),
                back: None,
                refused: Some((reference, When::exactly(refused.at))),
            };
            (status, Page(page)).into_response()
        }
    };
    let further = Further {
        form_action: None,
        no_referrer: true,
    };
    Ok(further.on(answer))
}

/// Asks whether to sign out, or says why the request was no good.
#[derive(Template)]
#[template(path = "pages/end_session.html")]
struct EndSessionPage {
    shell: PublicShell,
    token: FormToken,
    title: String,
    text: String,
    /// Who is signed in, and may sign out.
    name: Option<String>,
    request: String,
    /// Where they go on to who stay signed in, if that is known.
    back: Option<Onward>,
    refused: Option<(Copied, When)>,
}
