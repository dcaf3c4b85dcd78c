//! The userinfo endpoint (OpenID Connect Core section 5.3).

use crate::claims;
use crate::conduct::Endpoint;
use crate::options::ClaimsIn;
use crate::provider::Provider;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, json};
use std::sync::Arc;

pub(crate) const PATH: &str = "/userinfo";

pub(crate) async fn userinfo(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
) -> Response {
    let Some(token) = bearer(&headers) else {
        return refused("Bearer realm=\"company\"");
    };
    let Some(grant) = provider.grants.lock().token(token, provider.now()) else {
        return refused("Bearer realm=\"company\", error=\"invalid_token\"");
    };
    let person = provider
        .company
        .person(&grant.sign_in.login)
        .filter(|person| person.active);
    let Some(person) = person else {
        return refused("Bearer realm=\"company\", error=\"invalid_token\"");
    };
    let mut body = match provider.options.claims_in {
        ClaimsIn::IdToken => Map::new(),
        ClaimsIn::Userinfo | ClaimsIn::Both => {
            claims::released(&provider, &person, &grant.request.scopes)
        }
    };
    body.insert("sub".to_owned(), json!(person.subject));
    provider.company.conduct().userinfo(&mut body);
    provider.json(Endpoint::Userinfo, StatusCode::OK, body)
}

/// The token of the Authorization header; tokens in the query or body are not taken (RFC 9700
/// section 4.3.2).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

fn refused(challenge: &'static str) -> Response {
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, challenge)]).into_response()
}
