//! Moving people from one provider to another, on the pages.

use crate::admin::{assert_wrong, karin};
use crate::world::{PASSWORD, World};
use http::StatusCode;
use model::provider::RedirectForm;
use serde_json::json;
use testkit::browser::{Form, Tab};

/// Alice and Bob have mailboxes by `example`; `other` is the same company under typed endpoints, so
/// that its people are others.
async fn two_providers() -> World {
    let world = World::new().await;
    for login in ["alice", "bob"] {
        let mut tab = world.browser().tab();
        world
            .by_company(&mut tab, "/sso/example/start", login)
            .await;
    }
    world.provider("other", RedirectForm::OwnPath).await;
    world.endpoints_by_hand("other").await;
    for login in ["alice", "bob"] {
        let company = world.company.company();
        company
            .set_claim(login, "email_verified", json!(true))
            .unwrap();
    }
    world
}

async fn filled(world: &World, tab: &mut Tab) -> Form {
    let page = tab.open(&world.at("/admin/relinks/new")).await.unwrap();
    let form = page.form_with_button("Show whom it moves").unwrap();
    assert_eq!(form.value("until").as_deref(), Some("2026-12-22"));
    let form = form.fill("from", "example").unwrap();
    let form = form.fill("to", "other").unwrap();
    form.fill("domains", "example.org").unwrap()
}

async fn by_other(world: &World, login: &str) -> StatusCode {
    let mut tab = world.browser().tab();
    let page = world.by_company(&mut tab, "/sso/other/start", login).await;
    page.status()
}

#[tokio::test]
async fn people_are_moved_after_a_look_at_whom_it_moves() {
    let world = two_providers().await;
    assert_eq!(by_other(&world, "alice").await, StatusCode::FORBIDDEN);
    let mut tab = karin(&world).await;
    let page = tab.open(&world.at("/admin/relinks")).await.unwrap();
    assert!(page.text().contains("Nobody is being moved"));

    let form = filled(&world, &mut tab).await;
    let page = tab.submit(form).await.unwrap();
    assert_eq!(page.status(), StatusCode::OK, "{}", page.text());
    assert_eq!(page.text_of("#move").unwrap(), "2 people can move");
    assert!(page.text().contains("alice@example.org, bob@example.org"));
    assert!(world.app.relinks().await.unwrap().is_empty(), "only looked");

    let start = page.form_with_button("Start moving").unwrap();
    let page = tab
        .submit(start.clone().fill("own_password", "not it").unwrap())
        .await
        .unwrap();
    assert_wrong(&page, "own_password");
    assert!(world.app.relinks().await.unwrap().is_empty());
    let page = tab
        .submit(start.fill("own_password", PASSWORD).unwrap())
        .await
        .unwrap();
    assert_eq!(page.url().path(), "/admin/relinks", "{}", page.text());
    assert!(page.text().contains("keep their mailboxes from now on."));
    assert_eq!(by_other(&world, "alice").await, StatusCode::OK);
    let page = tab
        .open(&world.at("/admin/mailboxes/alice@example.org"))
        .await
        .unwrap();
    assert!(
        page.text()
            .contains("taken over from another provider by a campaign")
    );

    let page = tab.open(&world.at("/admin/relinks/1/stop")).await.unwrap();
    assert!(
        page.text().contains("1 was moved so far; they stay."),
        "{}",
        page.text()
    );
    let stop = page.form_with_button("Stop").unwrap();
    let page = tab.submit(stop.clone()).await.unwrap();
    assert!(page.text().contains("Stopped"), "{}", page.text());
    assert_eq!(by_other(&world, "bob").await, StatusCode::FORBIDDEN);
    let again = tab.submit(stop).await.unwrap();
    assert_eq!(again.status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn what_cannot_be_right_is_said_at_its_field() {
    let world = two_providers().await;
    let mut tab = karin(&world).await;
    let form = filled(&world, &mut tab).await;
    let long = "a,".repeat(5000);
    for (field, value) in [
        ("from", ""),
        ("to", ""),
        ("to", "example"),
        ("domains", ""),
        ("domains", "unknown.test"),
        ("domains", "<i>"),
        ("domains", &long),
        ("until", ""),
        ("until", "22.12.2026"),
        ("until", "2026-01-01"),
        ("until", "2027-12-31"),
        ("until", "9999-99-99"),
    ] {
        let page = tab.submit(form.clone().tamper(field, value)).await.unwrap();
        assert_wrong(&page, field);
        assert!(!page.body().contains("<i>"));
        let page = tab
            .submit(
                form.clone()
                    .tamper(field, value)
                    .with_action(&world.at("/admin/relinks"))
                    .unwrap(),
            )
            .await
            .unwrap();
        assert_wrong(&page, field);
    }
    let nobody = tab.submit(form.tamper("from", "nobody")).await.unwrap();
    assert_eq!(nobody.status(), StatusCode::UNPROCESSABLE_ENTITY);
    for id in ["0", "99", "-1", "x", "18446744073709551616"] {
        let page = tab
            .open(&world.at(&format!("/admin/relinks/{id}/stop")))
            .await
            .unwrap();
        assert_eq!(page.status(), StatusCode::NOT_FOUND, "{id}");
    }
    assert!(world.app.relinks().await.unwrap().is_empty());
}

#[tokio::test]
async fn many_strangers_are_an_alert_on_the_overview() {
    let world = two_providers().await;
    let company = world.company.company();
    company
        .set_claim("carol", "mailcow_template", json!("staff"))
        .unwrap();
    let mut carol = world.browser().tab();
    world
        .by_company(&mut carol, "/sso/example/start", "carol")
        .await;
    let mut tab = karin(&world).await;
    for login in ["alice", "bob"] {
        by_other(&world, login).await;
    }
    let page = tab.open(&world.at("/admin")).await.unwrap();
    assert_eq!(page.count(".alerts > li").unwrap(), 0);
    assert_eq!(by_other(&world, "carol").await, StatusCode::FORBIDDEN);
    let page = tab.open(&world.at("/admin")).await.unwrap();
    assert_eq!(page.count(".alerts > li").unwrap(), 1);
    let to = page.link("Move people to another provider").unwrap();
    assert_eq!(to.path(), "/admin/relinks/new");
}
