//! Choosing the kind of a provider, and what its page says to do at the other side.

use crate::admin::{assert_wrong, karin};
use crate::world::World;
use http::StatusCode;
use model::preset::Preset;
use model::provider::{ClientAuth, EmailTrust};
use model::rule::MAILCOW_CLAIM;

const DIGEST: &str = "client_secret: '$pbkdf2-sha512$310000$";

#[tokio::test]
async fn every_kind_is_offered_and_opens_its_own_form() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let page = tab.open(&world.at("/admin/providers/new")).await.unwrap();
    let names = page.texts_of(".cards .name").unwrap();
    assert_eq!(names.len(), Preset::ALL.len());
    for preset in Preset::ALL {
        let path = format!("/admin/providers/new?preset={}", preset.key());
        let page = tab.open(&world.at(&path)).await.unwrap();
        let form = page.form_with_button("Add provider").unwrap();
        assert_eq!(form.value("name").as_deref(), Some(preset.facts().button));
        assert_eq!(form.value("slug").as_deref(), Some(preset.facts().slug));
        assert_eq!(form.value("everyone_else"), None, "{preset:?}");
        // Where something is to be made there first, the redirect URL stands before the form.
        let ahead = !preset.makes_client_here() && !preset.facts().slug.is_empty();
        assert_eq!(page.count("#c-redirect").unwrap() == 1, ahead, "{preset:?}");
    }
    for unknown in ["nonsense", "", "Authelia", "%00", &"a".repeat(5000)] {
        let path = format!("/admin/providers/new?preset={unknown}");
        let page = tab.open(&world.at(&path)).await.unwrap();
        assert_eq!(page.status(), StatusCode::NOT_FOUND, "{unknown}");
    }
}

#[tokio::test]
async fn authelia_is_set_up_with_a_block_that_shows_its_secret_once() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    tab.open(&world.at("/admin/providers/new")).await.unwrap();
    let page = tab
        .open(&world.at("/admin/providers/new?preset=authelia"))
        .await
        .unwrap();
    let form = page.form_with_button("Add provider").unwrap();
    let form = form.fill("everyone_else", "refuse").unwrap();
    let giant = format!("https://a.test/{}", "x".repeat(3000));
    let page = tab
        .submit(form.clone().fill("issuer", &giant).unwrap())
        .await
        .unwrap();
    assert_wrong(&page, "issuer");
    let pasted = " auth.example.net/.well-known/openid-configuration ";
    let page = tab
        .submit(form.fill("issuer", pasted).unwrap())
        .await
        .unwrap();
    assert_eq!(page.url().path(), "/admin/providers/authelia");
    // What was changed is told, and what came of it.
    let text = page.text();
    for told in [
        "Spaces around it were removed.",
        "https:// was added.",
        "cut back to the issuer",
        "It is https://auth.example.net now.",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let provider = world.app.provider("authelia").await.unwrap();
    assert_eq!(provider.settings.preset, Preset::Authelia);
    assert_eq!(provider.settings.email_trust, EmailTrust::RequireTrue);
    assert_eq!(provider.settings.client_auth, ClientAuth::Basic);
    assert_eq!(provider.settings.rules[0].claim, MAILCOW_CLAIM);
    assert!(provider.settings.client_id.starts_with("gatepost-"));
    assert!(provider.secret.is_some());

    let block = page.text_of("#c-there").unwrap();
    for live in [
        format!("- '{}/sso/authelia/callback'", world.url),
        format!("- client_id: '{}'", provider.settings.client_id),
        "- 'mailcow_template'".to_owned(),
        r#""Staff" in groups ? "Staff""#.to_owned(),
        DIGEST.to_owned(),
    ] {
        assert!(block.contains(&live), "{live}: {block}");
    }
    let again = tab
        .open(&world.at("/admin/providers/authelia"))
        .await
        .unwrap();
    let block = again.text_of("#c-there").unwrap();
    assert!(block.contains("THE-DIGEST-OF-THE-CLIENT-SECRET"), "{block}");

    // A lost secret is made anew; a stale question is refused.
    let asked = tab.follow("Make a new secret").await.unwrap();
    let renew = asked.form_with_button("Make a new secret").unwrap();
    let page = tab.submit(renew.clone()).await.unwrap();
    let block = page.text_of("#c-there").unwrap();
    assert!(
        block.contains(DIGEST) && !block.contains("THE-DIGEST"),
        "{block}"
    );
    let renewed = world.app.provider("authelia").await.unwrap();
    assert_ne!(renewed.modified, provider.modified);
    let page = tab.submit(renew).await.unwrap();
    assert_eq!(page.status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_shared_endpoint_of_authentik_becomes_the_issuer_of_the_blueprint() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let page = tab
        .open(&world.at("/admin/providers/new?preset=authentik"))
        .await
        .unwrap();
    let form = page.form_with_button("Add provider").unwrap();
    let form = form.fill("everyone_else", "refuse").unwrap();
    let form = form.fill("slug", "office").unwrap();
    let endpoint = "https://auth.example.net/application/o/authorize/";
    let page = tab
        .submit(form.fill("issuer", endpoint).unwrap())
        .await
        .unwrap();
    let issuer = "https://auth.example.net/application/o/office/";
    assert!(
        page.text().contains(&format!("It is {issuer} now.")),
        "{}",
        page.text()
    );
    let block = page.text_of("#c-there").unwrap();
    assert!(block.contains("slug: 'office'"), "{block}");
    let redirect = format!("url: '{}/sso/office/callback'", world.url);
    assert!(block.contains(&redirect), "{block}");
    assert!(!block.contains("THE-CLIENT-SECRET"), "{block}");
    // The next one gets another short name, and an old one another kind.
    let page = tab
        .open(&world.at("/admin/providers/example"))
        .await
        .unwrap();
    let form = page.form_with_button("Save").unwrap();
    let page = tab
        .submit(form.fill("preset", "keycloak").unwrap())
        .await
        .unwrap();
    assert!(
        page.text().contains("What to do in Keycloak"),
        "{}",
        page.text()
    );
}
