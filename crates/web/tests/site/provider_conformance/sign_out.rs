//! The plans for signing out at an app's word and for telling apps, each test named after its module.

use super::client::client;
use super::signed_in::{OUT, end_session, is_in};
use super::*;
use crate::ear::{Ear, believed};
use crate::id_token::claims;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

async fn metadata(world: &World) -> Value {
    let request = http::Request::get("/.well-known/openid-configuration");
    let answer = world.send(request, "").await;
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await;
    serde_json::from_slice(&body.unwrap()).unwrap()
}

/// Erin, signed in to the app `files`, with her ID token.
async fn signed_in() -> (World, Tab, String) {
    let world = World::new().await;
    let files = client(&world, "files", |_| {}).await;
    let mut tab = erin(&world).await;
    let token = files.id_token(&world, &mut tab).await;
    (world, tab, token)
}

/// Where a page sends the browser, by a redirect.
fn sent_to(page: &Page) -> String {
    assert_eq!(page.status(), StatusCode::SEE_OTHER, "{}", page.text());
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    page.location().unwrap().unwrap().into()
}

/// That a request led nowhere and ended nothing.
async fn stays(world: &World, tab: &mut Tab, parameters: &[(&str, &str)]) {
    let page = tab.open(&end_session(world, parameters)).await.unwrap();
    assert_eq!(page.location().unwrap(), None);
    assert_eq!(page.header("refresh"), None);
    assert!(
        !page.body().contains("files.example.com"),
        "{}",
        page.body()
    );
    assert_eq!(page.status(), StatusCode::BAD_REQUEST, "{}", page.text());
    assert!(is_in(world, tab).await);
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_discovery_endpoint_verification() {
    let world = World::new().await;
    let said = metadata(&world).await;
    assert_eq!(said["end_session_endpoint"], world.at("/oauth/end-session"));
}

#[tokio::test]
async fn oidcc_rp_initiated_logout() {
    let (world, mut tab, token) = signed_in().await;
    let request = [
        ("id_token_hint", token.as_str()),
        ("post_logout_redirect_uri", OUT),
        ("state", "st ate&<b>"),
    ];
    let page = tab.open(&end_session(&world, &request)).await.unwrap();
    assert_eq!(sent_to(&page), format!("{OUT}&state=st%20ate%26%3Cb%3E"));
    assert!(!is_in(&world, &mut tab).await);
    // Somebody who is out already is brought back as well.
    let page = tab.open(&end_session(&world, &request)).await.unwrap();
    assert_eq!(sent_to(&page), format!("{OUT}&state=st%20ate%26%3Cb%3E"));
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_state() {
    let (world, mut tab, token) = signed_in().await;
    let request = [
        ("id_token_hint", token.as_str()),
        ("client_id", "files"),
        ("post_logout_redirect_uri", OUT),
    ];
    let page = tab.open(&end_session(&world, &request)).await.unwrap();
    assert_eq!(sent_to(&page), OUT);
    assert!(!is_in(&world, &mut tab).await);
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_bad_post_logout_redirect_uri() {
    let (world, mut tab, token) = signed_in().await;
    for bad in [
        "https://evil.example/out",
        "https://FILES.example.com/out?from=gatepost",
        "https://files.example.com@evil.example/out?from=gatepost",
        "https://files.example.com/out?from=gatepost#x",
        "https://files.example.com/out",
        "//files.example.com/out?from=gatepost",
        "javascript:alert(1)",
        // Registered for signing in.
        BACK,
    ] {
        let request = [
            ("id_token_hint", token.as_str()),
            ("post_logout_redirect_uri", bad),
            ("state", "<script>"),
        ];
        stays(&world, &mut tab, &request).await;
    }
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri() {
    let (world, mut tab, token) = signed_in().await;
    let longer = format!("{OUT}&dummy=1");
    let request = [
        ("id_token_hint", token.as_str()),
        ("post_logout_redirect_uri", &longer),
    ];
    stays(&world, &mut tab, &request).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_modified_id_token_hint() {
    let (world, mut tab, token) = signed_in().await;
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let payload = token.split('.').nth(1).unwrap();
    let unsigned = format!("{none}.{payload}.");
    for hint in [unsigned.as_str(), &unsigned[..unsigned.len() - 1]] {
        let request = [("id_token_hint", hint), ("post_logout_redirect_uri", OUT)];
        stays(&world, &mut tab, &request).await;
    }
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_bad_id_token_hint() {
    let (world, mut tab, token) = signed_in().await;
    // Of another provider, which has an app of the same name.
    let other = World::new().await;
    let files = client(&other, "files", |_| {}).await;
    let foreign = files.id_token(&other, &mut erin(&other).await).await;
    let parts: Vec<_> = token.split('.').collect();
    let others: Vec<_> = foreign.split('.').collect();
    let spliced = format!("{}.{}.{}", parts[0], parts[1], others[2]);
    for hint in [foreign.as_str(), &spliced, "a.b.c", "x", "..", parts[1]] {
        let request = [("id_token_hint", hint), ("post_logout_redirect_uri", OUT)];
        stays(&world, &mut tab, &request).await;
    }
    // For another app than the one that shows it.
    client(&world, "wiki", |_| {}).await;
    let request = [("id_token_hint", token.as_str()), ("client_id", "wiki")];
    stays(&world, &mut tab, &request).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_id_token_hint() {
    let (world, mut tab, _) = signed_in().await;
    let request = [("post_logout_redirect_uri", OUT), ("state", "s")];
    stays(&world, &mut tab, &request).await;
    // An app that says which one it is: the person is asked, and goes back by a link alone.
    let request = [
        ("client_id", "files"),
        ("post_logout_redirect_uri", OUT),
        ("state", "s"),
    ];
    let page = tab.open(&end_session(&world, &request)).await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let text = page.text();
    assert!(
        text.contains("Files asks to sign you out here too."),
        "{text}"
    );
    let yes = page.form_with_button("Sign out").unwrap();
    assert!(is_in(&world, &mut tab).await, "nothing ends by asking");
    let page = tab.submit(yes).await.unwrap();
    assert_eq!(page.header("refresh"), None);
    let link = page.link("Back to Files").unwrap();
    assert_eq!(link.as_str(), format!("{OUT}&state=s"));
    assert!(!is_in(&world, &mut tab).await);
}

/// Asked, answered with yes, and told.
async fn asked_and_told(parameters: &[(&str, &str)]) {
    let (world, mut tab, _) = signed_in().await;
    let page = tab.open(&end_session(&world, parameters)).await.unwrap();
    assert!(page.text().contains("erin@example.org"), "{}", page.text());
    let page = tab
        .submit(page.form_with_button("Sign out").unwrap())
        .await
        .unwrap();
    assert_eq!(page.url().path(), "/signed-out");
    assert_eq!(page.text_of("h1").unwrap(), "You are signed out");
    assert!(!is_in(&world, &mut tab).await);
    // With nobody to ask it is said at once.
    let page = tab.open(&end_session(&world, parameters)).await.unwrap();
    assert_eq!(page.text_of("h1").unwrap(), "You are signed out");
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_params() {
    asked_and_told(&[]).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_only_state() {
    asked_and_told(&[("state", "s")]).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_post_logout_redirect_uri() {
    let (world, mut tab, token) = signed_in().await;
    let request = [("id_token_hint", token.as_str()), ("state", "s")];
    let page = tab.open(&end_session(&world, &request)).await.unwrap();
    assert_eq!(page.url().path(), "/signed-out");
    assert_eq!(page.text_of("h1").unwrap(), "You are signed out");
    assert!(!is_in(&world, &mut tab).await);
}

#[tokio::test]
async fn oidcc_backchannel_logout_discovery_endpoint_verification() {
    let world = World::new().await;
    let said = metadata(&world).await;
    assert_eq!(said["backchannel_logout_supported"], true);
    assert_eq!(said["backchannel_logout_session_supported"], true);
    assert_eq!(said["end_session_endpoint"], world.at("/oauth/end-session"));
}

#[tokio::test]
async fn oidcc_backchannel_rp_initiated_logout() {
    let world = World::new().await;
    let ear = Ear::open().await;
    let files = client(&world, "files", |s| {
        s.back_channel = Some(ear.url.clone());
        s.back_channel_private = true;
    })
    .await;
    let mut tab = erin(&world).await;
    let token = files.id_token(&world, &mut tab).await;
    let request = [
        ("id_token_hint", token.as_str()),
        ("post_logout_redirect_uri", OUT),
    ];
    let page = tab.open(&end_session(&world, &request)).await.unwrap();
    assert_eq!(sent_to(&page), OUT);
    world.app.tell_apps().await.unwrap();
    let [body] = ear.heard().try_into().unwrap();
    let told = believed(&world, "files", &body).await;
    let signed_in = claims(&token);
    assert_eq!(told.subject.as_deref(), signed_in["sub"].as_str());
    assert_eq!(told.sid.as_deref(), signed_in["sid"].as_str());
    assert!(told.sid.is_some());
    world.app.tell_apps().await.unwrap();
    assert_eq!(ear.calls(), 0, "once is enough");
}
