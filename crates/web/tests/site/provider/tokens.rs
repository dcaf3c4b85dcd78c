//! What ID tokens and userinfo say, and what is published; the OpenID Foundation's other modules go the
//! whole way, in `provider_conformance`.

use super::keys::are_public_halves;
use super::{Given, OPENID, Provider, bearer, settings};
use crate::id_token::verified;
use http::{Method, StatusCode};
use model::oauth_app::{AppSettings, IdTokenAlg, SubjectKind};
use serde_json::{Value, json};

const USERINFO: &str = "/oauth/userinfo";

async fn id_token_by(alg: IdTokenAlg) {
    let provider = Provider::new().await;
    let app = AppSettings {
        id_token_alg: alg,
        ..settings()
    };
    let app = provider.add("app", app).await;
    let tokens = provider.given("app", app, OPENID).await;
    let claims = verified(&provider.world, &tokens.member("id_token")).await;
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
async fn an_id_token_says_this_and_nothing_else() {
    for alg in IdTokenAlg::ALL {
        id_token_by(alg).await;
    }
}

#[tokio::test]
async fn oidcc_discovery_endpoint_verification() {
    let provider = Provider::new().await;
    let url = &provider.world.url;
    let found = provider
        .get("/.well-known/openid-configuration", None)
        .await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.text);
    assert_eq!(found.header("content-type"), Some("application/json"));
    let document = found.json();
    assert_eq!(document["issuer"], url.as_str());
    for (name, path) in [
        ("authorization_endpoint", "/oauth/authorize"),
        ("end_session_endpoint", "/oauth/end-session"),
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
    let device = "urn:ietf:params:oauth:grant-type:device_code";
    let grants = json!(["authorization_code", "refresh_token", device]);
    assert_eq!(document["grant_types_supported"], grants);
    let challenges = &document["code_challenge_methods_supported"];
    assert_eq!(*challenges, json!(["S256"]));
    assert_eq!(
        document["subject_types_supported"],
        json!(["public", "pairwise"])
    );
    let scopes = document["scopes_supported"].as_array().unwrap();
    assert!(scopes.contains(&"openid".into()));
    let at = document["jwks_uri"].as_str().unwrap();
    let keys = provider.get(at.strip_prefix(url).unwrap(), None).await;
    assert_eq!(keys.status, StatusCode::OK, "{}", keys.text);
    are_public_halves(keys.json()["keys"].as_array().unwrap());
    let other = provider
        .get("/.well-known/oauth-authorization-server", None)
        .await;
    assert_eq!(other.text, found.text);
}

#[tokio::test]
async fn claims_by_name_are_no_way_around_the_scopes_that_people_allow() {
    let provider = Provider::new().await;
    let named = Given {
        scopes: "openid",
        claims: Some(r#"{"userinfo":{"name":{"essential":true}},"id_token":{"email":{}}}"#),
        ..OPENID
    };
    let app = provider.add("app", settings()).await;
    let tokens = provider.given("app", app, named).await;
    let claims = verified(&provider.world, &tokens.member("id_token")).await;
    assert!(!claims.contains_key("email"), "{claims:?}");
    let token = bearer(&tokens.member("access_token"));
    let about = provider.get(USERINFO, Some(&token)).await.json();
    let names: Vec<_> = about.as_object().unwrap().keys().collect();
    assert_eq!(names, ["sub"]);
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
        let claims = verified(&provider.world, &tokens.member("id_token")).await;
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
