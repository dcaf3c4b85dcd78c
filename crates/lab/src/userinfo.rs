//! The userinfo endpoint (OpenID Connect Core section 5.3).

use crate::claims;
use crate::conduct::Endpoint;
use crate::keys::KeyFault;
use crate::options::{ClaimsIn, UserinfoAs};
use crate::provider::{Provider, internal_error};
use crate::token::Draft;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
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
    let conduct = provider.company.conduct();
    conduct.userinfo(&mut body);
    if provider.options.userinfo_as == UserinfoAs::Json && !conduct.signs_userinfo() {
        return provider.json(Endpoint::Userinfo, StatusCode::OK, body);
    }
    signed(&provider, &grant.request.client_id, body).unwrap_or_else(|KeyFault| internal_error())
}

/// The claims as a token for this client.
fn signed(
    provider: &Provider,
    client: &str,
    mut claims: Map<String, Value>,
) -> Result<Response, KeyFault> {
    claims.insert("iss".to_owned(), json!(provider.issuer));
    claims.insert("aud".to_owned(), json!(client));
    let key = provider.key();
    let mut draft = Draft::new(&key, claims);
    let conduct = provider.company.conduct();
    conduct.userinfo_token(&mut draft);
    let token = conduct.sign_userinfo(&draft, &key)?;
    let headers = [
        (CONTENT_TYPE, "application/jwt"),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, token).into_response())
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
