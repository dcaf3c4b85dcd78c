//! Signing out at the provider too, and being signed out by it.

use crate::world::World;
use http::{Method, Request, StatusCode};
use lab::logout::Leaving;

const LOGOUT: &str = "/sso/example/backchannel-logout";
const BACK: &str = "/sso/example/signed-out";

/// Who signs out here signs out at the provider too.
pub async fn signing_out_there() -> World {
    let world = World::new().await;
    let client = world.company.company().client("gatepost-example").unwrap();
    let back = world.at(BACK);
    world
        .company
        .company()
        .add_client(client.with_post_logout_redirect_uri(&back));
    world
        .change_provider(|p| p.leavers.sign_out_there = true)
        .await;
    world
}

#[tokio::test]
async fn who_signs_out_here_goes_on_to_the_provider_and_comes_back() {
    let world = signing_out_there().await;
    let browser = world.browser();
    let mut tab = browser.tab();
    let home = world
        .by_company(&mut tab, "/sso/example/start", "alice")
        .await;
    let out = home.form_with_button("Sign out").unwrap();
    let page = tab.submit(out).await.unwrap();
    assert_eq!(page.url().path(), "/sign-out", "a page of ours comes first");
    assert_eq!(browser.cookie(&world.url, "gatepost").unwrap(), None);
    let link = page.link("Sign out at example SSO").unwrap();
    assert_eq!(
        page.header("refresh"),
        Some(format!("0;url={link}").as_str())
    );
    assert!(link.as_str().starts_with(world.company.issuer()));

    let back = tab.follow("Sign out at example SSO").await.unwrap();
    assert_eq!(back.url().path(), BACK);
    assert_eq!(back.status(), StatusCode::OK);
    assert!(
        back.text()
            .contains("come back from signing out at example SSO"),
        "{}",
        back.text()
    );
    // Signed out there: its form is shown again.
    let page = tab.open(&world.at("/sso/example/start")).await.unwrap();
    assert!(page.form("#sign-in").is_ok(), "{}", page.text());
}

#[tokio::test]
async fn a_return_that_was_not_begun_here_is_not_believed() {
    let world = signing_out_there().await;
    let browser = world.browser();
    let mut tab = browser.tab();
    let home = world
        .by_company(&mut tab, "/sso/example/start", "alice")
        .await;
    for query in [
        "",
        "?state=",
        "?state=1.a.00",
        "?state=a&state=b",
        "?state=%3Cb%3E",
    ] {
        let page = tab
            .open(&world.at(&format!("{BACK}{query}")))
            .await
            .unwrap();
        assert_eq!(page.status(), StatusCode::BAD_REQUEST, "{query}");
        assert!(page.text().contains("Not started here"), "{}", page.text());
    }
    let page = tab.open(&world.at("/sso/nobody/signed-out")).await.unwrap();
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
    let home = tab.open(home.url().as_str()).await.unwrap();
    assert!(home.text().contains("alice@example.org"), "still signed in");
}

/// Posts a body; status and text.
async fn post(world: &World, path: &str, kind: &str, body: &str) -> (StatusCode, String) {
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header("content-type", kind)
        // Providers are other sites; what their browsers hold means nothing here.
        .header("origin", "https://elsewhere.example");
    let answer = world.send(request, body).await;
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert!(!answer.headers().contains_key("set-cookie"));
    let status = answer.status();
    let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20)
        .await
        .unwrap();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn a_logout_token_ends_a_session_and_nothing_else_does() {
    let world = World::new().await;
    let browser = world.browser();
    let mut tab = browser.tab();
    world
        .by_company(&mut tab, "/sso/example/start", "alice")
        .await;
    let person = world.company.company().person("alice").unwrap();
    let leaving = Leaving {
        client: "gatepost-example",
        subject: Some(&person.subject),
        sid: None,
    };
    let good = world.company.logout_token(leaving).unwrap();
    let twice = format!("logout_token={good}&logout_token={good}");
    let long = format!("logout_token={}", "a".repeat(70_000));
    for (path, kind, body, wanted) in [
        (LOGOUT, FORM, "", 400),
        (LOGOUT, FORM, "logout_token=", 400),
        (LOGOUT, FORM, "logout_token=a.b.c", 400),
        (LOGOUT, FORM, "logout_token=%00%ff", 400),
        (LOGOUT, FORM, twice.as_str(), 400),
        (LOGOUT, FORM, long.as_str(), 413),
        (LOGOUT, "application/json", "{}", 400),
        (
            "/sso/nobody/backchannel-logout",
            FORM,
            &format!("logout_token={good}"),
            400,
        ),
    ] {
        let (status, text) = post(&world, path, kind, body).await;
        assert_eq!(status.as_u16(), wanted, "{path} {text}");
        let home = tab.open(&world.at("/home")).await.unwrap();
        assert_eq!(home.url().path(), "/home", "still in");
    }
    let body = format!("logout_token={good}");
    let counted = post(&world, LOGOUT, FORM, &body).await;
    assert_eq!(counted, (StatusCode::OK, String::new()));
    let out = tab.open(&world.at("/home")).await.unwrap();
    assert_eq!(out.url().path(), "/", "{}", out.text());
    let (again, text) = post(&world, LOGOUT, FORM, &body).await;
    assert_eq!(again, StatusCode::BAD_REQUEST);
    assert!(text.contains("taken before"), "{text}");
}
