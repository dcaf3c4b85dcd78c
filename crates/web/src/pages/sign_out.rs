//! Signing out, here and at the provider.

use crate::error::Failure;
use crate::flow_cookie::{BrowserId, SentBrowserId};
use crate::form::Posted;
use crate::page::Page;
use crate::route::{Policy, Routes};
use crate::session_cookie;
use crate::shell::{Frame, PublicShell};
use crate::state::WebState;
use app::sign_out::{CameBack, SignOutThere};
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
            state.app.sign_out_there_too(token, browser).await?
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
fn leave(frame: Frame, there: SignOutThere) -> Response {
    let onward = HeaderValue::from_str(&format!("0;url={}", there.url));
    let page = SigningOutPage {
        shell: PublicShell::new(frame),
        provider: there.provider,
        url: there.url,
    };
    let mut answer = Page(page).into_response();
    if let Ok(mut onward) = onward {
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
    let (shell, there) = (PublicShell::new(frame), There::NotAsked);
    Page(SignedOutPage { shell, there }).into_response()
}

async fn came_back(
    State(state): State<WebState>,
    Path(provider): Path<String>,
    browser: SentBrowserId,
    uri: Uri,
    frame: Frame,
) -> Result<Response, Failure> {
    let returned = one(uri.query().unwrap_or_default(), "state");
    let CameBack { provider, known } = state
        .app
        .back_from_sign_out(&provider, returned.as_deref(), browser.as_deref())
        .await?;
    let name = provider.ok_or_else(Failure::not_found)?;
    let shell = PublicShell::new(frame);
    Ok(if known {
        let there = There::Back(name);
        Page(SignedOutPage { shell, there }).into_response()
    } else {
        let there = There::Unknown(name);
        let page = Page(SignedOutPage { shell, there });
        (StatusCode::BAD_REQUEST, page).into_response()
    })
}

/// The value of a parameter that stands in a query exactly once.
fn one(query: &str, name: &str) -> Option<String> {
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
    let (_, value) = values.next()?;
    values.next().is_none().then(|| value.into_owned())
}
