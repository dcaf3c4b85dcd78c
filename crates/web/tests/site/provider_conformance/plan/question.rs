//! What the basic plan asks: which parameters there are, and which of our pages they lead over.

use super::crosses_our_pages;
use crate::provider_conformance::basic::signs_in;
use crate::provider_conformance::round::{ERIN, Round};
use crate::provider_conformance::{BACK, allow, erin, location, tab};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use oidc::callback::Delivery;
use serde_json::{Map, Value, json};
use std::time::Duration;
use testkit::browser::{Page, Tab};

both_ways! {
    oidcc_response_type_missing,
    oidcc_alternate_happy_flow,
    oidcc_display_page,
    oidcc_display_popup,
    oidcc_prompt_login,
    oidcc_prompt_none_not_logged_in,
    oidcc_prompt_none_logged_in,
    oidcc_max_age_1,
    oidcc_max_age_10000,
    oidcc_ensure_request_with_unknown_parameter_succeeds,
    oidcc_id_token_hint,
    oidcc_login_hint,
    oidcc_ui_locales,
    oidcc_claims_locales,
    oidcc_ensure_request_with_acr_values_succeeds,
    oidcc_ensure_registered_redirect_uri,
    oidcc_ensure_post_request_succeeds,
    oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported,
    oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported,
    oidcc_ensure_request_object_with_redirect_uri,
}

/// That a question with this is answered with a code that is good, without a page.
async fn changes_nothing(mode: Delivery, other: &[(&str, &str)]) {
    let round = Round::new(mode).await;
    let (mut tab, first) = round.allowed().await;
    let page = round.ask(&mut tab, other).await;
    let tokens = round.tokens(&page).await;
    let before = round.id_token(&first).await;
    let after = round.id_token(&tokens).await;
    assert_eq!(after["sub"], before["sub"]);
}

/// That a question with this shows the pages of any other, and comes to tokens for Erin.
async fn is_shown_as_any_other(mode: Delivery, other: &[(&str, &str)]) {
    let round = Round::new(mode).await;
    let tokens = crosses_our_pages(&round, other).await;
    assert_eq!(round.id_token(&tokens).await["nonce"], "n");
    let (status, about) = round.userinfo(&tokens).await;
    assert_eq!(status, StatusCode::OK, "{about}");
    assert_eq!(about["email"], ERIN);
}

/// Nobody is asked, and the same is said as before.
async fn is_the_same(round: &Round, tab: &mut Tab, first: &Value, hint: &[(&str, &str)]) {
    let before = round.id_token(first).await;
    round.world.clock.advance(Duration::from_secs(2));
    let page = round.ask(tab, hint).await;
    let after = round.id_token(&round.tokens(&page).await).await;
    for name in ["sub", "auth_time"] {
        assert_eq!(after[name], before[name], "{name}");
    }
}

/// That a request object is refused by its own error.
async fn no_object(mode: Delivery, name: &str, value: &str, error: &str) {
    let round = Round::new(mode).await;
    let mut tab = erin(&round.world).await;
    let page = round.ask(&mut tab, &[(name, value)]).await;
    assert_eq!(round.error(&page), error);
}

/// A request object without a signature, with this redirect and another state.
fn object(redirect: &str) -> String {
    let header = json!({"alg": "none"});
    let claims = json!({
        "client_id": "files", "response_type": "code", "scope": "openid email",
        "redirect_uri": redirect, "state": "another", "nonce": "n",
    });
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    format!("{header}.{claims}.")
}

/// That a request ends at our page about its redirect: nothing leads on, least of all a code.
fn leads_nowhere(page: &Page, sent: &str) {
    assert_eq!(page.status(), StatusCode::BAD_REQUEST, "{sent}");
    assert_eq!(page.location().unwrap(), None, "{sent}");
    assert_eq!(page.header("refresh"), None, "{sent}");
    assert!(page.text().contains("wrong way back"), "{}", page.text());
    let body = page.body();
    for word in ["evil.example", "alert(1)", "code="] {
        assert!(!body.contains(word), "{word} in {body}");
    }
    assert!(page.form("form[data-onward]").is_err(), "{sent}");
}

async fn oidcc_response_type_missing(mode: Delivery) {
    let round = Round::new(mode).await;
    let mut tab = erin(&round.world).await;
    for (sent, error) in [
        ("", "invalid_request"),
        ("token", "unsupported_response_type"),
        ("code id_token", "unsupported_response_type"),
    ] {
        let page = round.ask(&mut tab, &[("response_type", sent)]).await;
        assert_eq!(round.error(&page), error, "{sent}");
    }
}

/// Neither the order of scopes nor that of parameters means anything.
async fn oidcc_alternate_happy_flow(mode: Delivery) {
    let round = Round::new(mode).await;
    let mut tab = erin(&round.world).await;
    let question = round.question(&[("scope", "email openid")]);
    let (at, query) = question.split_once('?').unwrap();
    let turned = query.split('&').rev().collect::<Vec<_>>().join("&");
    let page = tab.open(&format!("{at}?{turned}")).await.unwrap();
    let page = allow(&mut tab, &page).await;
    let tokens = round.tokens(&page).await;
    let names = ["email", "email_verified", "sub"];
    assert_eq!(round.claims(&tokens).await, names);
}

async fn oidcc_display_page(mode: Delivery) {
    is_shown_as_any_other(mode, &[("display", "page")]).await;
}

async fn oidcc_display_popup(mode: Delivery) {
    is_shown_as_any_other(mode, &[("display", "popup")]).await;
}

async fn oidcc_prompt_login(mode: Delivery) {
    let round = Round::new(mode).await;
    let (mut tab, tokens) = round.allowed().await;
    let before = round.id_token(&tokens).await;
    let mut last = before["auth_time"].as_i64().unwrap();
    for _ in 0..2 {
        round.world.clock.advance(Duration::from_secs(2));
        let page = round.ask(&mut tab, &[("prompt", "login")]).await;
        let words = "Sign in again to go on to Files.";
        assert!(page.text().contains(words), "{}", page.text());
        // Reading the page again changes nothing.
        let again = page.attribute("input[name=next]", "value").unwrap();
        let page = tab.open(&round.world.at(&again)).await.unwrap();
        assert!(page.text().contains("Sign in again"), "{}", page.text());
        let page = signs_in(&mut tab, &page).await;
        let after = round.id_token(&round.tokens(&page).await).await;
        assert_eq!(after["sub"], before["sub"]);
        let now = after["auth_time"].as_i64().unwrap();
        assert!(now > last, "{now} after {last}");
        last = now;
    }
}

async fn oidcc_prompt_none_not_logged_in(mode: Delivery) {
    let round = Round::new(mode).await;
    let silent = [("prompt", "none")];
    let page = round.ask(&mut tab(&round.world), &silent).await;
    assert_eq!(round.error(&page), "login_required");
    let mut tab = erin(&round.world).await;
    let page = round.ask(&mut tab, &silent).await;
    assert_eq!(round.error(&page), "consent_required");
}

async fn oidcc_prompt_none_logged_in(mode: Delivery) {
    let round = Round::new(mode).await;
    let (mut tab, first) = round.allowed().await;
    is_the_same(&round, &mut tab, &first, &[("prompt", "none")]).await;
}

async fn oidcc_max_age_1(mode: Delivery) {
    let round = Round::new(mode).await;
    let (mut tab, tokens) = round.allowed().await;
    let before = round.id_token(&tokens).await;
    round.world.clock.advance(Duration::from_secs(2));
    let page = round
        .ask(&mut tab, &[("max_age", "1"), ("prompt", "none")])
        .await;
    assert_eq!(round.error(&page), "login_required");
    let page = round.ask(&mut tab, &[("max_age", "1")]).await;
    round.world.clock.advance(Duration::from_secs(2));
    let page = signs_in(&mut tab, &page).await;
    let after = round.id_token(&round.tokens(&page).await).await;
    assert_eq!(after["sub"], before["sub"]);
    let time = |token: &Map<String, Value>| token["auth_time"].as_i64().unwrap();
    assert!(time(&after) >= time(&before) + 4);
}

async fn oidcc_max_age_10000(mode: Delivery) {
    let round = Round::new(mode).await;
    let (mut tab, first) = round.allowed().await;
    is_the_same(&round, &mut tab, &first, &[("max_age", "10000")]).await;
}

async fn oidcc_ensure_request_with_unknown_parameter_succeeds(mode: Delivery) {
    changes_nothing(mode, &[("extra", "foobar"), ("resource", "x")]).await;
}

async fn oidcc_id_token_hint(mode: Delivery) {
    let round = Round::new(mode).await;
    let (mut tab, first) = round.allowed().await;
    let token = first["id_token"].as_str().unwrap();
    let hint = [("prompt", "none"), ("id_token_hint", token)];
    is_the_same(&round, &mut tab, &first, &hint).await;
}

async fn oidcc_login_hint(mode: Delivery) {
    let round = Round::new(mode).await;
    let hint = [("login_hint", "erin@elsewhere.test")];
    let page = round.ask(&mut tab(&round.world), &hint).await;
    let name = page.attribute("input[name=name]", "value").unwrap();
    assert_eq!(name, "erin@elsewhere.test");
    // Somebody else is signed in: the person says which of both it is.
    let (mut tab, _) = round.allowed().await;
    let page = round.ask(&mut tab, &hint).await;
    let words = "expects somebody else";
    assert!(page.text().contains(words), "{}", page.text());
    round.code(&allow(&mut tab, &page).await);
    let page = round.ask(&mut tab, &[("login_hint", ERIN)]).await;
    round.code(&page);
}

async fn oidcc_ui_locales(mode: Delivery) {
    changes_nothing(mode, &[("ui_locales", "se de")]).await;
    is_shown_as_any_other(mode, &[("ui_locales", "se de")]).await;
}

async fn oidcc_claims_locales(mode: Delivery) {
    changes_nothing(mode, &[("claims_locales", "se")]).await;
}

async fn oidcc_ensure_request_with_acr_values_succeeds(mode: Delivery) {
    changes_nothing(mode, &[("acr_values", "1 2")]).await;
}

async fn oidcc_ensure_registered_redirect_uri(mode: Delivery) {
    let round = Round::new(mode).await;
    let (mut tab, _) = round.allowed().await;
    for sent in [
        "https://files.example.com/cb/",
        "https://files.example.com/cb?a=b",
        "https://files.example.com:8443/cb",
        "https://FILES.example.com/cb",
        "https://files.example.com/c",
        "https://files.example.com/x/../cb",
        "https://files.example.com/%63b",
        "https://files.example.com/cb#x",
        "https://erin@files.example.com/cb",
        "https://files.example.com@evil.example/cb",
        "https://files.example.com.evil.example/cb",
        "http://files.example.com/cb",
        "//files.example.com/cb",
        "https://evil.example/cb",
        "javascript:alert(1)",
        "",
    ] {
        for silent in ["none", ""] {
            let other = [("redirect_uri", sent), ("prompt", silent)];
            let page = round.ask(&mut tab, &other).await;
            leads_nowhere(&page, sent);
        }
    }
}

async fn oidcc_ensure_post_request_succeeds(mode: Delivery) {
    let round = Round::new(mode).await;
    let question = round.question(&[]);
    let query = question.split_once('?').unwrap().1;
    for path in ["/oauth/authorize", "/oauth/authorize/"] {
        let post = Request::post(path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("origin", "https://files.example.com")
            .header("sec-fetch-site", "cross-site");
        let answer = round.world.send(post, query).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let mut tab = tab(&round.world);
        let page = tab.open(&round.world.at(location(&answer))).await.unwrap();
        let page = signs_in(&mut tab, &page).await;
        let page = match page.form_with_button("Allow") {
            Ok(_) => allow(&mut tab, &page).await,
            Err(_) => page,
        };
        round.tokens(&page).await;
    }
    let json = Request::post("/oauth/authorize").header(CONTENT_TYPE, "application/json");
    let answer = round.world.send(json, "{}").await;
    assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

async fn oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(mode: Delivery) {
    let at = "https://files.example.com/request.jwt";
    no_object(mode, "request_uri", at, "request_uri_not_supported").await;
}

async fn oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(
    mode: Delivery,
) {
    no_object(mode, "request", &object(BACK), "request_not_supported").await;
}

/// The redirect in an object is not read: neither a good one nor a bad one changes where the
/// answer goes. Who is asked allowed the app before, so that a code would need no page.
async fn oidcc_ensure_request_object_with_redirect_uri(mode: Delivery) {
    let round = Round::new(mode).await;
    let (mut tab, _) = round.allowed().await;
    let evil = "https://evil.example/cb";
    for silent in ["", "none"] {
        let inside = object(BACK);
        let other = [
            ("request", inside.as_str()),
            ("redirect_uri", evil),
            ("prompt", silent),
        ];
        let page = round.ask(&mut tab, &other).await;
        leads_nowhere(&page, evil);
        let inside = object(evil);
        let other = [("request", inside.as_str()), ("prompt", silent)];
        let page = round.ask(&mut tab, &other).await;
        assert_eq!(round.error(&page), "request_not_supported");
    }
}
