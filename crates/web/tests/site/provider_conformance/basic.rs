//! Signing in on the way, and what is remembered of what was allowed.

use super::*;

/// Signs in on the sign-in page of a request, and goes on.
pub(super) async fn signs_in(tab: &mut Tab, page: &Page) -> Page {
    let form = page.form_with_button("Sign in").unwrap();
    let form = form.fill("name", "erin@example.org").unwrap();
    let form = form.fill("password", crate::world::PASSWORD).unwrap();
    let page = tab.submit(form).await.unwrap();
    assert_eq!(page.status(), StatusCode::OK, "{}", page.text());
    let onward = page
        .attribute("meta[http-equiv=refresh]", "content")
        .unwrap();
    assert!(onward.contains("/oauth/authorize?"), "{onward}");
    tab.follow("Continue").await.unwrap()
}

#[tokio::test]
async fn what_was_allowed_is_not_asked_again_and_more_of_it_is() {
    let world = world().await;
    let mut tab = erin(&world).await;
    let page = open(&world, &mut tab, &[]).await;
    is_code(&world, &allow(&mut tab, &page).await);
    is_code(&world, &open(&world, &mut tab, &[]).await);
    let more = open(&world, &mut tab, &[("scope", "openid groups")]).await;
    is_code(&world, &allow(&mut tab, &more).await);
    is_code(
        &world,
        &open(&world, &mut tab, &[("scope", "openid email groups")]).await,
    );
}
