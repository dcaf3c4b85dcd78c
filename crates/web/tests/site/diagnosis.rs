//! Why somebody cannot sign in, on the pages: gates, timeline, deciding anew, private values,
//! settings.

use crate::admin::{assert_wrong, karin};
use crate::world::World;
use http::StatusCode;
use model::provider::EveryoneElse;
use testkit::browser::{Page, Tab};

const CANARY: &str = "Canary Lane 7";

/// Carol, whom no rule fits, was refused; the page of her attempt.
async fn carol(world: &World, tab: &mut Tab) -> Page {
    let refused = world
        .by_company(&mut world.browser().tab(), "/sso/example/start", "carol")
        .await;
    assert!(
        refused.text().contains("no mailbox type"),
        "{}",
        refused.text()
    );
    let list = tab
        .open(&world.at("/admin/sign-ins?q=carol@example.org"))
        .await
        .unwrap();
    let attempt = list.link("carol@example.org").unwrap();
    tab.open(attempt.as_str()).await.unwrap()
}

async fn everyone_gets_a_mailbox(world: &World) {
    let everyone = EveryoneElse::Template(world.template);
    world.change_provider(|p| p.everyone_else = everyone).await;
}

#[tokio::test]
async fn the_helpdesk_finds_the_gate_mends_it_and_sees_it_mended() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let attempt = carol(&world, &mut tab).await;
    // The timeline has its steps with their times.
    for step in ["Came back", "Code exchanged", "ID token", "Rule", "Outcome"] {
        assert!(attempt.text().contains(step), "{step}: {}", attempt.text());
    }
    assert!(attempt.count(".check .took").unwrap() > 5);

    let page = tab.open(&world.at("/admin/why")).await.unwrap();
    assert!(page.text().contains("Refused lately"), "{}", page.text());
    assert!(page.text().contains("carol@example.org"));
    let form = page.form_with_button("Find out").unwrap();
    let form = form.fill("who", "carol@example.org").unwrap();
    let page = tab.submit(form).await.unwrap();
    assert!(page.text().contains("Blocked now"), "{}", page.text());
    let gates = ".checks[aria-label='What is asked, in order'] > .check";
    assert_eq!(page.count(gates).unwrap(), 16);
    assert_eq!(page.count(&format!("{gates}.error")).unwrap(), 1);
    let shut = page.text_of(&format!("{gates}.error")).unwrap();
    assert!(
        shut.contains("Rule match") && shut.contains("SSO-405"),
        "{shut}"
    );
    // She has no mailbox yet, so her mail programs have nothing to show either.
    assert_eq!(page.count(&format!("{gates}.skipped")).unwrap(), 6);
    assert_eq!(page.count(".verdict a").unwrap(), 1, "one button");
    let fix = page.link("Choose what everyone else gets").unwrap();
    assert_eq!(fix.path(), "/admin/providers/example/rules");

    let replay = attempt.link("Replay against current rules").unwrap();
    let page = tab.open(replay.as_str()).await.unwrap();
    assert!(
        page.text().contains("Would be refused: SSO-405"),
        "{}",
        page.text()
    );
    everyone_gets_a_mailbox(&world).await;
    let page = tab.open(replay.as_str()).await.unwrap();
    assert!(page.text().contains("Would get in"), "{}", page.text());
    let why = attempt.link("How it stands now").unwrap();
    let page = tab.open(why.as_str()).await.unwrap();
    assert!(page.text().contains("Would work now"), "{}", page.text());
    assert!(page.text().contains("has been mended since"));
    world
        .by_company(&mut world.browser().tab(), "/sso/example/start", "carol")
        .await;
    let page = tab.open(why.as_str()).await.unwrap();
    assert!(page.text().contains("the last attempt succeeded"));
}

#[tokio::test]
async fn the_provider_is_asked_on_the_page_with_and_without_scripts() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let at = "/admin/why?who=alice@example.org";
    let page = tab.open(&world.at(at)).await.unwrap();
    let stream = "/admin/why/reach?who=alice%40example.org";
    assert_eq!(
        page.count(&format!(".checks[data-stream='{stream}']"))
            .unwrap(),
        1
    );
    let ask = page.link("Ask the provider now").unwrap();
    let asked = tab.open(ask.as_str()).await.unwrap();
    assert!(
        asked.text().contains("example SSO answered in"),
        "{}",
        asked.text()
    );
    let events = tab.open(&world.at(stream)).await.unwrap();
    assert!(events.body().contains("event: line"), "{}", events.body());
    assert!(
        events.body().contains("id=\"check-1\""),
        "{}",
        events.body()
    );
    assert!(events.body().contains("answered in"), "{}", events.body());

    for bad in ["", "nobody", "7K4Q-M2XD", "a@b@c", "x@nowhere.test"] {
        let page = tab
            .open(&world.at(&format!("/admin/why/reach?who={bad}")))
            .await
            .unwrap();
        assert_eq!(page.status(), StatusCode::NOT_FOUND, "{bad}");
    }
    let page = tab
        .open(&world.at("/admin/why?who=x@nowhere.test&check=yes"))
        .await
        .unwrap();
    assert!(page.text().contains("SSO-401"), "{}", page.text());
}

#[tokio::test]
async fn claims_are_changed_and_decided_about() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let attempt = carol(&world, &mut tab).await;
    let replay = attempt.link("Replay against current rules").unwrap();
    let page = tab.open(replay.as_str()).await.unwrap();
    let next = page.link("Change the claims and decide again").unwrap();
    let page = tab.open(next.as_str()).await.unwrap();
    let form = page.form_with_button("Decide").unwrap();
    let claims = form.value("claims").unwrap();
    assert!(claims.contains("carol@example.org"), "{claims}");
    let with = claims.replacen('{', "{ \"mailcow_template\": \"staff\",", 1);
    let page = tab
        .submit(form.clone().fill("claims", &with).unwrap())
        .await
        .unwrap();
    assert!(page.text().contains("Would get in"), "{}", page.text());
    assert!(page.text().contains("template") && page.text().contains("Staff"));
    let nobody = world
        .app
        .mailbox(&"carol@example.org".parse().unwrap())
        .await;
    assert!(nobody.is_err(), "nothing was made");

    for bad in ["", "{", "[1]", "<script>alert(1)</script>"] {
        let page = tab
            .submit(form.clone().fill("claims", bad).unwrap())
            .await
            .unwrap();
        assert_wrong(&page, "claims");
        assert!(!page.body().contains("<script>alert"));
    }
    let page = tab
        .open(&world.at("/admin/what-if?provider=none&attempt=x"))
        .await;
    assert_eq!(page.unwrap().status(), StatusCode::OK);
    let gone = tab
        .open(&world.at("/admin/what-if?attempt=7K4Q-M2XD"))
        .await;
    assert_eq!(gone.unwrap().status(), StatusCode::NOT_FOUND);
    for path in ["7K4Q-M2XD", "nothing"] {
        let page = tab
            .open(&world.at(&format!("/admin/sign-ins/{path}/replay")))
            .await
            .unwrap();
        assert_eq!(page.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn private_values_are_opened_one_attempt_at_a_time() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let page = tab.open(&world.at("/admin/settings")).await.unwrap();
    let form = page.form_with_button("Save").unwrap();
    assert!(
        form.value("private_claims")
            .unwrap()
            .contains("phone_number")
    );
    for (field, typed) in [
        ("keep_attempts", "0"),
        ("keep_mail_attempts", "401"),
        ("keep_audit", "soon"),
        ("private_claims", "x".repeat(101).as_str()),
    ] {
        let page = tab
            .submit(form.clone().fill(field, typed).unwrap())
            .await
            .unwrap();
        assert_wrong(&page, field);
    }
    let form = form
        .fill("private_claims", "street")
        .unwrap()
        .fill("keep_attempts", "90")
        .unwrap();
    let page = tab.submit(form).await.unwrap();
    assert!(page.text().contains("The settings are saved."));
    let again = page.form_with_button("Save").unwrap();
    assert_eq!(again.value("keep_attempts").as_deref(), Some("90"));

    world
        .company
        .company()
        .set_claim("carol", "street", serde_json::json!(CANARY))
        .unwrap();
    let attempt = carol(&world, &mut tab).await;
    assert!(!attempt.body().contains(CANARY), "{}", attempt.text());
    assert!(attempt.text().contains("street"), "its name is shown");
    for path in [
        "/admin/why?who=carol@example.org",
        "/admin",
        "/admin/sign-ins",
    ] {
        let page = tab.open(&world.at(path)).await.unwrap();
        assert!(!page.body().contains(CANARY), "{path}");
    }
    let replay = attempt.link("Replay against current rules").unwrap();
    let page = tab.open(replay.as_str()).await.unwrap();
    let next = page.link("Change the claims and decide again").unwrap();
    let page = tab.open(next.as_str()).await.unwrap();
    assert!(!page.body().contains(CANARY), "nor in the form");

    let open = attempt.form_with_button("Show private values").unwrap();
    let opened = tab.submit(open).await.unwrap();
    assert!(opened.body().contains(CANARY), "{}", opened.text());
    let (events, _) = world.app.events(None, 20).await.unwrap();
    assert!(format!("{events:?}").contains("attempt.open"));
}
