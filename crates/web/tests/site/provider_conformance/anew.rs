//! What becomes of a session, and of the sign-ins to apps in it, when its browser signs in anew: once,
//! in two tabs at once, as somebody else, and by another provider.

use super::*;
use model::oauth_app::Consent;
use model::provider::RedirectForm;
use model::session::{Principal, Session};
use std::time::Duration;
use testkit::browser::Browser;

const ALICE: &str = "alice@example.org";
const ERIN: &str = "erin@example.org";
/// The app `cloud`: the second one after `files`.
const CLOUD: OauthAppId = OauthAppId(2);
const TO_CLOUD: (&str, &str) = ("client_id", "cloud");

/// An app that asks nobody, and is told when sessions end.
fn told_of_ends(settings: &mut AppSettings) {
    settings.back_channel = Some("https://files.example.com/logout".to_owned());
    settings.consent = Consent::Trusted;
}

/// How many apps wait to be told of an end.
async fn waiting(world: &World) -> usize {
    let store = world.store();
    let mut read = store.read().unwrap();
    store::app_logouts::apps(&mut read).await.unwrap().len()
}

async fn sessions(world: &World, address: &str) -> Vec<Session> {
    let mailbox = world.app.mailbox(&address.parse().unwrap()).await.unwrap();
    let person = Principal::Person(mailbox.mailbox.id);
    world.app.sessions_of(person).await.unwrap()
}

fn tab_of(browser: &Browser) -> Tab {
    let mut tab = browser.tab();
    tab.stop_before("https://files.example.com");
    tab
}

fn cookie(world: &World, browser: &Browser) -> String {
    browser.cookie(&world.url, "gatepost").unwrap().unwrap()
}

/// Has a browser send this cookie, as a request does that left before the answer to another one came.
fn send_with(world: &World, browser: &Browser, cookie: &str) {
    let cookie = format!("gatepost={cookie}; Path=/");
    browser.set_cookie(&world.url, &cookie).unwrap();
}

async fn sign_out(world: &World, tab: &mut Tab) {
    let page = tab.open(&world.at("/home")).await.unwrap();
    let form = page.form_with_button("Sign out").unwrap();
    tab.submit(form).await.unwrap();
}

#[tokio::test]
async fn nobody_is_signed_out_of_one_app_because_another_asked_anew() {
    let world = world().await;
    add(&world, "cloud", told_of_ends).await;
    let mut tab = erin(&world).await;
    is_code(&world, &open(&world, &mut tab, &[TO_CLOUD]).await);
    let before = world.grants(ERIN, CLOUD).await;
    let page = open(&world, &mut tab, &[("prompt", "login")]).await;
    let page = basic::signs_in(&mut tab, &page).await;
    is_code(&world, &allow(&mut tab, &page).await);
    let after = world.grants(ERIN, CLOUD).await;
    assert_eq!(after.len(), 1);
    assert_ne!(after[0].session, before[0].session);
    assert_eq!(after[0].sid, before[0].sid);
    assert_eq!(waiting(&world).await, 0);
    // The new session takes it along when it ends.
    sign_out(&world, &mut tab).await;
    assert_eq!(world.grants(ERIN, CLOUD).await, []);
    assert_eq!(waiting(&world).await, 1);
}

#[tokio::test]
async fn somebody_else_who_signs_in_takes_nothing_over() {
    let world = world().await;
    add(&world, "cloud", |s| s.consent = Consent::Trusted).await;
    world.local_mailbox("frank@example.org").await;
    let mut tab = erin(&world).await;
    is_code(&world, &open(&world, &mut tab, &[TO_CLOUD]).await);
    let page = open(&world, &mut tab, &[("prompt", "login")]).await;
    let form = page.form_with_button("Sign in").unwrap();
    let form = form.fill("name", "frank@example.org").unwrap();
    let form = form.fill("password", crate::world::PASSWORD).unwrap();
    tab.submit(form).await.unwrap();
    for address in [ERIN, "frank@example.org"] {
        assert_eq!(world.grants(address, CLOUD).await, [], "{address}");
    }
}

/// Erin's browser, in which she opened `cloud`, and two tabs in which an app asks her to sign in anew.
async fn two_tabs(world: &World) -> (Browser, [(Tab, Page); 2]) {
    let browser = world.browser();
    let mut tab = tab_of(&browser);
    world.sign_in(&mut tab, ERIN, crate::world::PASSWORD).await;
    is_code(world, &open(world, &mut tab, &[TO_CLOUD]).await);
    let mut other = tab_of(&browser);
    let asked = open(world, &mut tab, &[("prompt", "login")]).await;
    let asked_too = open(world, &mut other, &[("prompt", "login")]).await;
    (browser, [(tab, asked), (other, asked_too)])
}

#[tokio::test]
async fn two_tabs_that_sign_in_anew_at_once_leave_one_session_that_holds_everything() {
    let world = world().await;
    add(&world, "cloud", told_of_ends).await;
    let (browser, [(mut tab, page), (mut other, other_page)]) = two_tabs(&world).await;
    let before = world.grants(ERIN, CLOUD).await;
    let old = cookie(&world, &browser);
    basic::signs_in(&mut tab, &page).await;
    let first = cookie(&world, &browser);
    send_with(&world, &browser, &old);
    basic::signs_in(&mut other, &other_page).await;
    let second = cookie(&world, &browser);
    assert!(old != first && first != second);

    let is_one = async |cookie: &str| {
        let current = world.app.session(cookie).await.unwrap().unwrap();
        let [held] = world.grants(ERIN, CLOUD).await.try_into().unwrap();
        assert_eq!(held.session, Some(current.session.id));
        assert_eq!(held.sid, before[0].sid);
        let sessions = sessions(&world, ERIN).await;
        assert_eq!(sessions.len(), 1, "{sessions:?}");
        assert_eq!(waiting(&world).await, 0);
    };
    is_one(&second).await;

    // Had the answers come in the other order, the browser would keep the first one's cookie. It opens
    // nothing any more, and is good for the next sign-in.
    send_with(&world, &browser, &first);
    let page = tab.open(&world.at("/home")).await.unwrap();
    assert_ne!(page.url().path(), "/home", "{}", page.text());
    world.sign_in(&mut tab, ERIN, crate::world::PASSWORD).await;
    is_one(&cookie(&world, &browser)).await;
    sign_out(&world, &mut tab).await;
    assert_eq!(sessions(&world, ERIN).await, []);
    assert_eq!(world.grants(ERIN, CLOUD).await, []);
    assert_eq!(waiting(&world).await, 1);
}

/// Erin comes back the next morning: her session has run out, a while ago or so long that nothing of it is
/// left, and two tabs sign in anew at once.
#[tokio::test]
async fn two_tabs_whose_session_had_run_out_leave_one_session_that_holds_everything() {
    for (hours, swept) in [(4, false), (20, true)] {
        let world = world().await;
        add(&world, "cloud", told_of_ends).await;
        let browser = world.browser();
        let (mut tab, mut other) = (tab_of(&browser), tab_of(&browser));
        world.sign_in(&mut tab, ERIN, crate::world::PASSWORD).await;
        let old = cookie(&world, &browser);
        world.clock.advance(Duration::from_secs(hours * 3600));
        if swept {
            world.app.sweep().await.unwrap();
        }
        let page = open(&world, &mut tab, &[TO_CLOUD]).await;
        let other_page = open(&world, &mut other, &[]).await;
        assert_eq!(cookie(&world, &browser), old);
        is_code(&world, &basic::signs_in(&mut tab, &page).await);
        let [held] = world.grants(ERIN, CLOUD).await.try_into().unwrap();
        send_with(&world, &browser, &old);
        basic::signs_in(&mut other, &other_page).await;

        let [session] = sessions(&world, ERIN).await.try_into().unwrap();
        let current = world.app.session(&cookie(&world, &browser)).await.unwrap();
        assert_eq!(current.unwrap().session.id, session.id);
        let [kept] = world.grants(ERIN, CLOUD).await.try_into().unwrap();
        assert_eq!((kept.session, kept.sid), (Some(session.id), held.sid));
        assert_eq!(waiting(&world).await, 0);
    }
}

#[tokio::test]
async fn the_cookie_of_a_replaced_session_ends_nobody_elses() {
    let world = world().await;
    add(&world, "cloud", told_of_ends).await;
    world.local_mailbox("frank@example.org").await;
    let (browser, [(mut tab, page), _]) = two_tabs(&world).await;
    let old = cookie(&world, &browser);
    basic::signs_in(&mut tab, &page).await;
    let held = world.grants(ERIN, CLOUD).await;

    let thief = world.browser();
    send_with(&world, &thief, &old);
    let password = crate::world::PASSWORD;
    let page = world
        .sign_in(&mut thief.tab(), "frank@example.org", password)
        .await;
    assert_eq!(page.url().path(), "/home", "{}", page.text());
    let hers = world.app.session(&cookie(&world, &browser)).await.unwrap();
    assert_eq!(Some(hers.unwrap().session.id), held[0].session);
    assert_eq!(world.grants(ERIN, CLOUD).await, held);
    assert_eq!(world.grants("frank@example.org", CLOUD).await, []);
    assert_eq!(waiting(&world).await, 0);
}

/// Alice in a tab, by `example`, with `cloud` open for as long as she is there, and also without her.
async fn alice_by_example(world: &World, browser: &Browser) -> Tab {
    let mut tab = tab_of(browser);
    let page = world
        .by_company(&mut tab, "/sso/example/start", "alice")
        .await;
    assert_eq!(page.url().path(), "/home", "{}", page.text());
    for scope in ["openid", "openid offline_access"] {
        let page = open(world, &mut tab, &[TO_CLOUD, ("scope", scope)]).await;
        is_code(world, &page);
    }
    tab
}

/// From the sign-in page to a provider, as Alice, and on to the app.
async fn by(world: &World, tab: &mut Tab, provider: &str) -> Page {
    let page = tab.follow(&format!("Continue with {provider} SSO")).await;
    let page = world.as_person(tab, &page.unwrap(), "alice").await;
    let title = page.text_of("h1").unwrap();
    assert_eq!(title, "You are signed in", "{}", page.text());
    tab.follow("Continue").await.unwrap()
}

#[tokio::test]
async fn who_signs_in_anew_by_another_provider_leaves_the_session_before() {
    let world = world().await;
    add(&world, "cloud", told_of_ends).await;
    world.provider("other", RedirectForm::OwnPath).await;
    let other = world.app.provider("other").await.unwrap().id;
    let browser = world.browser();
    let mut tab = alice_by_example(&world, &browser).await;
    let old = cookie(&world, &browser);
    assert_eq!(world.grants(ALICE, CLOUD).await.len(), 2);

    open(&world, &mut tab, &[("prompt", "login")]).await;
    let page = by(&world, &mut tab, "other").await;
    is_code(&world, &allow(&mut tab, &page).await);
    // What `example` says of her from now on would not reach what she opened: it ends, and the app is
    // told. What goes on without her was no part of the session.
    let [left] = world.grants(ALICE, CLOUD).await.try_into().unwrap();
    assert_eq!(
        (left.session, left.scopes.as_str()),
        (None, "openid offline_access")
    );
    assert_eq!(waiting(&world).await, 1);
    assert!(world.app.session(&old).await.unwrap().is_none());
    let [session] = sessions(&world, ALICE).await.try_into().unwrap();
    assert_eq!(session.provider, Some(other));
    let files = world.grants(ALICE, OauthAppId(1)).await;
    assert_eq!(files[0].session, Some(session.id));
    // She opens it again without a question, as another sign-in.
    is_code(
        &world,
        &open(&world, &mut tab, &[TO_CLOUD, ("scope", "openid")]).await,
    );
    let again = world.grants(ALICE, CLOUD).await;
    assert_eq!(again[0].session, Some(session.id));
    assert_ne!(again[0].sid, left.sid);
}

#[tokio::test]
async fn two_tabs_that_sign_in_anew_by_two_providers_leave_one_session() {
    let world = world().await;
    add(&world, "cloud", told_of_ends).await;
    world.provider("other", RedirectForm::OwnPath).await;
    let browser = world.browser();
    let mut tab = alice_by_example(&world, &browser).await;
    let old = cookie(&world, &browser);
    let mut slower = tab_of(&browser);
    open(&world, &mut tab, &[("prompt", "login")]).await;
    open(&world, &mut slower, &[("prompt", "login")]).await;
    by(&world, &mut tab, "other").await;
    assert_eq!(waiting(&world).await, 1);
    // Nothing that is left knows the first session, and still it is known what became of it.
    send_with(&world, &browser, &old);
    by(&world, &mut slower, "example").await;
    let [session] = sessions(&world, ALICE).await.try_into().unwrap();
    let current = world.app.session(&cookie(&world, &browser)).await.unwrap();
    assert_eq!(current.unwrap().session.id, session.id);
    assert_eq!(waiting(&world).await, 1, "nothing was opened in between");
}
