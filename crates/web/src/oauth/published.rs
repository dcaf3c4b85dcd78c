//! Discovery and signing keys, prepared once.

use crate::error::Failure;
use crate::route::{Policy, Routes};
use crate::state::WebState;
use app::oauth::signing::{Document, Ring};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, header};
use oidc::op::paths;

/// Keys are published a day before they sign.
const KEPT: &str = "public, max-age=3600";

/// The routes of this file.
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .get(Policy::Machine, paths::JWKS, jwks)
        .get(Policy::Machine, paths::OPENID_CONFIGURATION, metadata)
        .get(Policy::Machine, paths::AUTHORIZATION_SERVER, metadata)
}

async fn jwks(state: State<WebState>, headers: HeaderMap) -> Result<Response, Failure> {
    publish(state, &headers, |ring| &ring.jwks).await
}

async fn metadata(state: State<WebState>, headers: HeaderMap) -> Result<Response, Failure> {
    publish(state, &headers, |ring| &ring.metadata).await
}

/// Programs in browsers read these too, and nothing else here: there is no secret in them.
async fn publish(
    State(state): State<WebState>,
    asked: &HeaderMap,
    which: fn(&Ring) -> &Document,
) -> Result<Response, Failure> {
    let ring = state.app.signing().await.map_err(Failure::unavailable)?;
    let document = which(&ring);
    let headers = [
        (header::ETAG, document.etag.as_str()),
        (header::CACHE_CONTROL, KEPT),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    if has(asked, &document.etag) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let json = [(header::CONTENT_TYPE, "application/json")];
    Ok((headers, json, document.text.to_string()).into_response())
}

/// Whether the client has this version (RFC 9110 section 13.1.2).
fn has(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    tags.any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag.trim_start_matches("W/") == etag
    })
}
