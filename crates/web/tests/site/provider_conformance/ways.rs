//! Nobody is left standing in our pages: the way back to the app from whatever goes wrong on the way.

use super::*;
use crate::admin::karin;
use http::Request;
use http::header::CONTENT_TYPE;
use model::oauth_app::Consent;
use model::outcome::Code;
use std::time::Duration;

/// A world with an app that leads straight to the company.
async fn straight() -> World {
    let world = world().await;
    let to = world.app.provider("example").await.unwrap().id;
    add(&world, "straight", |s| s.straight_to = Some(to)).await;
    world
}

const STRAIGHT: (&str, &str) = ("client_id", "straight");

/// What the way back tells the app.
fn told(world: &World, page: &Page) -> String {
    let back = page.link("Back to Files").unwrap();
    let (redirect, _) = back.as_str().split_once('?').unwrap();
    assert_eq!(redirect, BACK);
    let said: HashMap<_, _> = back.query_pairs().into_owned().collect();
    assert_eq!(said["state"], "st ate&1");
    assert_eq!(said["iss"], world.url);
    assert_eq!(
        page.header("cross-origin-opener-policy"),
        Some("unsafe-none")
    );
    said["error"].clone()
}

fn is_refused(code: Code, page: &Page) {
    assert_eq!(
        page.status().as_u16(),
        code.entry().status,
        "{}",
        page.text()
    );
}

#[tokio::test]
async fn who_is_refused_at_the_provider_can_go_back_to_the_app() {
    let world = straight().await;
    let mut tab = tab(&world);
    let page = open(&world, &mut tab, &[STRAIGHT]).await;
    let form = page.form_with_button("Say no and go back").unwrap();
    let form = form.press("Say no and go back").unwrap();
    let page = tab.submit(form).await.unwrap();
    is_refused(Code::ProviderSaidNo, &page);
    assert_eq!(told(&world, &page), "access_denied");
    // Another way leads to the app too.
    let page = tab.follow("Another way to sign in").await.unwrap();
    assert_eq!(told(&world, &page), "access_denied");
    let page = basic::signs_in(&mut tab, &page).await;
    assert!(page.text().contains("Not you?"), "{}", page.text());
}

#[tokio::test]
async fn who_has_no_mailbox_or_one_that_is_off_can_go_back() {
    let world = straight().await;
    let command = model::audit::Actor::CommandLine;
    let alice = "alice@example.org".parse().unwrap();
    let mut tab = tab(&world);
    let page = open(&world, &mut tab, &[STRAIGHT]).await;
    world.as_person(&mut tab, &page, "alice").await;
    let off = world.app.disable_mailbox(&command, &alice, "left");
    off.await.unwrap();
    let page = open(&world, &mut tab, &[STRAIGHT]).await;
    is_refused(Code::MailboxInactive, &page);
    assert_eq!(told(&world, &page), "access_denied");

    world.change_provider(|p| p.create = false).await;
    let mut tab = super::tab(&world);
    let page = open(&world, &mut tab, &[STRAIGHT]).await;
    let page = world.as_person(&mut tab, &page, "bob").await;
    is_refused(Code::CreationOff, &page);
    assert_eq!(told(&world, &page), "access_denied");
}

#[tokio::test]
async fn a_sign_in_that_took_too_long_or_comes_twice_knows_its_app() {
    let world = straight().await;
    let mut tab = tab(&world);
    let page = open(&world, &mut tab, &[STRAIGHT]).await;
    world.clock.advance(Duration::from_secs(601));
    // What has ended was swept.
    world.app.sweep().await.unwrap();
    let page = world.as_person(&mut tab, &page, "alice").await;
    is_refused(Code::ForeignState, &page);
    assert_eq!(told(&world, &page), "login_required");
    let page = tab.follow("Try again").await.unwrap();
    assert_eq!(page.text_of("h1").unwrap(), "You are signed in");
    let used = page.url().clone();
    // The Back button brings the same answer once more.
    let page = tab.open(used.as_str()).await.unwrap();
    is_refused(Code::ForeignState, &page);
    assert_eq!(told(&world, &page), "login_required");
    let page = tab.follow("Try again").await.unwrap();
    is_code(&world, &allow(&mut tab, &page).await);
    // Another browser learns nothing of it, and nobody does for ever.
    let page = super::tab(&world).open(used.as_str()).await.unwrap();
    is_refused(Code::ForeignState, &page);
    assert!(page.link("Back to Files").is_err());
    world.clock.advance(Duration::from_secs(2 * 3600));
    world.app.sweep().await.unwrap();
    let page = tab.open(used.as_str()).await.unwrap();
    assert!(page.link("Back to Files").is_err());
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_told_to_the_app_as_a_passing_fault() {
    let world = straight().await;
    let gone = model::provider::Endpoints::Issuer {
        issuer: "https://127.0.0.1:9".to_owned(),
    };
    let secret = app::providers::SecretChange::Set("another".to_owned().into());
    world.edit("example", secret, |p| p.endpoints = gone).await;
    let mut tab = tab(&world);
    let page = open(&world, &mut tab, &[STRAIGHT]).await;
    is_refused(Code::ProviderUnreachable, &page);
    assert_eq!(told(&world, &page), "temporarily_unavailable");
    // The same from the button of the sign-in page.
    let page = open(&world, &mut tab, &[]).await;
    assert_eq!(told(&world, &page), "access_denied");
    let page = tab.follow("Continue with example SSO").await.unwrap();
    assert_eq!(told(&world, &page), "temporarily_unavailable");
}

#[tokio::test]
async fn an_app_that_wants_forms_gets_its_way_back_as_one() {
    let world = world().await;
    add(&world, "board", |s| {
        s.access = model::oauth_app::AppAccess::Only {
            domains: [].into(),
            tags: ["board".to_owned()].into(),
        };
    })
    .await;
    let posted = ("response_mode", "form_post");
    let carries = |page: &Page, error: &str| {
        let form = page.form_with_button("Back to Files").unwrap();
        assert_eq!(form.action().as_str(), BACK);
        assert_eq!(form.value("error").as_deref(), Some(error));
        assert_eq!(form.value("state").as_deref(), Some("st ate&1"));
        assert_eq!(form.value("iss"), Some(world.url.clone()));
        let policy = page.header("content-security-policy").unwrap();
        assert!(
            policy.contains("form-action 'self' https://files.example.com;"),
            "{policy}"
        );
    };
    let mut tab = tab(&world);
    let page = open(&world, &mut tab, &[posted]).await;
    carries(&page, "access_denied");
    let page = tab.open(&world.at("/sso/unknown/start")).await.unwrap();
    assert!(page.form_with_button("Back to Files").is_err());
    let mut erin = erin(&world).await;
    let page = open(&world, &mut erin, &[posted, ("client_id", "board")]).await;
    carries(&page, "access_denied");
}

#[tokio::test]
async fn the_way_back_leads_to_registered_redirects_alone() {
    let world = world().await;
    for evil in [
        "https://evil.example/cb",
        "https://files.example.com/cb/",
        "javascript:alert(1)",
    ] {
        let asked = request(&world, &[("redirect_uri", evil)]);
        let next = asked.strip_prefix(&world.url).unwrap();
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("next", next)
            .finish();
        let start = format!("/sso/unknown/start?{query}");
        for path in [format!("/?{query}"), start] {
            let page = tab(&world).open(&world.at(&path)).await.unwrap();
            assert!(!page.text().contains("Back to Files"), "{}", page.text());
            assert!(page.link("Back to Files").is_err());
        }
    }
}

/// As long as one can be, it finds its way; a longer one is answered at once.
#[tokio::test]
async fn a_long_request_finds_its_way_or_is_refused_at_once() {
    let world = world().await;
    let mut tab = tab(&world);
    let long = "%".repeat(2_200);
    let page = open(&world, &mut tab, &[("login_hint", &long)]).await;
    let page = basic::signs_in(&mut tab, &page).await;
    is_code(&world, &allow(&mut tab, &page).await);
    let page = open(&world, &mut super::tab(&world), &[("login_hint", &long)]).await;
    let start = page.link("Continue with example SSO").unwrap();
    let mut other = super::tab(&world);
    let page = other.open(start.as_str()).await.unwrap();
    assert!(
        page.url().as_str().starts_with(world.company.issuer()),
        "{}",
        page.url()
    );
    world.as_person(&mut other, &page, "alice").await;
    let page = other.follow("Continue").await.unwrap();
    is_code(&world, &allow(&mut other, &page).await);

    let longer = "%".repeat(3_200);
    let page = open(&world, &mut tab, &[("login_hint", &longer)]).await;
    assert_eq!(error(&world, &page), "invalid_request");
    let wrong = [
        ("login_hint", longer.as_str()),
        ("redirect_uri", "https://evil.example/"),
    ];
    let page = open(&world, &mut tab, &wrong).await;
    is_refused(Code::AppRedirect, &page);
    // By a form there is room for more than a request line holds.
    let body = request(&world, &[("login_hint", &"%".repeat(8_000))]);
    let post =
        Request::post("/oauth/authorize").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = world.send(post, body.split_once('?').unwrap().1).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let to = location(&answer);
    assert!(
        to.starts_with(BACK) && to.contains("error=invalid_request"),
        "{to}"
    );
}

/// What a browser leaves as it is finds its way too: the demand is met by one sign-in.
#[tokio::test]
async fn unusual_characters_do_not_lose_the_way() {
    let world = world().await;
    let mut tab = erin(&world).await;
    let plain = request(&world, &[("prompt", "login"), ("state", "")]);
    let page = tab.open(&format!("{plain}&state=a\\b'c")).await.unwrap();
    let page = basic::signs_in(&mut tab, &page).await;
    let page = allow(&mut tab, &page).await;
    assert_eq!(answered(&page)["state"], "a\\b'c");
}

#[tokio::test]
async fn a_consent_page_that_ran_out_leads_on() {
    let world = world().await;
    let mut tab = erin(&world).await;
    let page = open(&world, &mut tab, &[]).await;
    let (allows, denies) = (
        page.form_with_button("Allow")
            .unwrap()
            .press("Allow")
            .unwrap(),
        page.form_with_button("Deny")
            .unwrap()
            .press("Deny")
            .unwrap(),
    );
    // Another tab signs in anew: the page here is of a session that is gone.
    let anew = open(&world, &mut tab, &[("prompt", "login")]).await;
    basic::signs_in(&mut tab, &anew).await;
    let page = tab.submit(allows.clone()).await.unwrap();
    assert_eq!(page.text_of("h1").unwrap(), "One moment");
    let page = tab.follow("Continue").await.unwrap();
    assert!(page.text().contains("Not you?"), "{}", page.text());
    let page = tab.submit(denies.clone()).await.unwrap();
    assert_eq!(error(&world, &page), "access_denied");
    // The session ended altogether.
    let home = tab.open(&world.at("/home")).await.unwrap();
    let out = home.form_with_button("Sign out").unwrap();
    tab.submit(out).await.unwrap();
    tab.submit(allows).await.unwrap();
    let page = tab.follow("Continue").await.unwrap();
    assert!(
        page.text().contains("Sign in to go on to Files."),
        "{}",
        page.text()
    );
    let page = tab.submit(denies).await.unwrap();
    assert_eq!(error(&world, &page), "access_denied");
}

/// Two tabs ask for two apps; each comes to its own.
#[tokio::test]
async fn a_sign_in_page_left_open_leads_on_when_another_tab_signed_in() {
    let world = world().await;
    add(&world, "cloud", |s| s.consent = Consent::Trusted).await;
    let browser = world.browser();
    let tab = || {
        let mut tab = browser.tab();
        tab.stop_before("https://files.example.com");
        tab
    };
    let (mut one, mut two) = (tab(), tab());
    let left_open = open(
        &world,
        &mut one,
        &[("client_id", "cloud"), ("state", "one")],
    )
    .await;
    let page = open(&world, &mut two, &[("state", "two")]).await;
    let page = basic::signs_in(&mut two, &page).await;
    assert_eq!(answered(&allow(&mut two, &page).await)["state"], "two");
    let form = left_open.form_with_button("Sign in").unwrap();
    let form = form.fill("name", "erin@example.org").unwrap();
    let page = one
        .submit(form.fill("password", "whatever").unwrap())
        .await
        .unwrap();
    assert_eq!(page.text_of("h1").unwrap(), "One moment");
    let page = one.follow("Continue").await.unwrap();
    assert_eq!(answered(&page)["state"], "one");
    // A bookmark of the sign-in page leads on as well.
    let next = left_open.attribute("input[name=next]", "value").unwrap();
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("next", &next)
        .finish();
    let page = one.open(&world.at(&format!("/?{query}"))).await.unwrap();
    assert_eq!(answered(&page)["state"], "one");
}

/// An app may have opened the sign-in in a window of its own.
#[tokio::test]
async fn only_the_way_to_an_app_keeps_the_window_that_opened_it() {
    let world = straight().await;
    let mut tab = tab(&world);
    let keeps = |page: &Page| page.header("cross-origin-opener-policy") == Some("unsafe-none");
    let page = open(&world, &mut tab, &[]).await;
    assert!(keeps(&page));
    let start = page.link("Continue with example SSO").unwrap();
    let next = page.attribute("input[name=next]", "value").unwrap();
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("next", &next)
        .finish();
    let sign_in = tab.open(&world.at(&format!("/?{query}"))).await.unwrap();
    assert!(keeps(&sign_in));
    let wrong = sign_in.form_with_button("Sign in").unwrap();
    let wrong = wrong.fill("name", "erin@example.org").unwrap();
    let page = tab
        .submit(wrong.fill("password", "x").unwrap())
        .await
        .unwrap();
    assert_eq!(page.status(), StatusCode::UNAUTHORIZED);
    assert!(keeps(&page));
    // Leaving and coming back.
    tab.stop_before(world.company.issuer());
    assert!(keeps(&tab.open(start.as_str()).await.unwrap()));
    let page = open(&world, &mut tab, &[STRAIGHT]).await;
    assert!(page.location().unwrap().is_some() && keeps(&page));
    tab.stop_before("https://files.example.com");
    let page = open(&world, &mut tab, &[STRAIGHT]).await;
    let page = world.as_person(&mut tab, &page, "alice").await;
    assert!(keeps(&page));
    let page = tab.follow("Continue").await.unwrap();
    assert!(keeps(&page));
    assert!(keeps(&allow(&mut tab, &page).await));
    // Everywhere else.
    for path in [
        "/home",
        "/apps",
        "/signed-out",
        "/sso/example/start",
        "/oauth/consent",
    ] {
        tab.stop_before(world.company.issuer());
        assert!(!keeps(&tab.open(&world.at(path)).await.unwrap()), "{path}");
    }
    let page = super::tab(&world).open(&world.at("/")).await.unwrap();
    assert!(!keeps(&page));
}

#[tokio::test]
async fn an_attempt_at_an_app_that_is_off_names_it() {
    let world = world().await;
    let id = add(&world, "off", |s| s.active = false).await;
    open(&world, &mut erin(&world).await, &[("client_id", "off")]).await;
    assert_eq!(world.last_refusal().await.code, Code::AppOff);
    let filter = app::attempts::AttemptFilter {
        app: Some(id),
        ..Default::default()
    };
    let page = app::domains::Page::default();
    assert_eq!(
        world.app.attempts(filter, page).await.unwrap().rows.len(),
        1
    );
}

/// The redirect is added exactly as it was sent, or not offered.
#[tokio::test]
async fn a_redirect_is_offered_to_be_added_exactly_as_it_came() {
    let world = world().await;
    let mut tab = karin(&world).await;
    let long = format!("https://files.example.com/{}", "x".repeat(400));
    for sent in [long.as_str(), "https://files.example.com/a%E2%80%AEb"] {
        let page = open(&world, &mut tab, &[("redirect_uri", sent)]).await;
        let add = page.link("Add this URI").unwrap();
        let (_, redirect) = add.query_pairs().next().unwrap();
        assert_eq!(redirect, sent);
    }
    for sent in [
        "javascript:alert(1)",
        "https://files.example.com/a\u{202e}b",
        "/cb",
        "",
    ] {
        let page = open(&world, &mut tab, &[("redirect_uri", sent)]).await;
        is_refused(Code::AppRedirect, &page);
        assert!(page.link("Add this URI").is_err(), "{sent}");
    }
}

#[tokio::test]
async fn what_is_said_about_being_asked_again_is_true() {
    let world = world().await;
    add(&world, "trusted", |s| s.consent = Consent::Trusted).await;
    add(&world, "always", |s| {
        s.refresh = model::oauth_app::RefreshRule::Always
    })
    .await;
    let mut tab = erin(&world).await;
    let away = "also while you are away";
    let page = open(&world, &mut tab, &[]).await;
    assert!(!page.text().contains(away), "{}", page.text());
    allow(&mut tab, &page).await;
    is_code(
        &world,
        &open(&world, &mut tab, &[("client_id", "trusted")]).await,
    );
    let page = open(&world, &mut tab, &[("client_id", "always")]).await;
    assert!(page.text().contains(away), "{}", page.text());
    allow(&mut tab, &page).await;
    let page = tab.open(&world.at("/apps")).await.unwrap();
    assert!(page.text().contains(away), "{}", page.text());
    for (app, words) in [(1, "you are asked first"), (2, "without a question")] {
        let page = tab
            .open(&world.at(&format!("/apps/{app}/disconnect")))
            .await
            .unwrap();
        assert!(page.text().contains(words), "{}", page.text());
        let form = page.form_with_button("Disconnect").unwrap();
        tab.submit(form).await.unwrap();
    }
    let page = open(&world, &mut tab, &[]).await;
    assert!(page.text().contains("Not you?"), "{}", page.text());
    is_code(
        &world,
        &open(&world, &mut tab, &[("client_id", "trusted")]).await,
    );
}
