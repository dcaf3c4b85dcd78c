//! Sign-out (OpenID Connect RP-Initiated Logout 1.0).

use crate::page;
use crate::params::{Params, with_query};
use crate::provider::{Provider, SESSION_COOKIE, redirect};
use axum::extract::{RawForm, State};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::Cookie;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use std::sync::Arc;

pub(crate) const PATH: &str = "/end-session";

/// Ends the browser's session, then goes where a client has registered to go, or says so.
pub(crate) async fn end_session(
    State(provider): State<Arc<Provider>>,
    jar: CookieJar,
    RawForm(form): RawForm,
) -> Response {
    if let Some(cookie) = jar.get(SESSION_COOKIE) {
        provider.grants.lock().close_session(cookie.value());
    }
    let jar = jar.remove(Cookie::build(SESSION_COOKIE).path("/"));
    let params = Params::parse(&form);
    let answer = match return_address(&provider, &params) {
        Some(target) => redirect(&target),
        None => page::signed_out(&provider),
    };
    (jar, answer).into_response()
}

fn return_address(provider: &Provider, params: &Params) -> Option<String> {
    let wanted = params.one("post_logout_redirect_uri").ok()??;
    let client = match params.one("client_id").ok()? {
        Some(id) => id.to_owned(),
        None => audience(params.one("id_token_hint").ok()??)?,
    };
    let client = provider.company.client(&client)?;
    let registered = client
        .post_logout_redirect_uris
        .iter()
        .any(|uri| uri == wanted);
    let state = params
        .one("state")
        .ok()?
        .map(|state| ("state".to_owned(), state.to_owned()));
    match state {
        _ if !registered => None,
        Some(state) => Some(with_query(wanted, &[state])),
        None => Some(wanted.to_owned()),
    }
}

/// The client that an ID token was made for. The signature is left alone: the hint only says in
/// whose list of registered addresses to look.
fn audience(id_token: &str) -> Option<String> {
    let payload = URL_SAFE_NO_PAD.decode(id_token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    claims["azp"].as_str().map(str::to_owned)
}
