//! Devices and mail programs.

use crate::world::{PASSWORD, World};
use http::StatusCode;
use model::app_password::{Shape, shape};
use testkit::browser::{Page, Tab};

async fn erin(world: &World) -> Tab {
    let mut tab = world.browser().tab();
    world.sign_in(&mut tab, "erin@example.org", PASSWORD).await;
    tab
}

async fn add(world: &World, tab: &mut Tab, name: &str) -> Page {
    let page = tab.open(&world.at("/devices/new")).await.unwrap();
    let form = page.form_with_button("Make a password").unwrap();
    tab.submit(form.fill("name", name).unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_password_is_shown_once_with_what_to_enter() {
    let world = World::new().await;
    let mut tab = erin(&world).await;
    let empty = tab.open(&world.at("/devices")).await.unwrap();
    assert!(empty.text().contains("No devices yet"));
    let made = add(&world, &mut tab, "Erin's phone").await;
    assert_eq!(made.status(), StatusCode::OK);
    assert_eq!(made.text_of("h1").unwrap(), "Password for “Erin's phone”");
    let shown = made.text_of("#c-password").unwrap();
    assert!(matches!(shape(&shown), Shape::AppPassword(_)), "{shown}");
    assert_eq!(made.text_of("#c-user").unwrap(), "erin@example.org");
    let text = made.text();
    assert!(
        text.contains("Incoming mail (IMAP, SSL/TLS)") && text.contains("993"),
        "{text}"
    );
    assert!(
        text.contains("Outgoing mail (SMTP, SSL/TLS)") && text.contains("465"),
        "{text}"
    );

    let reloaded = tab.open(made.url().as_str()).await.unwrap();
    assert_eq!(reloaded.status(), StatusCode::GONE);
    let list = tab.open(&world.at("/devices")).await.unwrap();
    let one = tab.follow("Erin's phone").await.unwrap();
    let secret = shown.replace('-', "");
    for page in [reloaded, list, one] {
        assert!(!page.body().contains(&shown) && !page.body().contains(&secret));
    }
}

#[tokio::test]
async fn revoking_asks_first_and_then_says_so() {
    let world = World::new().await;
    let mut tab = erin(&world).await;
    add(&world, &mut tab, "Printer").await;
    tab.open(&world.at("/devices")).await.unwrap();
    let question = tab.follow("Revoke").await.unwrap();
    assert_eq!(question.text_of("h1").unwrap(), "Revoke “Printer”?");
    let list = tab
        .submit(question.form_with_button("Revoke").unwrap())
        .await
        .unwrap();
    assert_eq!(list.url().path(), "/devices");
    assert!(
        list.text().contains("“Printer” is revoked."),
        "{}",
        list.text()
    );
    assert!(list.text().contains("No devices yet"));
    let again = tab
        .submit(question.form_with_button("Revoke").unwrap())
        .await
        .unwrap();
    assert_eq!(again.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_the_field_and_the_rest_is_kept() {
    let world = World::new().await;
    let mut tab = erin(&world).await;
    let page = tab.open(&world.at("/devices/new")).await.unwrap();
    let form = page.form_with_button("Make a password").unwrap();
    let form = form.fill("name", "Laptop").unwrap();

    let yesterday = form.clone().tamper("ends", "2026-11-21");
    let page = tab.submit(yesterday).await.unwrap();
    assert_eq!(page.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.text_of("#f-ends-problem")
            .unwrap()
            .contains("in the future")
    );
    assert!(page.title().unwrap().starts_with("Problem: "));
    let again = page.form_with_button("Make a password").unwrap();
    assert_eq!(again.value("name").as_deref(), Some("Laptop"));

    for (form, field) in [
        (form.clone().tamper("ends", "soon"), "ends"),
        (form.clone().fill("name", "  ").unwrap(), "name"),
        (form.clone().without("protocols"), "protocols"),
    ] {
        let page = tab.submit(form).await.unwrap();
        assert_eq!(page.status(), StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        assert_eq!(
            page.count(&format!("#f-{field}-problem")).unwrap(),
            1,
            "{field}"
        );
        assert_eq!(page.count("#problems").unwrap(), 1);
    }
    let today = tab.submit(form.tamper("ends", "2026-11-22")).await.unwrap();
    assert_eq!(
        today.status(),
        StatusCode::OK,
        "today still has its evening"
    );
    let list = tab.open(&world.at("/devices")).await.unwrap();
    assert!(list.text().contains("until 22 Nov 2026"), "{}", list.text());
}

#[tokio::test]
async fn a_protocol_the_mailbox_lacks_cannot_be_chosen() {
    let world = World::new().await;
    let mut tab = world.browser().tab();
    world
        .by_company(&mut tab, "/sso/example/start", "alice")
        .await;
    let page = tab.open(&world.at("/devices/new")).await.unwrap();
    assert!(
        !page.text().contains("POP3"),
        "the template forbids it: {}",
        page.text()
    );
    let form = page.form_with_button("Make a password").unwrap();
    let form = form
        .fill("name", "Old program")
        .unwrap()
        .tamper("protocols", "pop3");
    let page = tab.submit(form).await.unwrap();
    assert_eq!(page.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.text()
            .contains("POP3 is not allowed for this mailbox."),
        "{}",
        page.text()
    );
}

#[tokio::test]
async fn another_persons_device_does_not_exist() {
    let world = World::new().await;
    let mut tab = erin(&world).await;
    let made = add(&world, &mut tab, "Phone").await;
    let device = made.url().path().trim_end_matches("/made").to_owned();
    let question = tab
        .open(&world.at(&format!("{device}/revoke")))
        .await
        .unwrap();

    world.local_mailbox("eve@example.org").await;
    let mut eve = world.browser().tab();
    world.sign_in(&mut eve, "eve@example.org", PASSWORD).await;
    for path in ["", "/made", "/revoke"] {
        let page = eve
            .open(&world.at(&format!("{device}{path}")))
            .await
            .unwrap();
        assert_eq!(page.status(), StatusCode::NOT_FOUND, "{path}");
    }
    for id in ["0", "-1", "99999999999999999999", "x", "1%00"] {
        let page = eve
            .open(&world.at(&format!("/devices/{id}")))
            .await
            .unwrap();
        assert_eq!(page.status(), StatusCode::NOT_FOUND, "{id}");
    }
    let own = eve.open(&world.at("/home")).await.unwrap();
    let token = own
        .form_with_button("Sign out")
        .unwrap()
        .value("form_token")
        .unwrap();
    let stolen = question
        .form_with_button("Revoke")
        .unwrap()
        .tamper("form_token", &token);
    let page = eve.submit(stolen).await.unwrap();
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
    let page = tab.open(&world.at(&device)).await.unwrap();
    assert_eq!(page.status(), StatusCode::OK, "still there");
}

#[tokio::test]
async fn a_form_without_its_token_changes_nothing() {
    let world = World::new().await;
    let mut tab = erin(&world).await;
    let page = tab.open(&world.at("/devices/new")).await.unwrap();
    let form = page.form_with_button("Make a password").unwrap();
    let form = form.fill("name", "Phone").unwrap().without("form_token");
    let page = tab.submit(form).await.unwrap();
    assert_eq!(page.status(), StatusCode::FORBIDDEN);
    let list = tab.open(&world.at("/devices")).await.unwrap();
    assert!(list.text().contains("No devices yet"));
}

#[tokio::test]
async fn names_are_shown_as_text_whatever_they_hold() {
    let world = World::new().await;
    let mut tab = erin(&world).await;
    let name = "\"><script>alert(1)</script>&amp;'";
    let made = add(&world, &mut tab, name).await;
    let list = tab.open(&world.at("/devices")).await.unwrap();
    for page in [made, list] {
        assert!(!page.body().contains("<script>alert"), "{}", page.body());
        assert!(page.text().contains(name), "{}", page.text());
    }
}
