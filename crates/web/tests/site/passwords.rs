//! Signing in by a local password, and out.

use crate::world::{PASSWORD, World};
use http::StatusCode;
use model::audit::Actor;
use testkit::browser::Tab;

const COOKIE: &str = "gatepost";

#[tokio::test]
async fn a_new_server_says_how_it_is_set_up() {
    let world = World::bare().await;
    let page = world.browser().tab().open(&world.at("/")).await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    assert!(
        page.text().contains("This server is not set up yet."),
        "{}",
        page.text()
    );
    assert_eq!(page.count("input[type=password]").unwrap(), 0);
}

#[tokio::test]
async fn a_person_signs_in_and_out() {
    let world = World::new().await;
    let browser = world.browser();
    let mut tab = browser.tab();
    let home = world.sign_in(&mut tab, "erin@example.org", PASSWORD).await;
    assert_eq!(home.url().path(), "/home");
    assert!(home.text().contains("erin@example.org"), "{}", home.text());
    let session = browser.cookie(&world.url, COOKIE).unwrap().unwrap();

    let again = tab.open(&world.at("/")).await.unwrap();
    assert_eq!(
        again.url().path(),
        "/home",
        "who is signed in needs no sign-in page"
    );

    let out = home.form_with_button("Sign out").unwrap();
    let page = tab.submit(out).await.unwrap();
    assert_eq!(page.url().path(), "/signed-out");
    assert_eq!(browser.cookie(&world.url, COOKIE).unwrap(), None);
    // The token itself is dead, wherever it has been copied to.
    browser
        .set_cookie(&world.url, &format!("{COOKIE}={session}; Path=/"))
        .unwrap();
    let page = tab.open(&world.at("/home")).await.unwrap();
    assert_eq!(page.url().path(), "/");
    assert_eq!(page.url().query(), Some("next=%2Fhome"));
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_look_the_same() {
    let world = World::new().await;
    let mut seen = Vec::new();
    for name in [
        "erin@example.org",
        "nobody@example.org",
        "x@elsewhere.test",
        "root",
        "karin",
    ] {
        let browser = world.browser();
        let page = world
            .sign_in(&mut browser.tab(), name, "not the password")
            .await;
        assert_eq!(page.status(), StatusCode::UNAUTHORIZED, "{name}");
        let form = page.form_with_button("Sign in").unwrap();
        assert_eq!(
            form.value("name").as_deref(),
            Some(name),
            "the name is kept"
        );
        assert!(!page.body().contains("not the password"));
        let reference = page.text_of("strong.mono").unwrap();
        let text = page.text().replace(&reference, "REFERENCE");
        seen.push(text);
        assert_eq!(browser.cookie(&world.url, COOKIE).unwrap(), None);
    }
    assert!(seen[0].contains("Wrong name or password."), "{}", seen[0]);
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[tokio::test]
async fn guessing_is_slowed_down_with_a_page_that_says_so() {
    let world = World::new().await;
    let browser = world.browser();
    let mut tab = browser.tab();
    let mut last = None;
    for _ in 0..30 {
        let page = world
            .sign_in(&mut tab, "erin@example.org", "not the password")
            .await;
        if page.status() == StatusCode::TOO_MANY_REQUESTS {
            last = Some(page);
            break;
        }
    }
    let page = last.unwrap();
    assert!(
        page.text().contains("Too many tries. Wait "),
        "{}",
        page.text()
    );
}

#[tokio::test]
async fn an_administrator_is_led_to_the_administration() {
    let world = World::new().await;
    let browser = world.browser();
    let mut tab = browser.tab();
    let page = world.sign_in(&mut tab, "karin", PASSWORD).await;
    assert_eq!(page.url().path(), "/admin");
    // A person's pages have nothing to show to somebody without a mailbox.
    let page = tab.open(&world.at("/devices")).await.unwrap();
    assert_eq!(page.url().path(), "/admin");
}

#[tokio::test]
async fn signing_in_makes_a_new_session_and_ends_the_one_before() {
    let world = World::new().await;
    world.local_mailbox("eve@example.org").await;
    let (attacker, victim) = (world.browser(), world.browser());
    world
        .sign_in(&mut attacker.tab(), "eve@example.org", PASSWORD)
        .await;
    let planted = attacker.cookie(&world.url, COOKIE).unwrap().unwrap();

    // The victim's browser was made to carry the attacker's session, and a form shown before.
    let mut tab = victim.tab();
    let page = tab.open(&world.at("/")).await.unwrap();
    let form = page.form_with_button("Sign in").unwrap();
    let form = form.fill("name", "erin@example.org").unwrap();
    let form = form.fill("password", PASSWORD).unwrap();
    victim
        .set_cookie(&world.url, &format!("{COOKIE}={planted}; Path=/"))
        .unwrap();
    let refused = tab.submit(form).await.unwrap();
    assert_eq!(
        refused.status(),
        StatusCode::FORBIDDEN,
        "the form was of another session"
    );

    let own = world.browser();
    world
        .sign_in(&mut own.tab(), "erin@example.org", PASSWORD)
        .await;
    let first = own.cookie(&world.url, COOKIE).unwrap().unwrap();
    assert_ne!(first, planted);
    let before = own.tab().open(&world.at("/home")).await.unwrap();
    assert!(before.text().contains("erin@example.org"));
}

#[tokio::test]
async fn a_sign_in_leads_back_to_this_site_only() {
    let world = World::new().await;
    for (next, path) in [
        ("/devices", "/devices"),
        ("/security?x=1", "/security"),
        ("//evil.test/", "/home"),
        ("https://evil.test/", "/home"),
        ("/%5Cevil.test", "/%5Cevil.test"),
        ("/\\evil.test", "/home"),
        ("javascript:alert(1)", "/home"),
    ] {
        let browser = world.browser();
        let mut tab = browser.tab();
        let query: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("next", next)
            .finish();
        let page = tab.open(&world.at(&format!("/?{query}"))).await.unwrap();
        let form = page.form_with_button("Sign in").unwrap();
        let form = form.fill("name", "erin@example.org").unwrap();
        let page = tab
            .submit(form.fill("password", PASSWORD).unwrap())
            .await
            .unwrap();
        assert_eq!(page.url().path(), path, "{next}");
        assert!(page.url().as_str().starts_with(&world.url));
    }
}

#[tokio::test]
async fn who_is_switched_off_is_out_at_once() {
    let world = World::new().await;
    let browser = world.browser();
    let mut tab = browser.tab();
    world.sign_in(&mut tab, "erin@example.org", PASSWORD).await;
    let erin = "erin@example.org".parse().unwrap();
    world
        .app
        .disable_mailbox(&Actor::CommandLine, &erin, "left the company")
        .await
        .unwrap();
    let page = tab.open(&world.at("/home")).await.unwrap();
    assert_eq!(page.url().path(), "/");
    let page = world.sign_in(&mut tab, "erin@example.org", PASSWORD).await;
    assert_eq!(page.status(), StatusCode::FORBIDDEN);
    assert!(
        page.text().contains("Your mailbox is switched off"),
        "{}",
        page.text()
    );
    assert!(
        !page.text().contains("left the company"),
        "reasons are for administrators"
    );
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let world = World::new().await;
    let browser = world.browser();
    let mut tab: Tab = browser.tab();
    world.sign_in(&mut tab, "erin@example.org", PASSWORD).await;
    let cookie = || browser.cookie(&world.url, COOKIE).unwrap().unwrap();
    let ended = cookie();
    world
        .clock
        .advance(std::time::Duration::from_secs(13 * 3600));
    let page = tab.open(&world.at("/home")).await.unwrap();
    assert_eq!(page.url().path(), "/");
    // Another tab may have been given a new one before this answer came.
    assert_eq!(cookie(), ended, "an answer to the old one takes none away");
    let page = world.sign_in(&mut tab, "erin@example.org", PASSWORD).await;
    assert_eq!(page.url().path(), "/home");
    assert_ne!(cookie(), ended);
}
