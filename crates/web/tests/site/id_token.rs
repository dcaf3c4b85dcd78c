//! ID tokens as apps read them.

use crate::world::World;
use axum::body::to_bytes;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Request;
use oidc::jwk::KeySet;
use oidc::jwt::Jwt;
use serde_json::{Map, Value};

/// The claims, checked with the published keys.
pub async fn verified(world: &World, token: &str) -> Map<String, Value> {
    let keys = world.send(Request::get("/oauth/jwks"), "").await;
    let keys = to_bytes(keys.into_body(), 1 << 20).await.unwrap();
    let keys = KeySet::parse(&keys).unwrap();
    let token = Jwt::parse(token).unwrap();
    token.verify(&keys, world.app.now()).unwrap().claims
}

/// The claims, unchecked.
pub fn claims(token: &str) -> Value {
    part(token, 1)
}

/// The header, unchecked.
pub fn header(token: &str) -> Value {
    part(token, 0)
}

fn part(token: &str, at: usize) -> Value {
    let part = token.split('.').nth(at).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}
