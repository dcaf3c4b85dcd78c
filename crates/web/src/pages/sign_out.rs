//! Signing out, here and at the provider.

use crate::error::Failure;
use crate::flow_cookie::{BrowserId, SentBrowserId};
use crate::form::Posted;
use crate::page::Page;
use crate::route::{Policy, Routes};
use crate::session_cookie;
use crate::shell::{Frame, PublicShell};
use crate::state::WebState;
use app::sign_out::{CameBack, Onward, SignOutThere};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use secrecy::ExposeSecret as _;
use serde::Deserialize;

/// Sends the browser on from a page of ours. A redirect would not do: our pages let forms only go
/// to us, and a browser counts a redirect that answers a form as the form's own target.
const REFRESH: HeaderName = HeaderName::from_static("refresh");

/// The routes of signing out. Public, because a session that has ended meanwhile is no reason to
/// refuse.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .post(Policy::Public, "/sign-out", sign_out)
        .get(Policy::Public, "/signed-out", signed_out)
        .get(Policy::Public, "/sso/{provider}/signed-out", came_back)
}

#[derive(Debug, Deserialize)]
struct Nothing {}

async fn sign_out(
    State(state): State<WebState>,
    BrowserId(browser): BrowserId,
    headers: HeaderMap,
    frame: Frame,
    Posted(Nothing {}): Posted<Nothing>,
) -> Result<Response, Failure> {
    let there = match session_cookie::read(&state.site, &headers) {
        Some(token) => {
            let (token, browser) = (token.expose_secret(), browser.expose_secret());
            state.app.sign_out_there_too(token, browser, None).await?
        }
        None => None,
    };
    let mut answer = match there {
        None => Redirect::to("/signed-out").into_response(),
        Some(there) => leave(frame, there),
    };
    if let Some(cleared) = session_cookie::clear(&state.site) {
        answer.headers_mut().append(header::SET_COOKIE, cleared);
    }
    Ok(answer)
}

#[derive(Template)]
#[template(path = "pages/signing_out.html")]
struct SigningOutPage {
    shell: PublicShell,
    provider: String,
    url: String,
}

/// The page that goes on to the provider by itself, with a link for browsers that do not.
pub(crate) fn leave(frame: Frame, there: SignOutThere) -> Response {
    let url = there.url.clone();
    let page = SigningOutPage {
        shell: PublicShell::new(frame),
        provider: there.provider,
        url: there.url,
    };
    going_on(Page(page).into_response(), &url)
}

/// The page that leads back to an app, by itself where the app showed whom it meant.
pub(crate) fn back_to_app(frame: Frame, back: Onward) -> Response {
    let onward = by_itself(&back);
    let page = SignedOutPage {
        shell: PublicShell::new(frame),
        there: There::NotAsked,
        back: Some(back),
    };
    let answer = Page(page).into_response();
    match onward {
        Some(url) => going_on(answer, &url),
        None => answer,
    }
}

/// Where a browser goes without a click.
fn by_itself(back: &Onward) -> Option<String> {
    back.by_itself.then(|| back.url.clone())
}

/// Has the browser go on to `url` from a page.
fn going_on(mut answer: Response, url: &str) -> Response {
    if let Ok(mut onward) = HeaderValue::from_str(&format!("0;url={url}")) {
        onward.set_sensitive(true);
        answer.headers_mut().insert(REFRESH, onward);
    }
    answer
}

#[derive(Template)]
#[template(path = "pages/signed_out.html")]
struct SignedOutPage {
    shell: PublicShell,
    there: There,
    back: Option<Onward>,
}

/// What is known of the session at the provider.
enum There {
    /// Nothing was asked of it.
    NotAsked,
    /// The browser came back from its sign-out page, which it had left for.
    Back(String),
    /// The browser says it comes from there, but did not leave from here.
    Unknown(String),
}

async fn signed_out(frame: Frame) -> Response {
    let page = SignedOutPage {
        shell: PublicShell::new(frame),
        there: There::NotAsked,
        back: None,
    };
    Page(page).into_response()
}

async fn came_back(
    State(state): State<WebState>,
    Path(provider): Path<String>,
    browser: SentBrowserId,
    uri: Uri,
    frame: Frame,
) -> Result<Response, Failure> {
    let returned = one(uri.query().unwrap_or_default(), "state");
    let CameBack {
        provider,
        known,
        onward,
    } = state
        .app
        .back_from_sign_out(&provider, returned.as_deref(), browser.as_deref())
        .await?;
    let name = provider.ok_or_else(Failure::not_found)?;
    let url = onward.as_ref().and_then(by_itself);
    let page = |there| SignedOutPage {
        shell: PublicShell::new(frame),
        there,
        back: onward,
    };
    Ok(match (known, url) {
        (true, None) => Page(page(There::Back(name))).into_response(),
        (true, Some(url)) => going_on(Page(page(There::Back(name))).into_response(), &url),
        (false, _) => {
            let page = Page(page(There::Unknown(name)));
            (StatusCode::BAD_REQUEST, page).into_response()
        }
    })
}

/// The value of a parameter that stands in a query exactly once.
fn one(query: &str, name: &str) -> Option<String> {
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
    let (_, value) = values.next()?;
    values.next().is_none().then(|| value.into_owned())
}
