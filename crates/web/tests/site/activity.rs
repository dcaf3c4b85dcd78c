//! The overview: alerts, sign-ins over time, reasons.

use crate::admin::karin;
use crate::world::{PASSWORD, World};
use http::StatusCode;
use model::outcome::Code;

/// The provider hands out nothing any more.
async fn no_rules(world: &World) {
    world.change_provider(|p| p.rules.clear()).await;
}

#[tokio::test]
async fn what_people_meet_is_one_line_with_its_button() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let page = tab.open(&world.at("/admin")).await.unwrap();
    assert!(!page.text().contains("Needs you"), "{}", page.text());

    no_rules(&world).await;
    for login in ["alice", "bob"] {
        let mut person = world.browser().tab();
        let page = world
            .by_company(&mut person, "/sso/example/start", login)
            .await;
        assert!(page.text().contains("no mailbox type"), "{}", page.text());
    }
    let page = tab.open(&world.at("/admin")).await.unwrap();
    assert_eq!(page.count(".alerts > li").unwrap(), 1);
    let line = page.text_of(".alerts > li").unwrap();
    for words in [
        "New",
        "example SSO",
        "2 people could not sign in",
        "2 times",
    ] {
        assert!(line.contains(words), "{words}: {line}");
    }
    let fix = page.link("Open the provider's rules").unwrap();
    assert_eq!(fix.path(), "/admin/providers/example/rules");
    let list = page.link("Attempts with SSO-405").unwrap();
    let listed = tab.open(list.as_str()).await.unwrap();
    assert_eq!(listed.count("tbody tr").unwrap(), 2);

    let page = tab.open(&world.at("/admin")).await.unwrap();
    let form = page.form("form[action$=acknowledge]").unwrap();
    let page = tab.submit(form).await.unwrap();
    assert!(
        page.text_of(".alerts > li")
            .unwrap()
            .contains("Acknowledged")
    );
    assert_eq!(page.count("form[action$=acknowledge]").unwrap(), 0);
    let close = page.form("form[action$=close]").unwrap();
    let page = tab.submit(close.clone()).await.unwrap();
    assert!(page.text().contains("The alert is closed."));
    assert_eq!(page.count(".alerts").unwrap(), 0);
    // Closed in another window meanwhile.
    let page = tab.submit(close).await.unwrap();
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn sign_ins_are_drawn_and_stand_in_a_table() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    world
        .by_company(&mut world.browser().tab(), "/sso/example/start", "alice")
        .await;
    world
        .sign_in(&mut world.browser().tab(), "karin", "not the password")
        .await;
    for (range, bars) in [("", 24), ("24h", 24), ("7d", 28), ("30d", 30), ("moon", 24)] {
        let page = tab
            .open(&world.at(&format!("/admin?range={range}")))
            .await
            .unwrap();
        assert_eq!(page.status(), StatusCode::OK);
        assert_eq!(page.count(".chart tbody tr").unwrap(), bars, "{range}");
        // Karin herself, and Alice; one wrong password.
        assert!(
            page.text_of(".chart .legend")
                .unwrap()
                .contains("2 signed in, 1 refused"),
            "{}",
            page.text()
        );
        assert_eq!(page.count(".chart rect.refused").unwrap(), 1);
        assert_eq!(page.count(".chart svg[role=img] title").unwrap(), 1);
        assert!(!page.body().contains("style="), "the policy forbids it");
        assert!(!page.body().contains(PASSWORD));
        assert_eq!(page.count(".ranges [aria-current]").unwrap(), 1);
        let title = Code::WrongPassword.entry().title;
        let reason = page.link(&format!("LOCAL-801: {title}")).unwrap();
        assert_eq!(reason.query(), Some("code=LOCAL-801"));
    }
}
