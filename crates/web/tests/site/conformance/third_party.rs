//! `oidcc-client-test-3rd-party-init-login-test-plan`. More about it stands in `initiate.rs`.

use crate::world::World;
use url::Url;

#[tokio::test]
async fn oidcc_client_test_3rd_party_init_login() {
    let world = World::new().await;
    let mut tab = world.browser().tab();
    let target = world.at("/devices");
    let said = [
        ("iss", world.company.issuer()),
        ("target_link_uri", target.as_str()),
        ("login_hint", "alice@example.org"),
    ];
    let url = Url::parse_with_params(&world.at("/sso/example/initiate"), said).unwrap();
    let page = tab.open(url.as_str()).await.unwrap();
    let form = page.form_with_button("Sign in").unwrap();
    assert_eq!(form.value("username").as_deref(), Some("alice@example.org"));
    let page = world.as_person(&mut tab, &page, "alice").await;
    assert_eq!(page.url().path(), "/devices", "{}", page.text());
}
