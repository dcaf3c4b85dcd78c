//! Sign-ins that succeed, and tokens that must not.

use crate::server::{Reply, Server};
use crate::support::*;
use model::outcome::Code;
use oidc::claims::Origin;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use upstream::AuthorizeInput;

#[tokio::test]
async fn a_person_is_who_the_provider_says() {
    let op = Op::start().await;
    let upstream = upstream();
    let settings = op.settings();
    let identity = sign_in(&upstream, &settings).await.unwrap();
    assert_eq!(identity.namespace.0, op.issuer());
    assert_eq!(identity.subject, "alice-1");
    assert!(identity.id_token_verified);
    assert_eq!(identity.signed_by.as_deref(), Some("RS256 op-1"));
    assert_eq!(identity.scopes.to_string(), "openid profile email");
    assert_eq!(identity.auth_method, "basic");
    assert!(!identity.tls_ignored);
    let claim = |name: &str| identity.claims.get(name).unwrap();
    assert_eq!(claim("email").value, "alice@example.org", "userinfo wins");
    assert_eq!(claim("email").origin, Origin::UserInfo);
    assert_eq!(claim("amr").origin, Origin::IdToken);
    let shown = format!("{identity:?}");
    assert!(!shown.contains("at-1"), "tokens stay out of debug output");
    assert_eq!(identity.tokens.access.expose_secret(), "at-1");
}

#[tokio::test]
async fn oidcc_client_test_userinfo_bearer_header() {
    let op = Op::start().await;
    sign_in(&upstream(), &op.settings()).await.unwrap();
    let asked = &op.server.asked("/userinfo")[0];
    assert_eq!(asked.headers["authorization"], "Bearer at-1");
    assert_eq!(
        (asked.target.as_str(), asked.body.as_str()),
        ("/userinfo", "")
    );
}

#[tokio::test]
async fn oidcc_client_test_discovery_jwks_uri_keys() {
    let op = Op::start().await;
    let elsewhere =
        Server::start(|_| Reply::json(200, json!({"keys": [jwk(key(), "op-1")]}))).await;
    let mut document = discovery(&op.issuer());
    document["jwks_uri"] = json!(format!("{}/run-17/keys", elsewhere.url()));
    op.set(|b| b.discovery = Reply::json(200, document));
    sign_in(&upstream(), &op.settings()).await.unwrap();
    assert_eq!(elsewhere.asked("/run-17/keys").len(), 1);
    assert_eq!(op.server.asked("/jwks").len(), 0);
}

#[tokio::test]
async fn a_warm_sign_in_costs_two_round_trips_and_no_handshake() {
    let op = Op::start().await;
    let upstream = upstream();
    let settings = op.settings();
    for _ in 0..3 {
        sign_in(&upstream, &settings).await.unwrap();
    }
    assert_eq!(op.server.connections(), 1);
    assert_eq!(
        op.server.asked("/.well-known/openid-configuration").len(),
        1
    );
    assert_eq!(op.server.asked("/jwks").len(), 1);
    assert_eq!(op.server.asked("/token").len(), 3);
    assert_eq!(op.server.asked("/userinfo").len(), 3);
}

#[tokio::test]
async fn a_provider_with_all_claims_in_the_id_token_is_asked_once() {
    let op = Op::start().await;
    let mut settings = op.settings();
    settings.skip_userinfo = true;
    let identity = sign_in(&upstream(), &settings).await.unwrap();
    assert_eq!(
        identity.claims.get("email").unwrap().value,
        "old@example.org"
    );
    assert_eq!(op.server.asked("/userinfo").len(), 0);
}

#[tokio::test]
async fn the_person_is_sent_with_everything_a_strict_provider_wants() {
    let op = Op::start().await;
    let (redirect_uri, verifier) = (redirect_uri(), verifier());
    let input = AuthorizeInput {
        redirect_uri: &redirect_uri,
        state: "state-state-state-state",
        nonce: NONCE,
        challenge: &verifier.challenge(),
        prompt: None,
        max_age: None,
        login_hint: None,
    };
    let url = upstream()
        .authorize(&op.settings(), &input)
        .await
        .unwrap()
        .url;
    let url: url::Url = url.parse().unwrap();
    let query: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(query["redirect_uri"], REDIRECT, "no slash is added");
    assert_eq!(query["code_challenge"], verifier.challenge());
    assert_eq!(query["nonce"], NONCE);
    assert_eq!(query["scope"], "openid profile email");
}

#[tokio::test]
async fn no_tampered_id_token_lets_anybody_in() {
    let op = Op::start().await;
    let upstream = upstream();
    let settings = op.settings();
    let with = |name: &str, value: Value| {
        let mut claims = op.claims();
        claims[name] = value;
        claims
    };
    let cases = [
        (with("iss", json!("https://other.example")), "issuer is"),
        (with("aud", json!("other")), "audience is"),
        (
            with("aud", json!(["gatepost", "other"])),
            "authorized party",
        ),
        (with("nonce", json!("stolen")), "nonce is"),
        (with("nonce", json!(null)), "nonce is absent"),
        (with("sub", json!("")), "claim sub is empty"),
        (
            with("sub", json!("x".repeat(256))),
            "claim sub has 256 bytes",
        ),
        (with("iat", json!(null)), "claim iat is missing"),
        (
            with("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")),
            "at_hash is",
        ),
    ];
    for (claims, words) in cases {
        op.id_token(&claims);
        let (code, admin) = refused(&upstream, &settings).await;
        assert_eq!(code, Code::TokenRejected, "{words}");
        assert!(admin.contains(words), "{admin}");
    }
    let forged = sign(&OTHER_KEY, "op-1", &op.claims());
    op.set(|b| b.tokens["id_token"] = json!(forged));
    let (code, admin) = refused(&upstream, &settings).await;
    assert_eq!(code, Code::TokenRejected);
    assert!(
        admin.contains("the signature does not fit key \"op-1\""),
        "{admin}"
    );
    assert_eq!(
        op.server.asked("/userinfo").len(),
        0,
        "nothing was asked about them"
    );
}

#[tokio::test]
async fn clocks_that_differ_have_a_code_of_their_own() {
    let op = Op::start().await;
    let clock = clock();
    let upstream = upstream_with(upstream::Config::default(), clock.clone());
    let settings = op.settings();
    clock.set(NOW - 412);
    let (code, admin) = refused(&upstream, &settings).await;
    assert_eq!(code, Code::ClockSkew);
    assert!(
        admin.contains("412 s in the future (allowed 120 s)"),
        "{admin}"
    );
    clock.set(NOW + 86_400);
    assert_eq!(refused(&upstream, &settings).await.0, Code::ClockSkew);
    clock.set(NOW + 359);
    assert!(sign_in(&upstream, &settings).await.is_ok(), "within 60 s");
}

#[tokio::test]
async fn an_id_token_is_demanded_where_openid_was_granted() {
    let op = Op::start().await;
    let upstream = upstream();
    op.set(|b| b.tokens["id_token"] = json!(null));
    let (code, admin) = refused(&upstream, &op.settings()).await;
    assert_eq!(code, Code::TokenRejected);
    assert!(admin.contains("no ID token came"), "{admin}");
    op.set(|b| b.tokens["scope"] = json!("profile email"));
    let (code, admin) = refused(&upstream, &op.settings()).await;
    assert_eq!(code, Code::ScopeRefused);
    assert!(admin.contains("openid profile email"), "{admin}");
}

#[tokio::test]
async fn oidcc_client_test_userinfo_invalid_sub() {
    let op = Op::start().await;
    let upstream = upstream();
    for (userinfo, words) in [
        (
            json!({"sub": "bob", "email": "alice@example.org"}),
            "about \"bob\"",
        ),
        (json!({"email": "alice@example.org"}), "no claim sub"),
        (json!({"sub": ["alice-1"]}), "claim sub is a list"),
    ] {
        op.set(|b| b.userinfo = Reply::json(200, userinfo));
        let (code, admin) = refused(&upstream, &op.settings()).await;
        assert_eq!(code, Code::TokenRejected);
        assert!(admin.contains(words), "{admin}");
    }
}

#[tokio::test]
async fn signed_userinfo_is_verified() {
    let op = Op::start().await;
    let upstream = upstream();
    let claims = json!({
        "iss": op.issuer(), "aud": CLIENT, "sub": "alice-1", "email": "signed@example.org"
    });
    let good = sign(key(), "op-1", &claims);
    op.set(|b| b.userinfo = Reply::typed(200, "application/jwt", good));
    let identity = sign_in(&upstream, &op.settings()).await.unwrap();
    assert_eq!(
        identity.claims.get("email").unwrap().value,
        "signed@example.org"
    );
    let forged = sign(&OTHER_KEY, "op-1", &claims);
    op.set(|b| b.userinfo = Reply::typed(200, "application/jwt", forged));
    assert_eq!(
        refused(&upstream, &op.settings()).await.0,
        Code::TokenRejected
    );
}

#[tokio::test]
async fn signed_userinfo_is_refused_where_no_keys_are_known() {
    let op = Op::start().await;
    let claims = json!({"iss": op.issuer(), "aud": CLIENT, "sub": "alice-1"});
    let signed = sign(key(), "op-1", &claims);
    op.set(|b| b.userinfo = Reply::typed(200, "application/jwt", signed));
    let (code, admin) = refused(&upstream(), &by_endpoints(&op.issuer())).await;
    assert_eq!(code, Code::DiscoveryFailed);
    assert!(
        admin.contains("cannot be checked without an issuer"),
        "{admin}"
    );
}

#[tokio::test]
async fn a_provider_set_up_by_endpoints_has_a_namespace_of_its_own() {
    let op = Op::start().await;
    let identity = sign_in(&upstream(), &by_endpoints(&op.issuer()))
        .await
        .unwrap();
    assert_eq!(identity.namespace.0, "urn:gatepost:provider:1");
    assert_eq!(identity.subject, "alice-1");
    assert!(!identity.id_token_verified, "nothing to verify it with");
    assert_eq!(identity.learned_issuer, Some(op.issuer()));
    assert_eq!(identity.claims.get("amr"), None, "nothing is taken from it");
    assert_eq!(
        op.server.asked("/.well-known/openid-configuration").len(),
        0
    );
}

#[tokio::test]
async fn an_unverifiable_id_token_still_must_not_contradict_the_sign_in() {
    let op = Op::start().await;
    let upstream = upstream();
    let settings = by_endpoints(&op.issuer());
    let mut claims = op.claims();
    claims["nonce"] = json!("of-another-browser");
    op.id_token(&claims);
    let (code, admin) = refused(&upstream, &settings).await;
    assert_eq!(code, Code::TokenRejected);
    assert!(admin.contains("nonce is \"of-another-browser\""), "{admin}");
    let mut claims = op.claims();
    claims["sub"] = json!("bob");
    op.id_token(&claims);
    let (_, admin) = refused(&upstream, &settings).await;
    assert!(admin.contains("userinfo is about \"alice-1\""), "{admin}");
    op.set(|b| b.tokens["id_token"] = json!("not.a.token"));
    assert!(sign_in(&upstream, &settings).await.is_ok());
}

#[tokio::test]
async fn plain_oauth_servers_name_people_by_sub_or_by_the_chosen_claim() {
    let op = Op::start().await;
    let upstream = upstream();
    let mut settings = by_endpoints(&op.issuer());
    op.set(|b| {
        b.tokens = json!({"access_token": "at-1", "token_type": "bearer"});
        b.userinfo = Reply::json(200, json!({"id": 4711, "email": "alice@example.org"}));
    });
    let (code, admin) = refused(&upstream, &settings).await;
    assert_eq!(code, Code::TokenRejected);
    assert!(admin.contains("no claim sub"), "{admin}");
    settings.subject_claim = Some("id".into());
    let identity = sign_in(&upstream, &settings).await.unwrap();
    assert_eq!(identity.subject, "4711");
    assert_eq!(identity.learned_issuer, None);
}

#[test]
fn an_address_never_serves_as_a_subject() {
    let mut provider = provider(model::provider::Endpoints::Manual {
        authorize: "https://a.example/a".into(),
        token: "https://a.example/t".into(),
        userinfo: "https://a.example/u".into(),
    });
    for claim in ["email", "Mail", "preferred_username"] {
        provider.settings.subject_claim = Some(claim.into());
        let error = upstream::ProviderSettings::of(&provider, None).unwrap_err();
        assert!(matches!(error, upstream::SettingsError::SubjectClaim(_)));
    }
}

#[tokio::test]
async fn five_hundred_first_sign_ins_at_once_all_succeed() {
    let op = Op::start().await;
    let upstream = upstream();
    let settings = op.settings();
    let all = (0..500).map(|_| sign_in(&upstream, &settings));
    for outcome in futures_util::future::join_all(all).await {
        outcome.unwrap();
    }
    assert_eq!(
        op.server.asked("/.well-known/openid-configuration").len(),
        1
    );
    assert_eq!(op.server.asked("/jwks").len(), 1);
}

#[tokio::test]
async fn one_deadline_ends_all_calls_and_names_the_slow_one() {
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let mut settings = by_endpoints(&format!("http://{}", silent.local_addr().unwrap()));
    settings.deadline = Some(tokio::time::Instant::now() + std::time::Duration::from_millis(200));
    let error = sign_in(&upstream(), &settings).await.unwrap_err();
    assert_eq!(error.code(), Code::ProviderUnreachable);
    assert!(error.to_string().starts_with("token: "), "{error}");
}
