//! Sessions and the local password.

use crate::world::{PASSWORD, World};
use http::StatusCode;

const NEW: &str = "another gate, another post";

#[tokio::test]
async fn a_person_sees_and_ends_their_sessions() {
    let world = World::new().await;
    let (here, there) = (world.browser(), world.browser());
    let (mut tab, mut other) = (here.tab(), there.tab());
    world.sign_in(&mut tab, "erin@example.org", PASSWORD).await;
    world
        .sign_in(&mut other, "erin@example.org", PASSWORD)
        .await;
    let page = tab.open(&world.at("/security")).await.unwrap();
    assert_eq!(page.count("tbody tr").unwrap(), 2);
    assert_eq!(page.texts_of(".tag").unwrap(), ["This one"]);
    let out = page.form_with_button("Sign out all others").unwrap();
    let page = tab.submit(out).await.unwrap();
    assert!(
        page.text().contains("1 other browser is signed out."),
        "{}",
        page.text()
    );
    assert_eq!(page.count("tbody tr").unwrap(), 1);
    let page = other.open(&world.at("/home")).await.unwrap();
    assert_eq!(page.url().path(), "/");
}

#[tokio::test]
async fn nobody_ends_anothers_session() {
    let world = World::new().await;
    world.local_mailbox("eve@example.org").await;
    let (mut erin, mut eve) = (world.browser().tab(), world.browser().tab());
    world.sign_in(&mut erin, "erin@example.org", PASSWORD).await;
    let mut second = world.browser().tab();
    world
        .sign_in(&mut second, "erin@example.org", PASSWORD)
        .await;
    let page = erin.open(&world.at("/security")).await.unwrap();
    let end = page.form("td.act form").unwrap();
    let own = world.sign_in(&mut eve, "eve@example.org", PASSWORD).await;
    let token = own
        .form_with_button("Sign out")
        .unwrap()
        .value("form_token")
        .unwrap();
    let page = eve.submit(end.tamper("form_token", &token)).await.unwrap();
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
    let page = second.open(&world.at("/home")).await.unwrap();
    assert_eq!(page.url().path(), "/home");
}

#[tokio::test]
async fn a_password_is_changed_with_the_old_one() {
    let world = World::new().await;
    let (mut tab, mut other) = (world.browser().tab(), world.browser().tab());
    world.sign_in(&mut tab, "erin@example.org", PASSWORD).await;
    world
        .sign_in(&mut other, "erin@example.org", PASSWORD)
        .await;
    let page = tab.open(&world.at("/security")).await.unwrap();
    let form = page.form_with_button("Change password").unwrap();
    for (old, new, field) in [("not it", NEW, "old"), (PASSWORD, "short", "password")] {
        let form = form
            .clone()
            .fill("old", old)
            .unwrap()
            .fill("password", new)
            .unwrap();
        let page = tab.submit(form).await.unwrap();
        assert_eq!(page.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(
            page.count(&format!("#f-{field}-problem")).unwrap(),
            1,
            "{}",
            page.text()
        );
        assert!(!page.body().contains(new) && !page.body().contains(old));
    }
    let form = form
        .fill("old", PASSWORD)
        .unwrap()
        .fill("password", NEW)
        .unwrap();
    let page = tab.submit(form).await.unwrap();
    assert!(
        page.text().contains("Your password is changed."),
        "{}",
        page.text()
    );
    let page = other.open(&world.at("/home")).await.unwrap();
    assert_eq!(page.url().path(), "/", "other browsers are signed out");
    let page = world
        .sign_in(&mut other, "erin@example.org", PASSWORD)
        .await;
    assert_eq!(page.status(), StatusCode::UNAUTHORIZED);
    let page = world.sign_in(&mut other, "erin@example.org", NEW).await;
    assert_eq!(page.url().path(), "/home");
}

#[tokio::test]
async fn who_signs_in_by_a_provider_has_no_password_here() {
    let world = World::new().await;
    let mut tab = world.browser().tab();
    world
        .by_company(&mut tab, "/sso/example/start", "alice")
        .await;
    let page = tab.open(&world.at("/security")).await.unwrap();
    assert_eq!(page.count("input[type=password]").unwrap(), 0);
    assert!(
        page.text().contains("You sign in by example SSO"),
        "{}",
        page.text()
    );
    assert!(
        page.text().contains("by example SSO, from 127.0.0.1"),
        "{}",
        page.text()
    );
}
