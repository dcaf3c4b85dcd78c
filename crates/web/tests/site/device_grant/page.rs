//! The page on which the code is typed: signed out, signed in, as somebody else, and every no.

use super::{
    ERIN, SCOPE, add, allow, begin, change, erin, poll, press, seconds, television, type_code,
    waits, world,
};
use crate::world::{PASSWORD, World};
use http::{Request, StatusCode, header};
use model::audit::Actor;
use model::oauth_app::{AppAccess, Consent};
use model::outcome::Code;
use model::provider::RedirectForm;
use std::collections::BTreeSet;
use testkit::browser::{Page, Tab};

/// That the page is shown again, with these words and a record of this code.
async fn refused(world: &World, page: &Page, code: Code, words: &str) {
    let entry = code.entry();
    assert_eq!(page.status().as_u16(), entry.status, "{}", page.text());
    assert!(page.text().contains(words), "{}", page.text());
    let refusal = world.last_refusal().await;
    assert_eq!(refusal.code, code, "{}", refusal.admin());
    assert!(
        !page.text().contains(code.id()),
        "codes are for administrators"
    );
}

#[tokio::test]
async fn the_code_is_typed_as_people_type_and_everything_is_said() {
    let (world, _) = world().await;
    let tv = waits(&world).await;
    let mut tab = erin(&world).await;
    let loosely = tv.user_code.to_lowercase().replace('-', " ");
    let page = type_code(&world, &mut tab, &format!("  {loosely} ")).await;
    let text = page.text();
    for words in [
        "Sign in to Television on a device?",
        "erin@example.org",
        &tv.user_code,
        "if somebody sent you this code",
        "Your name and your address",
        "also while you are away",
        "192.0.2.7, another network than yours",
        "Connected websites",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    assert_eq!(page.text_of(".shown-code").unwrap(), tv.user_code);
    // Looking is not answering.
    assert_eq!(poll(&world, &tv).await, "authorization_pending");
    let page = press(&mut tab, &page, "Allow").await;
    assert!(page.text().contains("You can go back to your device."));
    let again = type_code(&world, &mut tab, &tv.user_code).await;
    refused(&world, &again, Code::DeviceAnswered, "counts once").await;
    assert_eq!(poll(&world, &tv).await, "tokens");
    let again = type_code(&world, &mut tab, &tv.user_code).await;
    refused(&world, &again, Code::DeviceAnswered, "counts once").await;
}

#[tokio::test]
async fn a_device_always_asks() {
    let world = World::new().await;
    let mut settings = television();
    settings.kind = model::oauth_app::AppKind::Confidential;
    settings.consent = Consent::Trusted;
    settings.redirects = vec!["https://tv.example.org/cb".to_owned()];
    let made = world
        .app
        .add_app(settings, &Actor::CommandLine)
        .await
        .unwrap();
    let secret = made.secret.unwrap();
    let form = format!(
        "client_id={}&client_secret={}&scope=openid",
        made.app.client_id,
        secrecy::ExposeSecret::expose_secret(&secret)
    );
    let mut tab = erin(&world).await;
    for _ in 0..2 {
        let code = begin(&world, &form).await.member("user_code");
        let page = type_code(&world, &mut tab, &code).await;
        press(&mut tab, &page, "Allow").await;
    }
}

#[tokio::test]
async fn every_no_says_why_and_how_to_mend_it() {
    let (world, app) = world().await;
    let mut tab = erin(&world).await;
    for typed in [
        "ZZZZ-ZZZZ",
        "hello",
        "BCDF-GHJA",
        "<script>alert(1)</script>",
    ] {
        let page = type_code(&world, &mut tab, typed).await;
        let words = "ask the device for a new code";
        refused(&world, &page, Code::DeviceUnknown, words).await;
        assert!(!page.body().contains("<script>alert"), "{typed}");
        let kept = page.form_with_button("Continue").unwrap();
        assert_eq!(kept.value("user_code").as_deref(), Some(typed));
    }

    let tv = waits(&world).await;
    change(&world, app, |tv| tv.active = false).await;
    let page = type_code(&world, &mut tab, &tv.user_code).await;
    refused(
        &world,
        &page,
        Code::AppOff,
        "Television is switched off here",
    )
    .await;
    change(&world, app, |tv| (tv.active, tv.devices) = (true, false)).await;
    let page = type_code(&world, &mut tab, &tv.user_code).await;
    refused(&world, &page, Code::AppDevices, "may not sign in devices").await;
    let board = AppAccess::Only {
        domains: BTreeSet::new(),
        tags: BTreeSet::from(["board".to_owned()]),
    };
    change(&world, app, |tv| (tv.access, tv.devices) = (board, true)).await;
    let page = type_code(&world, &mut tab, &tv.user_code).await;
    refused(&world, &page, Code::AppNotForYou, "ask your helpdesk").await;
    change(&world, app, |tv| tv.access = AppAccess::All).await;

    // Somebody who may was asked, and may not any more when they answer.
    let page = type_code(&world, &mut tab, &tv.user_code).await;
    change(&world, app, |tv| tv.active = false).await;
    let form = page.form_with_button("Allow").unwrap();
    let page = tab.submit(form.press("Allow").unwrap()).await.unwrap();
    refused(
        &world,
        &page,
        Code::AppOff,
        "Television is switched off here",
    )
    .await;
    change(&world, app, |tv| tv.active = true).await;
    assert_eq!(poll(&world, &tv).await, "authorization_pending");

    let page = type_code(&world, &mut tab, &tv.user_code).await;
    world.clock.advance(seconds(600));
    let form = page.form_with_button("Allow").unwrap();
    let late = tab.submit(form.press("Allow").unwrap()).await.unwrap();
    refused(
        &world,
        &late,
        Code::DeviceEnded,
        "Ask your device for a new one",
    )
    .await;
    world.app.sweep().await.unwrap();
    let page = type_code(&world, &mut tab, &tv.user_code).await;
    refused(
        &world,
        &page,
        Code::DeviceEnded,
        "Ask your device for a new one",
    )
    .await;

    let tv = waits(&world).await;
    let page = type_code(&world, &mut tab, &tv.user_code).await;
    press(&mut tab, &page, "Deny").await;
    assert_eq!(world.last_refusal().await.code, Code::AppDenied);
    let page = type_code(&world, &mut tab, &tv.user_code).await;
    refused(&world, &page, Code::DeviceAnswered, "counts once").await;
}

#[tokio::test]
async fn forged_answers_are_no_answers() {
    let (world, _) = world().await;
    let tv = waits(&world).await;
    let mut tab = erin(&world).await;
    let page = type_code(&world, &mut tab, &tv.user_code).await;
    let form = page.form_with_button("Allow").unwrap();
    for forged in [
        form.clone().tamper("answer", "perhaps"),
        form.clone().press("Allow").unwrap().without("user_code"),
    ] {
        let page = tab.submit(forged).await.unwrap();
        assert_eq!(page.status(), StatusCode::BAD_REQUEST, "{}", page.text());
    }
    let foreign = form.press("Allow").unwrap().tamper("form_token", "AAAA");
    let page = tab.submit(foreign).await.unwrap();
    assert_eq!(page.status(), StatusCode::FORBIDDEN);
    assert_eq!(poll(&world, &tv).await, "authorization_pending");
    for query in [
        "user_code=%00%ff",
        "user_code=a&user_code=b",
        "%ff",
        "user_code",
    ] {
        let page = tab.open(&world.at(&format!("/connect?{query}"))).await;
        let status = page.unwrap().status();
        assert!(status.as_u16() < 500, "{query}: {status}");
    }
    let long = format!("/connect?user_code={}", "B".repeat(9000));
    let page = tab.open(&world.at(&long)).await.unwrap();
    assert_eq!(page.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn what_is_wrong_with_a_code_is_said_once_beside_its_field() {
    let (world, _) = world().await;
    let mut tab = erin(&world).await;
    let page = type_code(&world, &mut tab, "ZZZZ-ZZZZ").await;
    assert!(page.title().unwrap().starts_with("Problem: "));
    let said = page.body().matches("No device waits with this code.");
    assert_eq!(said.count(), 1, "{}", page.text());
    let of_field = |name| page.attribute("#f-user_code", name).unwrap();
    // Read out with the field, which has the keyboard.
    let described = of_field("aria-describedby");
    assert!(described.starts_with("f-user_code-problem"), "{described}");
    let words = page.text_of("#f-user_code-problem").unwrap();
    assert!(words.contains("No device waits with this code."), "{words}");
    assert_eq!(of_field("aria-invalid"), "true");
    assert_eq!(of_field("autofocus"), "");
    let fresh = tab.open(&world.at("/connect")).await.unwrap();
    assert!(fresh.attribute("#f-user_code", "autofocus").is_err());
}

async fn by_password(tab: &mut Tab, page: &Page) -> Page {
    let form = page.form_with_button("Sign in").unwrap();
    let form = form.fill("name", ERIN).unwrap();
    let form = form.fill("password", PASSWORD).unwrap();
    tab.submit(form).await.unwrap()
}

#[tokio::test]
async fn whoever_is_signed_out_signs_in_first_and_comes_back() {
    let (world, _) = world().await;
    let tv = waits(&world).await;
    let complete = world.at(&format!("/connect?user_code={}", tv.user_code));
    let mut tab = world.browser().tab();
    let page = tab.open(&complete).await.unwrap();
    assert!(page.text().contains("Sign in to connect your device."));
    assert!(!page.text().contains("Television"), "nobody is known yet");
    let page = by_password(&mut tab, &page).await;
    assert_eq!(page.url().as_str(), complete);
    press(&mut tab, &page, "Allow").await;
    assert_eq!(poll(&world, &tv).await, "tokens");

    // Without the code, and by the company.
    let mut tab = world.browser().tab();
    let page = tab.open(&world.at("/connect")).await.unwrap();
    let page = by_password(&mut tab, &page).await;
    assert_eq!(page.url().path(), "/connect");
    let tv = waits(&world).await;
    let complete = world.at(&format!("/connect?user_code={}", tv.user_code));
    let mut tab = world.browser().tab();
    tab.open(&complete).await.unwrap();
    let page = tab.follow("Continue with example SSO").await.unwrap();
    let page = world.as_person(&mut tab, &page, "alice").await;
    assert_eq!(page.url().as_str(), complete, "{}", page.text());
    assert!(page.text().contains("alice@example.org"));
    press(&mut tab, &page, "Allow").await;
    assert_eq!(poll(&world, &tv).await, "tokens");
}

#[tokio::test]
async fn whoever_signs_out_while_the_page_is_open_signs_in_again() {
    let (world, _) = world().await;
    let tv = waits(&world).await;
    let mut tab = erin(&world).await;
    let page = type_code(&world, &mut tab, &tv.user_code).await;
    let by = Actor::CommandLine;
    let address = ERIN.parse().unwrap();
    world
        .app
        .disable_mailbox(&by, &address, "left")
        .await
        .unwrap();
    let page = press(&mut tab, &page, "Allow").await;
    assert!(page.text().contains("Sign in to connect your device."));
    assert_eq!(poll(&world, &tv).await, "authorization_pending");
    world.app.enable_mailbox(&by, &address).await.unwrap();
    let page = by_password(&mut tab, &page).await;
    assert_eq!(page.text_of(".shown-code").unwrap(), tv.user_code);
}

#[tokio::test]
async fn an_administrator_is_told_to_come_as_a_person() {
    let (world, _) = world().await;
    let mut tab = crate::admin::karin(&world).await;
    let page = tab.open(&world.at("/connect")).await.unwrap();
    assert!(
        page.text()
            .contains("You are signed in as an administrator."),
        "{}",
        page.text()
    );
    let page = by_password(&mut tab, &page).await;
    assert_eq!(page.url().path(), "/connect");
}

#[tokio::test]
async fn somebody_else_may_be_meant() {
    let (world, _) = world().await;
    let tv = waits(&world).await;
    let mut tab = erin(&world).await;
    type_code(&world, &mut tab, &tv.user_code).await;
    let page = tab.follow("Not you?").await.unwrap();
    assert!(
        page.text().contains("Sign in as the one"),
        "{}",
        page.text()
    );
    let form = page.form_with_button("Sign in").unwrap();
    assert!(
        form.value("next")
            .unwrap()
            .starts_with("/connect?user_code=")
    );
    let page = tab.follow("Continue with example SSO").await.unwrap();
    // The company is told to ask, whoever is signed in there.
    let hops = tab.hops();
    let asked = hops
        .iter()
        .any(|hop| hop.url.query().unwrap_or_default().contains("prompt=login"));
    assert!(asked, "{hops:?}");
    let page = world.as_person(&mut tab, &page, "alice").await;
    assert!(page.text().contains("alice@example.org"), "{}", page.text());
    press(&mut tab, &page, "Allow").await;
    assert_eq!(poll(&world, &tv).await, "tokens");

    let tv = waits(&world).await;
    type_code(&world, &mut tab, &tv.user_code).await;
    let page = tab.follow("Not you?").await.unwrap();
    let page = by_password(&mut tab, &page).await;
    assert!(page.text().contains(ERIN), "{}", page.text());
    assert_eq!(page.text_of(".shown-code").unwrap(), tv.user_code);
}

#[tokio::test]
async fn a_way_that_does_not_count_for_the_app_does_not_count_here() {
    let (world, app) = world().await;
    world.provider("other", RedirectForm::OwnPath).await;
    let example = world.app.provider("example").await.unwrap().id;
    change(&world, app, |tv| {
        tv.never_through = BTreeSet::from([example])
    })
    .await;
    let tv = waits(&world).await;
    let mut tab = world.browser().tab();
    tab.open(&world.at("/connect")).await.unwrap();
    let page = tab.follow("Continue with example SSO").await.unwrap();
    world.as_person(&mut tab, &page, "alice").await;
    let page = type_code(&world, &mut tab, &tv.user_code).await;
    let text = page.text();
    assert!(
        text.contains("the way you signed in does not count"),
        "{text}"
    );
    assert!(page.link("Continue with example SSO").is_err(), "{text}");
    assert!(page.link("Continue with other SSO").is_ok(), "{text}");
    assert_eq!(poll(&world, &tv).await, "authorization_pending");
    let page = by_password(&mut tab, &page).await;
    assert_eq!(page.text_of(".shown-code").unwrap(), tv.user_code);
}

#[tokio::test]
async fn what_was_allowed_adds_up_and_the_list_leads_here() {
    let (world, _) = world().await;
    let mut tab = erin(&world).await;
    let list = tab.open(&world.at("/apps")).await.unwrap();
    let link = list.link("Type it here.").unwrap();
    assert_eq!(link.path(), "/connect");
    let tv = waits(&world).await;
    allow(&world, &mut tab, &tv).await;
    let code = begin(&world, "client_id=tv&scope=groups")
        .await
        .member("user_code");
    let page = type_code(&world, &mut tab, &code).await;
    press(&mut tab, &page, "Allow").await;
    let erin = world.app.mailbox(&ERIN.parse().unwrap()).await.unwrap();
    let connected = world.app.connected(erin.mailbox.id).await.unwrap();
    assert_eq!(connected[0].scopes.len(), SCOPE.split(' ').count() + 1);
}

#[tokio::test]
async fn an_app_on_devices_alone_is_set_up_on_its_page() {
    let world = World::new().await;
    let mut tab = crate::admin::karin(&world).await;
    let page = tab.open(&world.at("/admin/apps/new?card=generic")).await;
    let form = page.unwrap().form_with_button("Add app").unwrap();
    let form = form.fill("name", "Television").unwrap();
    let form = form.fill("kind", "public").unwrap();
    let page = tab.submit(form.clone()).await.unwrap();
    crate::admin::assert_wrong(&page, "redirects");
    let form = form.tick("devices", "true").unwrap();
    let page = tab.submit(form).await.unwrap();
    assert!(
        page.text().contains("/oauth/device_authorization"),
        "{}",
        page.text()
    );
    let app = world
        .app
        .oauth_app(model::ids::OauthAppId(1))
        .await
        .unwrap();
    assert!(app.settings.devices && app.settings.redirects.is_empty());
    // Nobody is sent anywhere by such an app.
    let query = format!(
        "client_id={}&redirect_uri=https%3A%2F%2Fevil.test&response_type=code&scope=openid",
        app.client_id
    );
    let path = format!("/oauth/authorize?{query}");
    let request = Request::get(path).header(header::ACCEPT, "text/html");
    assert_eq!(
        world.send(request, "").await.status(),
        StatusCode::BAD_REQUEST
    );
    add(&world, "tv", television()).await;
}
