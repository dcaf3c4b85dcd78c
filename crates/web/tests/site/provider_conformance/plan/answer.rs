//! What the basic plan is answered with: codes, tokens and what userinfo says.

use super::crosses_our_pages;
use crate::id_token::header;
use crate::provider_conformance::client::client;
use crate::provider_conformance::round::{ERIN, Round, bearer, is_invalid_grant};
use crate::provider_conformance::{CHALLENGE, allow, erin};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, StatusCode};
use model::oauth_app::{IdTokenAlg, PkceRule};
use oidc::callback::Delivery;
use serde_json::Value;
use std::time::Duration;

both_ways! {
    oidcc_server,
    oidcc_idtoken_signature,
    oidcc_idtoken_unsigned,
    oidcc_userinfo_get,
    oidcc_userinfo_post_header,
    oidcc_userinfo_post_body,
    oidcc_ensure_request_without_nonce_succeeds_for_code_flow,
    oidcc_scope_profile,
    oidcc_scope_email,
    oidcc_scope_address,
    oidcc_scope_phone,
    oidcc_scope_all,
    oidcc_codereuse,
    oidcc_codereuse_30seconds,
    oidcc_server_client_secret_post,
    oidcc_claims_essential,
    oidcc_refresh_token,
    oidcc_ensure_request_with_valid_pkce_succeeds,
}

/// That the app is granted these scopes for those, and gets these claims and no others.
async fn opens(mode: Delivery, scopes: &str, granted: &str, names: &[&str]) {
    let round = Round::new(mode).await;
    let (_, tokens) = round.allowed_with(&[("scope", scopes)]).await;
    assert_eq!(tokens["scope"], granted);
    assert_eq!(round.claims(&tokens).await, names, "{scopes}");
}

/// That the same code is refused later, and took its tokens along.
async fn is_refused_after(mode: Delivery, pause: Duration) {
    let round = Round::new(mode).await;
    let mut tab = erin(&round.world).await;
    let page = round.ask(&mut tab, &[]).await;
    let page = allow(&mut tab, &page).await;
    let tokens = round.tokens(&page).await;
    assert_eq!(round.userinfo(&tokens).await.0, StatusCode::OK);
    round.world.clock.advance(pause);
    round.world.app.sweep().await.unwrap();
    is_invalid_grant(&round.redeem(&round.code(&page), &[]).await);
    let (status, told) = round.userinfo(&tokens).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(told["error"], "invalid_token");
}

/// Userinfo, asked in one way.
async fn userinfo_by(
    mode: Delivery,
    request: impl FnOnce(String) -> (http::request::Builder, String),
) {
    let round = Round::new(mode).await;
    let (_, tokens) = round.allowed().await;
    let (asked, body) = request(bearer(&tokens));
    let (status, about) = round.send(asked, &body).await;
    assert_eq!(status, StatusCode::OK, "{about}");
    assert_eq!(about["sub"], round.id_token(&tokens).await["sub"]);
}

async fn oidcc_server(mode: Delivery) {
    let round = Round::new(mode).await;
    let tokens = crosses_our_pages(&round, &[]).await;
    let (token, now) = (round.id_token(&tokens).await, round.world.app.now());
    assert_eq!(token["iss"], round.world.url.as_str());
    assert_eq!(token["aud"], "files");
    assert_eq!(token["nonce"], "n");
    assert_eq!(token["iat"], now.secs());
    let (status, about) = round.userinfo(&tokens).await;
    assert_eq!(status, StatusCode::OK, "{about}");
    assert_eq!(
        (&about["sub"], &about["email"]),
        (&token["sub"], &ERIN.into())
    );
    assert_eq!(tokens["scope"], "openid email");
}

/// The module wants RS256, which is a setting of the app here.
async fn oidcc_idtoken_signature(mode: Delivery) {
    let alg = |tokens: &Value| header(tokens["id_token"].as_str().unwrap())["alg"].clone();
    let round = Round::with(mode, |s| s.id_token_alg = IdTokenAlg::Rs256).await;
    let (_, tokens) = round.allowed().await;
    assert_eq!(alg(&tokens), "RS256");
    round.id_token(&tokens).await;
    let other = Round::new(mode).await;
    let (_, tokens) = other.allowed().await;
    assert_eq!(alg(&tokens), "ES256");
}

/// There is no app that could be registered so.
async fn oidcc_idtoken_unsigned(mode: Delivery) {
    let round = Round::new(mode).await;
    let at = Request::get("/.well-known/openid-configuration");
    let (_, says) = round.send(at, "").await;
    let algs = says["id_token_signing_alg_values_supported"].to_string();
    assert!(algs.contains("RS256") && !algs.contains("none"), "{algs}");
}

async fn oidcc_userinfo_get(mode: Delivery) {
    userinfo_by(mode, |token| {
        let asked = Request::get("/oauth/userinfo").header(AUTHORIZATION, token);
        (asked, String::new())
    })
    .await;
}

async fn oidcc_userinfo_post_header(mode: Delivery) {
    userinfo_by(mode, |token| {
        let asked = Request::post("/oauth/userinfo").header(AUTHORIZATION, token);
        (asked, String::new())
    })
    .await;
}

async fn oidcc_userinfo_post_body(mode: Delivery) {
    userinfo_by(mode, |token| {
        let asked = Request::post("/oauth/userinfo")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        (asked, token.replacen("Bearer ", "access_token=", 1))
    })
    .await;
}

async fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow(mode: Delivery) {
    let round = Round::new(mode).await;
    let (_, tokens) = round.allowed_with(&[("nonce", "")]).await;
    let token = round.id_token(&tokens).await;
    assert!(!token.contains_key("nonce"), "{token:?}");
}

async fn oidcc_scope_profile(mode: Delivery) {
    let names = ["name", "preferred_username", "sub", "updated_at"];
    opens(mode, "openid profile", "openid profile", &names).await;
}

async fn oidcc_scope_email(mode: Delivery) {
    let names = ["email", "email_verified", "sub"];
    opens(mode, "openid email", "openid email", &names).await;
}

/// A mailbox has none: the scope is dropped, as one that nobody has heard of.
async fn oidcc_scope_address(mode: Delivery) {
    opens(mode, "openid address", "openid", &["sub"]).await;
}

async fn oidcc_scope_phone(mode: Delivery) {
    opens(mode, "openid phone", "openid", &["sub"]).await;
}

async fn oidcc_scope_all(mode: Delivery) {
    let names = [
        "email",
        "email_verified",
        "name",
        "preferred_username",
        "sub",
        "updated_at",
    ];
    let all = "openid profile email address phone";
    opens(mode, all, "openid profile email", &names).await;
}

async fn oidcc_codereuse(mode: Delivery) {
    is_refused_after(mode, Duration::ZERO).await;
}

async fn oidcc_codereuse_30seconds(mode: Delivery) {
    is_refused_after(mode, Duration::from_secs(30)).await;
    // A code that was used is remembered past its own end.
    is_refused_after(mode, Duration::from_secs(600)).await;
}

async fn oidcc_server_client_secret_post(mode: Delivery) {
    let round = Round::new(mode).await;
    let mut tab = erin(&round.world).await;
    let page = round.ask(&mut tab, &[]).await;
    let code = round.code(&allow(&mut tab, &page).await);
    let proof = [
        ("client_id", round.client.id),
        ("client_secret", round.client.secret.as_str()),
    ];
    let (status, told) = round.redeem(&code, &proof).await;
    assert_eq!(status, StatusCode::OK, "{told}");
}

async fn oidcc_claims_essential(mode: Delivery) {
    let round = Round::new(mode).await;
    let claims = r#"{"userinfo":{"name":{"essential":true}},
        "id_token":{"email":{"essential":true},"made_up":null}}"#;
    let asked = [("claims", claims), ("scope", "openid profile email")];
    let (_, tokens) = round.allowed_with(&asked).await;
    let token = round.id_token(&tokens).await;
    assert_eq!(token["email"], ERIN);
    assert!(!token.contains_key("made_up") && !token.contains_key("name"));
    let (_, about) = round.userinfo(&tokens).await;
    assert_eq!(about["name"], ERIN);
    assert_eq!(about.get("made_up"), None);
}

async fn oidcc_refresh_token(mode: Delivery) {
    let round = Round::new(mode).await;
    let offline = [("scope", "openid offline_access"), ("prompt", "consent")];
    let (mut tab, first) = round.allowed_with(&offline).await;
    let before = round.id_token(&first).await;
    let token = first["refresh_token"].as_str().unwrap();
    // Another client gets nothing for it, and uses nothing up.
    let other = client(&round.world, "other", |_| {}).await;
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", other.id),
        ("client_secret", other.secret.as_str()),
    ];
    is_invalid_grant(&round.at_token(&form).await);
    round.world.clock.advance(Duration::from_secs(1800));
    let (status, next) = round.refresh(token).await;
    assert_eq!(status, StatusCode::OK, "{next}");
    assert_ne!(next["refresh_token"], token);
    let after = round.id_token(&next).await;
    for name in ["iss", "sub", "aud", "auth_time"] {
        assert_eq!(after[name], before[name], "{name}");
    }
    assert!(!after.contains_key("nonce"));
    assert_eq!(round.userinfo(&next).await.0, StatusCode::OK);
    // Whoever does not ask for it gets none.
    let page = round.ask(&mut tab, &[("scope", "openid")]).await;
    let online = round.tokens(&page).await;
    assert_eq!(online.get("refresh_token"), None);
}

async fn oidcc_ensure_request_with_valid_pkce_succeeds(mode: Delivery) {
    let round = Round::with(mode, |s| s.pkce = PkceRule::Required).await;
    let mut tab = erin(&round.world).await;
    let pkce = [
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let page = round.ask(&mut tab, &pkce).await;
    let code = round.code(&allow(&mut tab, &page).await);
    is_invalid_grant(&round.redeem(&code, &[]).await);
    let verifier = (
        "code_verifier",
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    );
    let (status, told) = round.redeem(&code, &[verifier]).await;
    assert_eq!(status, StatusCode::OK, "{told}");
}
