//! What is published: metadata and keys, and how keys come and go.

use super::{OPENID, Provider, settings};
use http::{Method, Request, StatusCode};
use model::oauth_app::IdTokenAlg;
use model::time::DAY;
use oidc::jwk::KeySet;
use oidc::jwt::Jwt;
use serde_json::Value;
use std::time::Duration;
use store::Conn;
use store::signing_keys::SealedKey;

const PUBLISHED: [&str; 3] = [
    "/oauth/jwks",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
];

/// The key that signed a token.
fn kid(token: &str) -> String {
    let header = crate::id_token::header(token);
    header["kid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn published_documents_are_kept_by_clients_and_read_by_any_page() {
    let provider = Provider::new().await;
    for path in PUBLISHED {
        let answer = provider.get(path, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        let kept = Some("public, max-age=3600");
        assert_eq!(answer.header("cache-control"), kept);
        let etag = answer.header("etag").unwrap();
        for (sent, status) in [
            (etag.to_owned(), 304),
            (format!("\"x\", W/{etag}"), 304),
            ("*".to_owned(), 304),
            ("\"x\"".to_owned(), 200),
        ] {
            let request = Request::builder().uri(path).header("if-none-match", sent);
            let again = provider.send(request, "").await;
            assert_eq!(again.status.as_u16(), status, "{path}");
            assert_eq!(again.header("etag"), Some(etag));
        }
        let post = provider.call(Method::POST, path, None, "").await;
        assert_eq!(post.status, StatusCode::METHOD_NOT_ALLOWED);
    }
    let other = provider.post("/oauth/token", None, "").await;
    assert_eq!(other.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn only_public_halves_are_published() {
    let provider = Provider::new().await;
    let keys = provider.get("/oauth/jwks", None).await.json();
    let keys = keys["keys"].as_array().unwrap();
    let algs: Vec<_> = keys
        .iter()
        .map(|key| key["alg"].as_str().unwrap())
        .collect();
    assert_eq!(algs.len(), 2);
    assert!(algs.contains(&"ES256") && algs.contains(&"RS256"));
    are_public_halves(keys);
}

/// That keys hold no member that only who signs may know (RFC 7518 section 6).
pub(super) fn are_public_halves(keys: &[Value]) {
    assert!(!keys.is_empty());
    for key in keys {
        for secret in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(key.get(secret).is_none(), "{secret}");
        }
    }
}

#[tokio::test]
async fn a_key_is_announced_a_day_before_it_signs_and_believed_long_after() {
    let provider = Provider::new().await;
    let app = provider.add("app", settings()).await;
    let old = provider.given("app", app, OPENID).await.member("id_token");
    let count = async || {
        let keys = provider.get("/oauth/jwks", None).await.json();
        keys["keys"].as_array().unwrap().len()
    };
    assert_eq!(count().await, 2);
    let clock = &provider.world.clock;
    clock.advance(DAY * 89 - Duration::from_secs(1));
    provider.world.app.sweep().await.unwrap();
    assert_eq!(count().await, 2);
    clock.advance(Duration::from_secs(1));
    provider.world.app.sweep().await.unwrap();
    provider.world.app.sweep().await.unwrap();
    assert_eq!(count().await, 4, "one more of each, once");
    let still = provider.given("app", app, OPENID).await.member("id_token");
    assert_eq!(kid(&still), kid(&old));

    clock.advance(DAY);
    provider.world.app.sweep().await.unwrap();
    let new = provider.given("app", app, OPENID).await.member("id_token");
    assert_ne!(kid(&new), kid(&old));
    let keys = provider.get("/oauth/jwks", None).await;
    let keys = KeySet::parse(keys.text.as_bytes()).unwrap();
    for token in [&old, &new] {
        let now = provider.world.app.now();
        Jwt::parse(token).unwrap().verify(&keys, now).unwrap();
    }
    clock.advance(DAY * 30);
    provider.world.app.sweep().await.unwrap();
    assert_eq!(count().await, 2, "the old ones are gone");
}

/// As after a restored backup with a damaged page: people go on signing in, with a new key.
#[tokio::test]
async fn a_key_that_cannot_be_opened_stops_nobody() {
    let provider = Provider::new().await;
    let app = provider.add("app", settings()).await;
    let now = provider.world.app.now();
    let public =
        r#"{"kid":"old","kty":"EC","alg":"ES256","use":"sig","crv":"P-256","x":"AA","y":"AA"}"#;
    let damaged = SealedKey {
        kid: "old".to_owned(),
        alg: IdTokenAlg::Es256,
        jwk: public.to_owned(),
        sealed: b"damaged".to_vec(),
        created: now,
        signs: now,
        retired: None,
    };
    provider
        .write(async move |tx: &mut Conn| store::signing_keys::insert(tx, &damaged).await)
        .await;
    let token = provider.given("app", app, OPENID).await.member("id_token");
    assert_ne!(kid(&token), "old");
    let keys = provider.get("/oauth/jwks", None).await.json();
    let kids: Vec<_> = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["kid"].as_str().unwrap())
        .collect();
    assert_eq!(kids.len(), 3, "{kids:?}");
    assert!(kids.contains(&"old"), "what it signed is still believed");
}
