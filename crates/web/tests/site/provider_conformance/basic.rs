//! The modules of the basic plan that concern the authorization endpoint.

use super::*;
use http::Request;
use http::header::CONTENT_TYPE;

/// Allows once; after that the app is answered without a page.
async fn allowed(world: &World) -> Tab {
    let mut tab = erin(world).await;
    let page = open(world, &mut tab, &[]).await;
    is_code(world, &allow(&mut tab, &page).await);
    tab
}

/// Signs in on the sign-in page of a request, and goes on.
pub(super) async fn signs_in(tab: &mut Tab, page: &Page) -> Page {
    let form = page.form_with_button("Sign in").unwrap();
    let form = form.fill("name", "erin@example.org").unwrap();
    let form = form.fill("password", crate::world::PASSWORD).unwrap();
    let page = tab.submit(form).await.unwrap();
    assert_eq!(page.status(), StatusCode::OK, "{}", page.text());
    let onward = page
        .attribute("meta[http-equiv=refresh]", "content")
        .unwrap();
    assert!(onward.contains("/oauth/authorize?"), "{onward}");
    tab.follow("Continue").await.unwrap()
}

#[tokio::test]
async fn oidcc_server() {
    let world = world().await;
    let mut tab = tab(&world);
    let page = open(&world, &mut tab, &[]).await;
    assert!(
        page.text().contains("Sign in to go on to Files."),
        "{}",
        page.text()
    );
    let page = signs_in(&mut tab, &page).await;
    let text = page.text();
    for words in [
        "Files",
        "erin@example.org",
        "files.example.com",
        "Your address",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    is_code(&world, &allow(&mut tab, &page).await);
    // What was allowed is not asked again; more of it is.
    is_code(&world, &open(&world, &mut tab, &[]).await);
    let more = open(&world, &mut tab, &[("scope", "openid groups")]).await;
    is_code(&world, &allow(&mut tab, &more).await);
    is_code(
        &world,
        &open(&world, &mut tab, &[("scope", "openid email groups")]).await,
    );
}

#[tokio::test]
async fn oidcc_response_type_missing() {
    let world = world().await;
    let mut tab = erin(&world).await;
    let page = open(&world, &mut tab, &[("response_type", "")]).await;
    assert_eq!(error(&world, &page), "invalid_request");
    let page = open(&world, &mut tab, &[("response_type", "token")]).await;
    assert_eq!(error(&world, &page), "unsupported_response_type");
}

#[tokio::test]
async fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow() {
    let world = world().await;
    let mut tab = allowed(&world).await;
    is_code(&world, &open(&world, &mut tab, &[("nonce", "")]).await);
}

#[tokio::test]
async fn oidcc_display_page_and_popup_and_others_that_change_nothing() {
    let world = world().await;
    let mut tab = allowed(&world).await;
    for (name, value) in [
        ("display", "page"),
        ("display", "popup"),
        ("ui_locales", "se de"),
        ("claims_locales", "se"),
        ("acr_values", "1 2"),
        ("extra", "foobar"),
        ("code_challenge_method", ""),
        ("claims", r#"{"id_token":{"email":{"essential":true}}}"#),
    ] {
        is_code(&world, &open(&world, &mut tab, &[(name, value)]).await);
    }
}

#[tokio::test]
async fn oidcc_prompt_login() {
    let world = world().await;
    let mut tab = allowed(&world).await;
    for _ in 0..2 {
        let page = open(&world, &mut tab, &[("prompt", "login")]).await;
        assert!(
            page.text().contains("Sign in again to go on to Files."),
            "{}",
            page.text()
        );
        // Reading the page again changes nothing.
        let again = page.attribute("input[name=next]", "value").unwrap();
        let page = tab.open(&world.at(&again)).await.unwrap();
        assert!(page.text().contains("Sign in again"), "{}", page.text());
        is_code(&world, &signs_in(&mut tab, &page).await);
    }
}

#[tokio::test]
async fn oidcc_prompt_none_not_logged_in() {
    let world = world().await;
    let page = open(&world, &mut tab(&world), &[("prompt", "none")]).await;
    assert_eq!(error(&world, &page), "login_required");
    let mut tab = erin(&world).await;
    let page = open(&world, &mut tab, &[("prompt", "none")]).await;
    assert_eq!(error(&world, &page), "consent_required");
}

#[tokio::test]
async fn oidcc_prompt_none_logged_in() {
    let world = world().await;
    let mut tab = allowed(&world).await;
    is_code(&world, &open(&world, &mut tab, &[("prompt", "none")]).await);
}

#[tokio::test]
async fn oidcc_max_age_1() {
    let world = world().await;
    let mut tab = allowed(&world).await;
    world.clock.advance(std::time::Duration::from_secs(2));
    let silent = open(&world, &mut tab, &[("max_age", "1"), ("prompt", "none")]).await;
    assert_eq!(error(&world, &silent), "login_required");
    let page = open(&world, &mut tab, &[("max_age", "1")]).await;
    world.clock.advance(std::time::Duration::from_secs(2));
    is_code(&world, &signs_in(&mut tab, &page).await);
}

#[tokio::test]
async fn oidcc_max_age_10000() {
    let world = world().await;
    let mut tab = allowed(&world).await;
    world.clock.advance(std::time::Duration::from_secs(2));
    is_code(
        &world,
        &open(&world, &mut tab, &[("max_age", "10000")]).await,
    );
}

#[tokio::test]
async fn oidcc_login_hint() {
    let world = world().await;
    let mut tab = tab(&world);
    let hint = [("login_hint", "erin@elsewhere.test")];
    let page = open(&world, &mut tab, &hint).await;
    let name = page.attribute("input[name=name]", "value").unwrap();
    assert_eq!(name, "erin@elsewhere.test");
    // Somebody else is signed in: the person says which of both it is.
    let mut tab = allowed(&world).await;
    let page = open(&world, &mut tab, &hint).await;
    assert!(
        page.text().contains("expects somebody else"),
        "{}",
        page.text()
    );
    is_code(&world, &allow(&mut tab, &page).await);
    let own = [("login_hint", "erin@example.org")];
    is_code(&world, &open(&world, &mut tab, &own).await);
}

#[tokio::test]
async fn oidcc_ensure_registered_redirect_uri() {
    let world = world().await;
    let mut tab = allowed(&world).await;
    for sent in [
        "https://files.example.com/cb/",
        "https://files.example.com/cb?a=b",
        "https://evil.example/cb",
        "",
    ] {
        for silent in ["none", ""] {
            let page = open(
                &world,
                &mut tab,
                &[("redirect_uri", sent), ("prompt", silent)],
            )
            .await;
            assert_eq!(page.status(), StatusCode::BAD_REQUEST, "{sent}");
            assert!(page.text().contains("wrong way back"), "{}", page.text());
            assert!(!page.body().contains("evil.example"));
        }
    }
}

#[tokio::test]
async fn oidcc_ensure_post_request_succeeds() {
    let world = world().await;
    let get = request(&world, &[]);
    let query = get.split_once('?').unwrap().1;
    for path in ["/oauth/authorize", "/oauth/authorize/"] {
        let post = Request::post(path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("origin", "https://files.example.com")
            .header("sec-fetch-site", "cross-site");
        let answer = world.send(post, query).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let page = tab(&world)
            .open(&world.at(location(&answer)))
            .await
            .unwrap();
        assert!(
            page.text().contains("Sign in to go on to Files."),
            "{}",
            page.text()
        );
    }
    let json = Request::post("/oauth/authorize").header(CONTENT_TYPE, "application/json");
    let answer = world.send(json, "{}").await;
    assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn oidcc_request_objects_are_refused() {
    let world = world().await;
    let mut tab = erin(&world).await;
    for (name, code) in [
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
    ] {
        let page = open(&world, &mut tab, &[(name, "https://files.example.com/r")]).await;
        assert_eq!(error(&world, &page), code);
    }
}

#[tokio::test]
async fn oidcc_ensure_request_with_valid_pkce_succeeds() {
    let world = world().await;
    let mut tab = allowed(&world).await;
    let pkce = [
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    is_code(&world, &open(&world, &mut tab, &pkce).await);
}
