//! Signing out.

use crate::error::Failure;
use crate::form::Posted;
use crate::page::Page;
use crate::route::{Policy, Routes};
use crate::session_cookie;
use crate::shell::{Frame, PublicShell};
use crate::state::WebState;
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderMap, header};
use secrecy::ExposeSecret as _;
use serde::Deserialize;

/// The routes of signing out. Public, because a session that has ended meanwhile is no reason to
/// refuse.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .post(Policy::Public, "/sign-out", sign_out)
        .get(Policy::Public, "/signed-out", signed_out)
}

#[derive(Debug, Deserialize)]
struct Nothing {}

async fn sign_out(
    State(state): State<WebState>,
    headers: HeaderMap,
    Posted(Nothing {}): Posted<Nothing>,
) -> Result<Response, Failure> {
    if let Some(token) = session_cookie::read(&state.site, &headers) {
        state.app.sign_out(token.expose_secret()).await?;
    }
    let mut answer = Redirect::to("/signed-out").into_response();
    if let Some(cleared) = session_cookie::clear(&state.site) {
        answer.headers_mut().append(header::SET_COOKIE, cleared);
    }
    Ok(answer)
}

#[derive(Template)]
#[template(path = "pages/signed_out.html")]
struct SignedOutPage {
    shell: PublicShell,
}

async fn signed_out(frame: Frame) -> Response {
    let shell = PublicShell::new(frame);
    Page(SignedOutPage { shell }).into_response()
}
