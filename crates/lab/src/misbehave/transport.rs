//! Answers that replace an endpoint's own: errors, wrong content, redirects, silence.

use super::Misbehaviour as M;
use crate::conduct::{Endpoint as E, Replacement};
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use axum::http::{StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use futures_util::stream;
use serde_json::{Value, json};
use std::convert::Infallible;

pub(super) fn replace(how: M, at: E, uri: &Uri) -> Option<Replacement> {
    let response = match (how, at) {
        (M::TokenSilent, E::Token)
        | (M::UserinfoSilent, E::Userinfo)
        | (M::DiscoverySilent, E::Discovery) => return Some(Replacement::Silence),
        (M::TokenHtml, E::Token)
        | (M::UserinfoHtml, E::Userinfo)
        | (M::DiscoveryHtml, E::Discovery) => html(),
        (M::TokenHuge, E::Token)
        | (M::UserinfoHuge, E::Userinfo)
        | (M::DiscoveryHuge, E::Discovery) => endless(),
        (M::TokenRedirectLoop, E::Token) | (M::DiscoveryRedirectLoop, E::Discovery) => {
            moved(&uri.to_string())
        }
        (M::UserinfoRedirectInside, E::Userinfo) => {
            moved("http://169.254.169.254/latest/meta-data/")
        }
        (M::DiscoveryMissing, E::Discovery) | (M::KeySetMissing, E::Jwks) => {
            StatusCode::NOT_FOUND.into_response()
        }
        (M::ClientRefused, E::Token) => client_refused(),
        (M::ClientRefusedOddly, E::Token) => json_answer(
            StatusCode::FORBIDDEN,
            &json!({"error": "unauthorized_client"}),
        ),
        (M::GrantRefused, E::Token) => {
            json_answer(StatusCode::BAD_REQUEST, &json!({"error": "invalid_grant"}))
        }
        (M::RedirectRefused, E::Token) => json_answer(
            StatusCode::BAD_REQUEST,
            &json!({"error": "invalid_grant", "error_description": "Incorrect redirect_uri"}),
        ),
        (M::TokenFault, E::Token) => json_answer(
            StatusCode::INTERNAL_SERVER_ERROR,
            &json!({"message": "UNIQUE constraint failed: token.id [SQL: INSERT INTO token]"}),
        ),
        (M::UserinfoRefused, E::Userinfo) => {
            let challenge = [(WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")];
            (StatusCode::UNAUTHORIZED, challenge).into_response()
        }
        _ => return None,
    };
    Some(Replacement::Answer(response))
}

fn html() -> Response {
    Html("<!doctype html><title>Sign in to the hotel's wireless network</title>").into_response()
}

fn client_refused() -> Response {
    let body =
        json!({"error": "invalid_client", "error_description": "Client authentication failed"});
    let mut response = json_answer(StatusCode::UNAUTHORIZED, &body);
    let challenge = axum::http::HeaderValue::from_static("Basic realm=\"company\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

fn json_answer(status: StatusCode, body: &Value) -> Response {
    (
        status,
        [(CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

/// A temporary redirect that keeps method and body.
fn moved(target: &str) -> Response {
    (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, target)]).into_response()
}

/// One JSON string without an end, as fast as the reader takes it.
fn endless() -> Response {
    let chunk = Bytes::from(vec![b'x'; 64 * 1024]);
    let start = stream::once(async { Ok::<_, Infallible>(Bytes::from_static(b"{\"sub\":\"")) });
    let body = stream::StreamExt::chain(start, stream::repeat_with(move || Ok(chunk.clone())));
    (
        [(CONTENT_TYPE, "application/json")],
        Body::from_stream(body),
    )
        .into_response()
}
