//! Test sign-ins, and the switch that asks for one.

use crate::admin::{assert_wrong, karin};
use crate::world::{PASSWORD, World};
use app::Client;
use app::sign_in::{Arrived, Ended};
use app::test_sign_in::{KEPT_FOR, TestBegun};
use http::{Request, StatusCode};
use model::audit::Actor;
use model::outcome::Code;
use model::provider::{RedirectForm, ResponseMode};
use std::time::Duration;
use testkit::browser::{Page, Tab};

const PROVIDER: &str = "/admin/providers/example";

async fn switched_off(world: &World) {
    world.change_provider(|p| p.active = false).await;
}

async fn is_on(world: &World) -> bool {
    world.app.provider("example").await.unwrap().settings.active
}

/// Runs a test from the provider's page; its result, at an address of its own.
async fn tested(world: &World, tab: &mut Tab, login: &str) -> Page {
    tab.open(&world.at(PROVIDER)).await.unwrap();
    let page = tab.follow("Test sign-in").await.unwrap();
    let page = world.as_person(tab, &page, login).await;
    let at = page.url().path();
    assert!(at.starts_with(&format!("{PROVIDER}/tests/")), "{at}");
    page
}

/// The page of the switch.
async fn switch(world: &World, tab: &mut Tab) -> Page {
    let path = format!("{PROVIDER}/switch");
    tab.open(&world.at(&path)).await.unwrap()
}

#[tokio::test]
async fn a_test_that_passed_leads_to_the_switch() {
    let world = World::new().await;
    switched_off(&world).await;
    let mut tab = karin(&world).await;
    let page = tested(&world, &mut tab, "alice").await;
    assert_eq!(page.text_of(".verdict h2").unwrap(), "It works");
    let text = page.text();
    for words in [
        "Nothing was saved.",
        "The mailbox alice@example.org would be made, and they would be signed in to it.",
        "0b9d6c1e-6f5e-4c77-9a37-5d3a52c9f0a1",
        "1. mailcow_template is staff",
        "Alice Aalto",
        "openid profile email mailcow_template",
        "userinfo",
        "ID token",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    // What goes to somebody else has nothing of hers.
    let report = page.text_of("#c-report").unwrap();
    assert!(
        report.contains("claim email (userinfo): a text of 17 characters"),
        "{report}"
    );
    for hers in ["alice", "Alice", "0b9d6c1e"] {
        assert!(!report.contains(hers), "{report}");
    }
    assert!(!world.has("alice@example.org").await);

    let own = page.url().clone();
    let provider = tab.open(&world.at(PROVIDER)).await.unwrap();
    assert!(
        provider.text().contains("Last test sign-ins"),
        "{}",
        provider.text()
    );
    let page = tab.open(own.as_str()).await.unwrap();
    let form = page.form_with_button("Looks right: switch it on").unwrap();
    let page = tab.submit(form).await.unwrap();
    assert!(
        page.text().contains("example SSO is switched on."),
        "{}",
        page.text()
    );
    assert!(is_on(&world).await);
    let page = tab.open(own.as_str()).await.unwrap();
    assert!(page.form_with_button("Looks right: switch it on").is_err());
}

#[tokio::test]
async fn a_refused_test_shows_both_texts_and_the_fix() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let page = tested(&world, &mut tab, "carol").await;
    assert_eq!(page.status(), StatusCode::OK);
    assert_eq!(page.text_of(".verdict h2").unwrap(), "Refused: SSO-405");
    let text = page.text();
    for words in [
        "The person would read",
        "No mailbox type for you yet",
        "gatepost rule list example",
        "No mailbox would be made or changed.",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    let fix = page.link("Choose what everyone else gets").unwrap();
    assert_eq!(fix.path(), format!("{PROVIDER}/rules"));
    assert!(page.form_with_button("Looks right: switch it on").is_err());
    // No attempt of anybody was recorded.
    let sign_ins = tab.open(&world.at("/admin/sign-ins")).await.unwrap();
    assert!(!sign_ins.text().contains("carol"), "{}", sign_ins.text());
}

#[tokio::test]
async fn a_result_is_for_administrators_and_for_half_an_hour() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let result = tested(&world, &mut tab, "alice").await.url().clone();
    let nobody = world.browser().tab().open(result.as_str()).await.unwrap();
    assert_eq!(nobody.url().path(), "/");
    let mut erin = world.browser().tab();
    world.sign_in(&mut erin, "erin@example.org", PASSWORD).await;
    let page = erin.open(result.as_str()).await.unwrap();
    assert_eq!(page.status(), StatusCode::FORBIDDEN);
    assert!(!page.body().contains("alice"));

    for path in ["/tests/nothing", "/tests/..%2f..", "/tests/%00"] {
        let page = tab
            .open(&world.at(&format!("{PROVIDER}{path}")))
            .await
            .unwrap();
        assert!(page.status().is_client_error(), "{path}");
    }
    for path in ["/test", "/tests", "/tests/x"] {
        let unknown = format!("/admin/providers/nobody{path}");
        let page = tab.open(&world.at(&unknown)).await.unwrap();
        assert_eq!(page.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let provider = world.app.provider("example").await.unwrap();
    world.clock.advance(KEPT_FOR - Duration::from_secs(1));
    assert!(world.app.test_passed(&provider).is_some());
    world.clock.advance(Duration::from_secs(1));
    assert!(world.app.test_passed(&provider).is_none());
    assert!(world.app.test_sign_ins("example").await.unwrap().is_empty());
}

#[tokio::test]
async fn private_values_are_opened_on_record() {
    const CANARY: &str = "Canary Lane 7";
    let world = World::new().await;
    let private = vec!["street".to_owned()];
    let set = world.app.set_private_claims(&Actor::CommandLine, private);
    set.await.unwrap();
    let company = world.company.company();
    company.set_claim("alice", "street", CANARY).unwrap();
    let mut tab = karin(&world).await;
    let result = tested(&world, &mut tab, "alice").await;
    assert!(!result.body().contains(CANARY), "{}", result.text());
    let report = result.text_of("#c-report").unwrap();
    assert!(
        report.contains("claim street (userinfo): private"),
        "{report}"
    );
    let form = result.form_with_button("Show private values").unwrap();
    let opened = tab.submit(form.clone()).await.unwrap();
    assert_eq!(opened.status(), StatusCode::OK);
    assert!(opened.body().contains(CANARY), "{}", opened.text());
    let report = opened.text_of("#c-report").unwrap();
    assert!(!report.contains(CANARY), "{report}");
    let (events, _) = world.app.events(None, 20).await.unwrap();
    assert!(format!("{events:?}").contains("test_sign_in.open"));

    for (path, status) in [
        ("tests/nothing/open", StatusCode::NOT_FOUND),
        ("tests/%00/open", StatusCode::NOT_FOUND),
    ] {
        let other = form
            .clone()
            .with_action(&world.at(&format!("{PROVIDER}/{path}")));
        let page = tab.submit(other.unwrap()).await.unwrap();
        assert_eq!(page.status(), status, "{path}");
    }
    let forged = tab.submit(form.tamper("form_token", "x")).await.unwrap();
    assert!(forged.status().is_client_error(), "{}", forged.text());
}

#[tokio::test]
async fn a_test_may_not_stay_away_longer_than_a_sign_in() {
    let world = World::new().await;
    let (actor, client) = (Actor::CommandLine, Client::default());
    let begun = world
        .app
        .begin_test_sign_in(&actor, "example", "browser", &client);
    let TestBegun::Leave(url) = begun.await.unwrap() else {
        panic!("it leaves")
    };
    let state = url
        .split("state=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    world.clock.advance(app::sign_in::FLOW_LIFETIME);
    let arrived = Arrived::OwnPath("example".to_owned());
    let query = format!("code=x&state={state}");
    let ended = world
        .app
        .finish_sign_in(arrived, &query, Some("browser"), &client);
    let Ended::Refused(refused) = ended.await else {
        panic!("too late")
    };
    assert_eq!(refused.refusal.code, Code::ForeignState);
}

#[tokio::test]
async fn another_sites_link_starts_no_test() {
    let world = World::new().await;
    let browser = world.browser();
    world.sign_in(&mut browser.tab(), "karin", PASSWORD).await;
    let cookie = browser.cookie(&world.url, "gatepost").unwrap().unwrap();
    for (site, leaves) in [
        ("cross-site", false),
        ("same-site", false),
        ("same-origin", true),
        ("none", true),
    ] {
        let request = Request::get(format!("{PROVIDER}/test"))
            .header("cookie", format!("gatepost={cookie}"))
            .header("sec-fetch-site", site);
        let answer = world.send(request, "").await;
        let to = answer.headers()["location"].to_str().unwrap();
        assert_eq!(
            to.starts_with(world.company.issuer()),
            leaves,
            "{site}: {to}"
        );
        assert_eq!(to == format!("{PROVIDER}/tests"), !leaves, "{site}: {to}");
    }
}

#[tokio::test]
async fn turning_on_untested_is_a_word_of_its_own() {
    let world = World::new().await;
    switched_off(&world).await;
    let mut tab = karin(&world).await;
    let page = switch(&world, &mut tab).await;
    assert!(
        page.text().contains("No test sign-in has passed"),
        "{}",
        page.text()
    );
    let form = page.form_with_button("Switch on").unwrap();
    let page = tab.submit(form.clone()).await.unwrap();
    assert_wrong(&page, "untested");
    assert!(!is_on(&world).await);
    // Saving the form does not switch it on by the way.
    let provider = tab.open(&world.at(PROVIDER)).await.unwrap();
    let save = provider
        .form_with_button("Save")
        .unwrap()
        .tamper("active", "true");
    tab.submit(save).await.unwrap();
    assert!(!is_on(&world).await);

    let page = switch(&world, &mut tab).await;
    let form = page.form_with_button("Switch on").unwrap();
    let page = tab
        .submit(form.tick("untested", "true").unwrap())
        .await
        .unwrap();
    assert!(page.text().contains("is switched on"), "{}", page.text());
    assert!(is_on(&world).await);
}

#[tokio::test]
async fn the_bare_origin_takes_a_tests_answer_too() {
    let world = World::new().await;
    world.provider("old", RedirectForm::BareOrigin).await;
    let mut tab = karin(&world).await;
    let page = tab
        .open(&world.at("/admin/providers/old/test"))
        .await
        .unwrap();
    let page = world.as_person(&mut tab, &page, "bob").await;
    assert!(
        page.url().path().starts_with("/admin/providers/old/tests/"),
        "{}",
        page.url()
    );
    assert_eq!(page.text_of(".verdict h2").unwrap(), "It works");
}

#[tokio::test]
async fn an_answer_by_a_form_ends_a_test_too() {
    let world = World::new().await;
    let by_form = ResponseMode::FormPost;
    world.change_provider(|p| p.response_mode = by_form).await;
    switched_off(&world).await;
    let mut tab = karin(&world).await;
    let page = tested(&world, &mut tab, "alice").await;
    assert_eq!(page.text_of(".verdict h2").unwrap(), "It works");
    assert!(!world.has("alice@example.org").await);
    // It proved this way of answering, and no other.
    let query = ResponseMode::Query;
    world.change_provider(|p| p.response_mode = query).await;
    let mut tab = karin(&world).await;
    let page = switch(&world, &mut tab).await;
    assert!(
        page.text().contains("No test sign-in has passed"),
        "{}",
        page.text()
    );
}
