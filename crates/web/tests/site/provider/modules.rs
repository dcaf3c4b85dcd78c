//! The OpenID Foundation's tests of providers that concern these endpoints, each named after its
//! module.

use super::{CHALLENGE, Given, OPENID, Provider, VERIFIER, bearer, redeem, refresh, settings};
use http::{Method, StatusCode};
use model::oauth_app::{AppSettings, IdTokenAlg, SubjectKind};
use oidc::jwk::KeySet;
use oidc::jwt::Jwt;
use serde_json::{Map, Value, json};
use std::time::Duration;

const USERINFO: &str = "/oauth/userinfo";

/// The claims of an ID token, checked with the published keys.
async fn verified(provider: &Provider, token: &str) -> Map<String, Value> {
    let keys = provider.get("/oauth/jwks", None).await;
    let keys = KeySet::parse(keys.text.as_bytes()).unwrap();
    let now = provider.world.app.now();
    Jwt::parse(token)
        .unwrap()
        .verify(&keys, now)
        .unwrap()
        .claims
}

async fn about(provider: &Provider, given: Given) -> Value {
    let app = provider.add("about", settings()).await;
    let tokens = provider.given("about", app, given).await;
    let token = bearer(&tokens.member("access_token"));
    provider.get(USERINFO, Some(&token)).await.json()
}

async fn id_token_by(alg: IdTokenAlg) {
    let provider = Provider::new().await;
    let app = AppSettings {
        id_token_alg: alg,
        ..settings()
    };
    let app = provider.add("app", app).await;
    let tokens = provider.given("app", app, OPENID).await;
    let claims = verified(&provider, &tokens.member("id_token")).await;
    let now = provider.world.app.now().secs();
    let access = tokens.member("access_token");
    let expected = json!({
        "iss": provider.world.url, "aud": "app", "sub": claims["sub"],
        "iat": now, "exp": now + 3600, "auth_time": now, "nonce": "n-0S6_WzA2Mj",
        "sid": "a-session", "at_hash": oidc::op::id_token::at_hash(&access),
    });
    assert_eq!(Value::Object(claims), expected);
}

#[tokio::test]
async fn oidcc_server() {
    id_token_by(IdTokenAlg::Es256).await;
}

#[tokio::test]
async fn oidcc_idtoken_signature() {
    id_token_by(IdTokenAlg::Rs256).await;
}

#[tokio::test]
async fn oidcc_discovery_endpoint_verification() {
    let provider = Provider::new().await;
    let url = &provider.world.url;
    let found = provider
        .get("/.well-known/openid-configuration", None)
        .await;
    let document = found.json();
    assert_eq!(document["issuer"], url.as_str());
    for (name, path) in [
        ("token_endpoint", "/oauth/token"),
        ("userinfo_endpoint", USERINFO),
        ("jwks_uri", "/oauth/jwks"),
        ("introspection_endpoint", "/oauth/introspect"),
        ("revocation_endpoint", "/oauth/revoke"),
    ] {
        assert_eq!(document[name], format!("{url}{path}"));
        // Each of them is there: no method that it has is answered by 404.
        let answer = provider.call(Method::GET, path, None, "").await;
        assert_ne!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    let algs = &document["id_token_signing_alg_values_supported"];
    assert_eq!(*algs, json!(["ES256", "RS256"]));
    assert_eq!(document["response_types_supported"], json!(["code"]));
    let other = provider
        .get("/.well-known/oauth-authorization-server", None)
        .await;
    assert_eq!(other.text, found.text);
}

#[tokio::test]
async fn oidcc_userinfo_get_post_header_and_post_body() {
    let provider = Provider::new().await;
    let app = provider.add("app", settings()).await;
    let tokens = provider.given("app", app, OPENID).await;
    let token = tokens.member("access_token");
    let claims = verified(&provider, &tokens.member("id_token")).await;
    let form = format!("access_token={token}");
    for answer in [
        provider.get(USERINFO, Some(&bearer(&token))).await,
        provider.post(USERINFO, Some(&bearer(&token)), "").await,
        provider.post(USERINFO, None, &form).await,
    ] {
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.json()["sub"], claims["sub"]);
    }
}

#[tokio::test]
async fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow() {
    let provider = Provider::new().await;
    let app = provider.add("app", settings()).await;
    let given = Given {
        nonce: None,
        ..OPENID
    };
    let tokens = provider.given("app", app, given).await;
    let claims = verified(&provider, &tokens.member("id_token")).await;
    assert!(!claims.contains_key("nonce"));
}

async fn scope(scopes: &'static str, names: &[&str]) {
    let provider = Provider::new().await;
    let given = Given { scopes, ..OPENID };
    let about = about(&provider, given).await;
    let said: Vec<_> = about.as_object().unwrap().keys().cloned().collect();
    assert_eq!(said, names, "{scopes}");
}

#[tokio::test]
async fn oidcc_scope_profile() {
    scope(
        "openid profile",
        &["name", "preferred_username", "sub", "updated_at"],
    )
    .await;
}

#[tokio::test]
async fn oidcc_scope_email() {
    scope("openid email", &["email", "email_verified", "sub"]).await;
}

#[tokio::test]
async fn oidcc_scope_all() {
    let all = [
        "email",
        "email_verified",
        "groups",
        "name",
        "preferred_username",
        "sub",
        "updated_at",
    ];
    scope("openid profile email groups", &all).await;
}

/// ID token and userinfo of an app that asked for claims by name.
async fn told_by_name(
    scopes: &'static str,
) -> (
    serde_json::Map<String, Value>,
    serde_json::Map<String, Value>,
) {
    let provider = Provider::new().await;
    let named = Given {
        scopes,
        claims: Some(
            r#"{"userinfo":{"name":{"essential":true}},"id_token":{"email":{},"made_up":{}}}"#,
        ),
        ..OPENID
    };
    let app = provider.add("app", settings()).await;
    let tokens = provider.given("app", app, named).await;
    let claims = verified(&provider, &tokens.member("id_token")).await;
    let token = bearer(&tokens.member("access_token"));
    let about = provider.get(USERINFO, Some(&token)).await.json();
    (claims, about.as_object().unwrap().clone())
}

#[tokio::test]
async fn oidcc_claims_essential() {
    let (claims, about) = told_by_name("openid profile email").await;
    assert_eq!(claims["email"], super::ERIN);
    assert!(!claims.contains_key("made_up") && !claims.contains_key("name"));
    assert_eq!(about["name"], super::ERIN);
    assert!(!about.contains_key("made_up"));
}

#[tokio::test]
async fn claims_by_name_are_no_way_around_the_scopes_that_people_allow() {
    let (claims, about) = told_by_name("openid").await;
    assert!(!claims.contains_key("email"), "{claims:?}");
    assert_eq!(about.keys().collect::<Vec<_>>(), ["sub"]);
}

#[tokio::test]
async fn oidcc_codereuse() {
    reused_after(Duration::ZERO).await;
}

#[tokio::test]
async fn oidcc_codereuse_30seconds() {
    reused_after(Duration::from_secs(30)).await;
    // A code that was used is remembered past its own end.
    reused_after(Duration::from_secs(600)).await;
}

async fn reused_after(pause: Duration) {
    let provider = Provider::new().await;
    let app = provider.add("app", settings()).await;
    let (code, _) = provider.code(app, OPENID).await;
    let first = provider.tokens("app", &redeem(&code)).await;
    let token = bearer(&first.member("access_token"));
    assert_eq!(
        provider.get(USERINFO, Some(&token)).await.status,
        StatusCode::OK
    );
    provider.world.clock.advance(pause);
    provider.world.app.sweep().await.unwrap();
    let again = provider.tokens("app", &redeem(&code)).await;
    assert_eq!(again.error(), (400, "invalid_grant".to_owned()));
    let dead = provider.get(USERINFO, Some(&token)).await;
    assert_eq!(dead.error(), (401, "invalid_token".to_owned()));
}

#[tokio::test]
async fn oidcc_server_client_secret_post() {
    let provider = Provider::new().await;
    let app = provider.add("app", settings()).await;
    let (code, _) = provider.code(app, OPENID).await;
    let form = format!(
        "{}&client_id=app&client_secret=secret+of+app",
        redeem(&code)
    );
    let answer = provider.post("/oauth/token", None, &form).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

#[tokio::test]
async fn oidcc_refresh_token() {
    let provider = Provider::new().await;
    let app = provider.add("app", settings()).await;
    provider.add("other", settings()).await;
    let offline = Given {
        scopes: "openid offline_access",
        ..OPENID
    };
    let first = provider.given("app", app, offline).await;
    let before = verified(&provider, &first.member("id_token")).await;
    let token = first.member("refresh_token");
    let other = provider.tokens("other", &refresh(&token)).await;
    assert_eq!(other.error(), (400, "invalid_grant".to_owned()));
    provider.world.clock.advance(Duration::from_secs(1800));
    let next = provider.tokens("app", &refresh(&token)).await;
    assert_eq!(next.status, StatusCode::OK, "{}", next.text);
    assert_ne!(next.member("refresh_token"), token);
    let after = verified(&provider, &next.member("id_token")).await;
    for name in ["iss", "sub", "aud", "auth_time"] {
        assert_eq!(after[name], before[name], "{name}");
    }
    assert!(!after.contains_key("nonce"));
    let about = next.member("access_token");
    let answer = provider.get(USERINFO, Some(&bearer(&about))).await;
    assert_eq!(answer.status, StatusCode::OK);
    // Whoever did not ask for it gets none.
    let online = provider.given("app", app, OPENID).await;
    assert_eq!(online.json().get("refresh_token"), None);
}

#[tokio::test]
async fn oidcc_ensure_request_with_valid_pkce_succeeds() {
    let provider = Provider::new().await;
    let app = provider.add("tv", super::public()).await;
    let given = Given {
        challenge: Some(CHALLENGE),
        ..OPENID
    };
    let (code, _) = provider.code(app, given).await;
    let form = format!("{}&client_id=tv&code_verifier={VERIFIER}", redeem(&code));
    let answer = provider.post("/oauth/token", None, &form).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

#[tokio::test]
async fn a_pairwise_subject_is_the_same_everywhere_at_one_app_and_another_elsewhere() {
    let provider = Provider::new().await;
    let pairwise = |redirect: &str| AppSettings {
        subject: SubjectKind::Pairwise,
        redirects: vec![redirect.to_owned(), super::CALLBACK.to_owned()],
        ..settings()
    };
    let mut seen = std::collections::BTreeSet::new();
    for (client, settings) in [
        ("one", pairwise("https://one.example/cb")),
        ("two", pairwise("https://two.example/cb")),
        ("all", settings()),
    ] {
        let app = provider.add(client, settings).await;
        let tokens = provider.given(client, app, OPENID).await;
        let claims = verified(&provider, &tokens.member("id_token")).await;
        let token = bearer(&tokens.member("access_token"));
        let about = provider.get(USERINFO, Some(&token)).await.json();
        assert_eq!(about["sub"], claims["sub"]);
        let worth = provider
            .introspected(client, &tokens.member("access_token"))
            .await;
        assert_eq!(worth["sub"], claims["sub"]);
        assert!(seen.insert(claims["sub"].to_string()));
    }
}
