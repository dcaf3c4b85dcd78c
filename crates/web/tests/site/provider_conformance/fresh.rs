//! How new a sign-in has to be: what the provider is told, and what its word is worth.

use super::*;
use app::Client;
use app::oauth::authorize::{Authorize, Visit};
use app::sessions::Current;
use lab::misbehave::Misbehaviour;
use model::oauth_app::Consent;
use model::outcome::Code;
use std::time::Duration;
use testkit::browser::Browser;

const ALICE: &str = "alice@example.org";
const CLI: model::audit::Actor = model::audit::Actor::CommandLine;
/// The app that a test adds after `files`.
const SECOND: OauthAppId = OauthAppId(2);
const HOUR: Duration = Duration::from_secs(3600);

/// A world with an app that is trusted and leads straight to the company, and what is there else.
async fn straight() -> (World, Browser, Tab) {
    let world = world().await;
    let to = world.app.provider("example").await.unwrap().id;
    add(&world, "straight", |s| {
        s.straight_to = Some(to);
        s.consent = Consent::Trusted;
    })
    .await;
    let browser = world.browser();
    let mut tab = browser.tab();
    tab.stop_before("https://files.example.com");
    (world, browser, tab)
}

async fn ask(world: &World, tab: &mut Tab, other: &[(&str, &str)]) -> Page {
    let mut all = vec![("client_id", "straight")];
    all.extend(other);
    open(world, tab, &all).await
}

/// Goes on from the sign-in page to the company, which may ask or not, and back.
async fn once_more(world: &World, tab: &mut Tab, page: &Page) -> Page {
    assert!(page.text().contains("Sign in again"), "{}", page.text());
    let page = tab.follow("Continue with example SSO").await.unwrap();
    let page = if page.url().as_str().starts_with(world.company.issuer()) {
        world.as_person(tab, &page, "alice").await
    } else {
        page
    };
    assert_eq!(page.text_of("h1").unwrap(), "You are signed in");
    tab.follow("Continue").await.unwrap()
}

fn told(tab: &Tab, what: &str) -> bool {
    let hops = tab.hops().iter();
    let mut hops = hops.map(|hop| format!("{hop:?}"));
    hops.any(|hop| hop.contains("code_challenge") && hop.contains(what))
}

/// Alice, signed in at the company and here.
async fn alice(world: &World, tab: &mut Tab) {
    let page = ask(world, tab, &[]).await;
    let page = world.as_person(tab, &page, "alice").await;
    assert_eq!(page.text_of("h1").unwrap(), "You are signed in");
    is_code(world, &tab.follow("Continue").await.unwrap());
}

fn forget_session(world: &World, browser: &Browser) {
    let gone = "gatepost=; Max-Age=0; Path=/";
    browser.set_cookie(&world.url, gone).unwrap();
}

#[tokio::test]
async fn prompt_login_has_the_provider_ask_and_its_word_is_looked_at() {
    let (world, _browser, mut tab) = straight().await;
    alice(&world, &mut tab).await;
    world.clock.advance(HOUR);
    let page = ask(&world, &mut tab, &[("prompt", "login")]).await;
    let answer = once_more(&world, &mut tab, &page).await;
    is_code(&world, &answer);
    let now = world.app.now().secs();
    assert_eq!(world.grants(ALICE, SECOND).await[0].auth_time.secs(), now);

    // A provider that lets her through without asking: she is told, and so is the app. No circle.
    world.company.company().misbehave(Misbehaviour::AuthTimeOld);
    let page = ask(&world, &mut tab, &[("prompt", "login")]).await;
    let page = once_more(&world, &mut tab, &page).await;
    let entry = Code::AppNotAnew.entry();
    assert_eq!(page.status().as_u16(), entry.status, "{}", page.text());
    assert_eq!(page.text_of("h1").unwrap(), entry.title);
    assert!(
        page.text().contains("example SSO let you through"),
        "{}",
        page.text()
    );
    let refusal = world.last_refusal().await;
    assert_eq!(refusal.code, Code::AppNotAnew);
    assert!(
        refusal.admin().contains("60 minutes"),
        "{}",
        refusal.admin()
    );
    let back = page.link("Back to Files").unwrap();
    let said: HashMap<_, _> = back.query_pairs().into_owned().collect();
    assert_eq!(said["error"], "login_required");
    assert_eq!(said["state"], "st ate&1");

    // One that says nothing is believed.
    world
        .company
        .company()
        .misbehave(Misbehaviour::AuthTimeMissing);
    let page = ask(&world, &mut tab, &[("prompt", "login")]).await;
    is_code(&world, &once_more(&world, &mut tab, &page).await);
}

#[tokio::test]
async fn max_age_is_judged_by_when_the_person_really_signed_in() {
    let (world, browser, mut tab) = straight().await;
    alice(&world, &mut tab).await;
    let proved = world.app.now().secs();
    // A new session here, an hour later, on her old one there.
    world.clock.advance(HOUR);
    forget_session(&world, &browser);
    let page = ask(&world, &mut tab, &[]).await;
    assert_eq!(page.text_of("h1").unwrap(), "You are signed in");
    is_code(&world, &tab.follow("Continue").await.unwrap());
    assert_eq!(
        world.grants(ALICE, SECOND).await[0].auth_time.secs(),
        proved
    );
    for (most, silent) in [("3590", "login_required"), ("3610", "")] {
        let page = ask(&world, &mut tab, &[("max_age", most), ("prompt", "none")]).await;
        match silent {
            "" => is_code(&world, &page),
            error_code => assert_eq!(error(&world, &page), error_code),
        }
    }
    // Asked for less, she signs in there again, by her own company's rules.
    let page = ask(&world, &mut tab, &[("max_age", "600")]).await;
    is_code(&world, &once_more(&world, &mut tab, &page).await);
    let now = world.app.now().secs();
    assert_eq!(world.grants(ALICE, SECOND).await[0].auth_time.secs(), now);
    let page = ask(&world, &mut tab, &[("max_age", "600"), ("prompt", "none")]).await;
    is_code(&world, &page);
}

#[tokio::test]
async fn a_first_sign_in_passes_max_age_on_and_a_provider_that_ignores_it_is_asked_more_strongly() {
    let (world, browser, mut tab) = straight().await;
    alice(&world, &mut tab).await;
    world.clock.advance(Duration::from_secs(900));
    forget_session(&world, &browser);
    // The company asks by itself, because its session is older than that.
    let page = ask(&world, &mut tab, &[("max_age", "600")]).await;
    assert!(told(&tab, "max_age=600") && !told(&tab, "prompt=login"));
    let page = world.as_person(&mut tab, &page, "alice").await;
    assert_eq!(page.text_of("h1").unwrap(), "You are signed in");
    is_code(&world, &tab.follow("Continue").await.unwrap());

    forget_session(&world, &browser);
    world.company.company().misbehave(Misbehaviour::AuthTimeOld);
    let page = ask(&world, &mut tab, &[("max_age", "600")]).await;
    assert_eq!(page.text_of("h1").unwrap(), "You are signed in");
    let page = tab.follow("Continue").await.unwrap();
    assert!(page.text().contains("Sign in again"), "{}", page.text());
    let page = tab.follow("Continue with example SSO").await.unwrap();
    assert!(told(&tab, "prompt=login") && told(&tab, "max_age=600"));
    world.as_person(&mut tab, &page, "alice").await;
    let page = tab.follow("Continue").await.unwrap();
    assert_eq!(page.text_of("h1").unwrap(), Code::AppNotAnew.entry().title);
}

/// What the endpoint found before it ended: a visit with a session that has ended since.
async fn late(world: &World, current: &Current, scope: &str) -> Authorize {
    let url = request(world, &[("client_id", "cloud"), ("scope", scope)]);
    let visit = Visit {
        query: url.split_once('?').unwrap().1,
        current: Some(current),
        browser: "a browser",
        client: &Client::default(),
        consent: None,
    };
    world.app.authorize(&visit).await.unwrap()
}

#[tokio::test]
async fn what_ended_a_moment_ago_gets_no_grant() {
    let world = world().await;
    add(&world, "cloud", |s| s.consent = Consent::Trusted).await;
    let erin = "erin@example.org".parse().unwrap();
    for scope in ["openid", "openid offline_access"] {
        let (token, current) = world.session_of("erin@example.org").await;
        let answer = late(&world, &current, scope).await;
        assert!(matches!(answer, Authorize::Answer(_)), "{answer:?}");
        world.app.sign_out(&token).await.unwrap();
        let before = world.grants("erin@example.org", SECOND).await.len();
        let answer = late(&world, &current, scope).await;
        assert!(matches!(answer, Authorize::SignIn(_)), "{answer:?}");
        assert_eq!(world.grants("erin@example.org", SECOND).await.len(), before);

        let (_, current) = world.session_of("erin@example.org").await;
        let off = world.app.disable_mailbox(&CLI, &erin, "left");
        off.await.unwrap();
        let answer = late(&world, &current, scope).await;
        assert!(matches!(answer, Authorize::SignIn(_)), "{answer:?}");
        assert_eq!(world.grants("erin@example.org", SECOND).await, []);
        world.app.enable_mailbox(&CLI, &erin).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_codes_given_while_a_person_leaves_none_stays() {
    let world = world().await;
    add(&world, "cloud", |s| s.consent = Consent::Trusted).await;
    let erin = "erin@example.org".parse().unwrap();
    for _ in 0..8 {
        let (_, current) = world.session_of("erin@example.org").await;
        let many = (0..16).map(|_| late(&world, &current, "openid offline_access"));
        let many = futures_util::future::join_all(many);
        let (answers, off) = tokio::join!(many, world.app.disable_mailbox(&CLI, &erin, "left"));
        off.unwrap();
        assert_eq!(answers.len(), 16);
        assert_eq!(world.grants("erin@example.org", SECOND).await, []);
        world.app.enable_mailbox(&CLI, &erin).await.unwrap();
    }
}
