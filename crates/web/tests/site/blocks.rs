//! People who may not come back, on the pages.

use crate::admin::karin;
use crate::world::{PASSWORD, World};
use http::StatusCode;
use testkit::browser::{Page, Tab};

const ALICE: &str = "/admin/mailboxes/alice%40example.org";
const START: &str = "/sso/example/start";

async fn by_company(world: &World, login: &str) -> Page {
    world
        .by_company(&mut world.browser().tab(), START, login)
        .await
}

async fn asked(world: &World, tab: &mut Tab, path: &str) -> Page {
    let page = tab.open(&world.at(path)).await.unwrap();
    assert_eq!(page.status(), StatusCode::OK, "{}", page.text());
    page
}

#[tokio::test]
async fn a_deleted_person_is_kept_out_and_let_in_again() {
    let world = World::new().await;
    by_company(&world, "alice").await;
    let mut tab = karin(&world).await;
    let list = asked(&world, &mut tab, "/admin/blocks").await;
    assert!(list.text().contains("Nobody is blocked"));

    let page = asked(&world, &mut tab, &format!("{ALICE}/delete")).await;
    let form = page.form_with_button("Delete").unwrap();
    assert_eq!(form.value("block"), None, "off by default");
    let form = form.tick("block", "true").unwrap();
    let page = tab.submit(form).await.unwrap();
    assert!(
        page.text().contains("its person may not come back"),
        "{}",
        page.text()
    );

    let refused = by_company(&world, "alice").await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(
        refused
            .text()
            .contains("Your sign-in here was closed on 2026-11-22."),
        "{}",
        refused.text()
    );
    assert!(!world.has("alice@example.org").await);

    // From the attempt to the block, and out of it.
    let signs = asked(&world, &mut tab, "/admin/sign-ins?q=alice@example.org").await;
    let attempt = signs.link("alice@example.org").unwrap();
    let attempt = tab.open(attempt.as_str()).await.unwrap();
    let fix = attempt.link("Open the block").unwrap();
    let list = tab.open(fix.as_str()).await.unwrap();
    assert!(list.text().contains("example SSO"), "{}", list.text());
    let question = tab.follow("Unblock").await.unwrap();
    assert!(
        question
            .text()
            .contains("Let the person of alice@example.org come back?")
    );
    let list = tab
        .submit(question.form_with_button("Unblock").unwrap())
        .await
        .unwrap();
    assert!(
        list.text().contains("is not blocked any more"),
        "{}",
        list.text()
    );
    let home = by_company(&world, "alice").await;
    assert_eq!(home.url().path(), "/home", "{}", home.text());
}

#[tokio::test]
async fn the_choice_stands_beside_switching_off_and_on_the_mailboxs_page() {
    let world = World::new().await;
    by_company(&world, "alice").await;
    let mut tab = karin(&world).await;
    let page = asked(&world, &mut tab, &format!("{ALICE}/disable")).await;
    let form = page.form_with_button("Switch off").unwrap();
    let form = form
        .fill("reason", "left")
        .unwrap()
        .tick("block", "true")
        .unwrap();
    let page = tab.submit(form).await.unwrap();
    assert!(page.text().contains("blocked since"), "{}", page.text());
    let page = tab.follow("Unblock").await.unwrap();
    let page = tab
        .submit(page.form_with_button("Unblock").unwrap())
        .await
        .unwrap();
    // Back where it was begun.
    assert_eq!(page.url().path(), ALICE);
    let block = page.attribute("a[href*='/block/']", "href").unwrap();
    let page = asked(&world, &mut tab, &block).await;
    let form = page.form_with_button("Block").unwrap();
    let page = tab
        .submit(form.fill("reason", "again").unwrap())
        .await
        .unwrap();
    assert!(page.text().contains("is blocked."), "{}", page.text());
    assert!(page.text().contains("blocked since"), "{}", page.text());

    // Nobody at a provider is linked to Erin's mailbox: there is nobody to keep out.
    for act in ["disable", "delete"] {
        let path = format!("/admin/mailboxes/erin%40example.org/{act}");
        let page = asked(&world, &mut tab, &path).await;
        assert_eq!(page.count("input[name=block]").unwrap(), 0, "{act}");
    }
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_and_odd_values_are_refused() {
    let world = World::new().await;
    by_company(&world, "alice").await;
    let mut tab = karin(&world).await;
    for path in [
        "/admin/blocks/1/lift",
        "/admin/blocks/x/lift",
        "/admin/blocks/99999999999999999999/lift",
        &format!("{ALICE}/block/99"),
        &format!("{ALICE}/block/x"),
        "/admin/mailboxes/erin%40example.org/block/1",
        "/admin/mailboxes/nobody%40example.org/block/1",
    ] {
        let page = tab.open(&world.at(path)).await.unwrap();
        assert_eq!(page.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let page = tab
        .open(&world.at("/admin/blocks?q=no+address"))
        .await
        .unwrap();
    assert_eq!(page.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = tab
        .open(&world.at("/admin/blocks?after=moon"))
        .await
        .unwrap();
    assert!(page.status().is_client_error(), "{}", page.status());

    let page = asked(&world, &mut tab, &format!("{ALICE}/delete")).await;
    let form = page.form_with_button("Delete").unwrap();
    let page = tab.submit(form.tamper("block", "perhaps")).await.unwrap();
    assert!(page.status().is_client_error(), "{}", page.status());
    assert!(world.has("alice@example.org").await);

    // Nobody but an administrator.
    let mut erin = world.browser().tab();
    world.sign_in(&mut erin, "erin@example.org", PASSWORD).await;
    let page = erin.open(&world.at("/admin/blocks")).await.unwrap();
    assert_eq!(page.status(), StatusCode::FORBIDDEN);
}
