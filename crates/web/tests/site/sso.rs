//! Signing in by a provider.

use crate::world::{PASSWORD, World};
use http::StatusCode;
use model::attempt::Reference;
use model::provider::RedirectForm;

const START: &str = "/sso/example/start";

#[tokio::test]
async fn a_first_sign_in_makes_the_mailbox_and_says_so_once() {
    let world = World::new().await;
    let browser = world.browser();
    let mut tab = browser.tab();
    let page = tab.open(&world.at("/")).await.unwrap();
    assert!(
        !page.body().contains(" open>"),
        "the local form is folded away"
    );
    let page = tab.follow("Continue with example SSO").await.unwrap();
    let home = world.as_person(&mut tab, &page, "alice").await;
    assert_eq!(home.url().path(), "/home");
    assert!(
        home.text()
            .contains("Your mailbox alice@example.org was created.")
    );
    assert!(home.text().contains("Hello, Alice Aalto"));
    assert!(
        world
            .app
            .mailbox(&"alice@example.org".parse().unwrap())
            .await
            .is_ok()
    );
    let home = tab.open(&world.at("/home")).await.unwrap();
    assert!(!home.text().contains("was created"), "{}", home.text());
    let home = world
        .by_company(&mut world.browser().tab(), START, "alice")
        .await;
    assert!(!home.text().contains("was created"), "{}", home.text());
}

#[tokio::test]
async fn the_provider_at_the_bare_origin_is_answered_at_the_root() {
    let world = World::new().await;
    world.provider("old", RedirectForm::BareOrigin).await;
    let mut tab = world.browser().tab();
    let home = world.by_company(&mut tab, "/sso/old/start", "bob").await;
    assert_eq!(home.url().path(), "/home");
    assert!(home.text().contains("bob@example.org"));
    let hops: Vec<_> = tab
        .hops()
        .iter()
        .map(|hop| hop.url.path().to_owned())
        .collect();
    assert!(hops.contains(&"/".to_owned()), "{hops:?}");
}

#[tokio::test]
async fn many_tabs_sign_in_at_once() {
    let world = World::new().await;
    let browser = world.browser();
    let (mut one, mut two) = (browser.tab(), browser.tab());
    let first = one.open(&world.at(START)).await.unwrap();
    let second = two
        .open(&world.at("/sso/example/start?next=/devices"))
        .await
        .unwrap();
    let page = world.as_person(&mut two, &second, "alice").await;
    assert_eq!(page.url().path(), "/devices");
    let page = world.as_person(&mut one, &first, "alice").await;
    assert_eq!(page.url().path(), "/home", "{}", page.text());
}

#[tokio::test]
async fn an_answer_is_taken_only_from_the_browser_that_left() {
    let world = World::new().await;
    let attacker = world.browser();
    let mut tab = attacker.tab();
    let page = tab.open(&world.at(START)).await.unwrap();
    tab.stop_before(&world.at("/sso/example/callback"));
    let page = world.as_person(&mut tab, &page, "alice").await;
    let answer = page.location().unwrap().unwrap();

    // Sent to a victim who has a browser id of their own, or none at all.
    let victim = world.browser();
    victim.tab().open(&world.at("/")).await.unwrap();
    for browser in [victim, world.browser()] {
        let page = browser.tab().open(answer.as_str()).await.unwrap();
        assert_eq!(page.status(), StatusCode::BAD_REQUEST);
        assert!(
            page.text().contains("Start again from the sign-in page."),
            "{}",
            page.text()
        );
        assert_eq!(browser.cookie(&world.url, "gatepost").unwrap(), None);
    }
    assert!(
        world
            .app
            .mailbox(&"alice@example.org".parse().unwrap())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn answers_nobody_asked_for_are_refused() {
    let world = World::new().await;
    world.provider("other", RedirectForm::OwnPath).await;
    let browser = world.browser();
    let mut tab = browser.tab();
    tab.open(&world.at("/")).await.unwrap();
    for path in [
        "/sso/example/callback?code=x",
        "/sso/example/callback?code=x&state=",
        "/sso/example/callback?code=x&state=y",
        "/sso/nobody/callback?code=x&state=y",
        "/?code=x&state=y",
        "/?error=access_denied",
        "/sso/example/callback?error=x&error_description=CALL%20555&state=%0d%0aset-cookie:a=b",
    ] {
        let page = tab.open(&world.at(path)).await.unwrap();
        assert_eq!(page.status(), StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(page.text_of("h1").unwrap(), "Start again");
        assert!(
            !page.body().contains("CALL"),
            "nothing of a link is shown: {}",
            page.body()
        );
        assert_eq!(page.header("a"), None);
        assert_eq!(
            page.text_of(".copy-row .value").unwrap().len(),
            9,
            "a reference to tell"
        );
        assert_eq!(page.link("Try again").unwrap().path(), "/");
    }
    let page = tab.open(&world.at("/sso/example/callback")).await.unwrap();
    assert!(
        !page.status().is_success(),
        "a visit without an answer is none"
    );
    assert_eq!(page.count(".copy-row .value").unwrap(), 1);
    // An answer that arrives at another provider's address is a mix-up.
    let page = tab.open(&world.at(START)).await.unwrap();
    tab.stop_before(&world.at("/sso/example/callback"));
    let page = world.as_person(&mut tab, &page, "alice").await;
    let answer = page.location().unwrap().unwrap();
    tab.stop_nowhere();
    let elsewhere = answer.as_str().replace("/sso/example/", "/sso/other/");
    let page = tab.open(&elsewhere).await.unwrap();
    assert_eq!(page.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_refusal_says_what_happened_and_what_to_tell() {
    let world = World::new().await;
    let mut tab = world.browser().tab();
    let page = world.by_company(&mut tab, START, "carol").await;
    assert_eq!(page.status(), StatusCode::FORBIDDEN);
    assert_eq!(page.text_of("h1").unwrap(), "No mailbox type for you yet");
    let reference = page.text_of(".copy-row .value").unwrap();
    assert_eq!(page.count("time").unwrap(), 1);
    assert!(page.link("Try again").is_err(), "trying again cannot help");
    let reference = Reference::parse(&reference).unwrap();
    let attempt = world.app.attempt(&reference).await.unwrap();
    assert_eq!(attempt.address.as_deref(), Some("carol@example.org"));
    assert!(
        world
            .app
            .mailbox(&"carol@example.org".parse().unwrap())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn the_providers_own_no_is_named_as_such() {
    let world = World::new().await;
    let mut tab = world.browser().tab();
    let page = tab.open(&world.at(START)).await.unwrap();
    let deny = page.form_with_button("Say no and go back").unwrap();
    let page = tab.submit(deny).await.unwrap();
    assert_eq!(page.status(), StatusCode::FORBIDDEN);
    assert_eq!(
        page.text_of("h1").unwrap(),
        "example SSO did not let you in"
    );
    assert!(
        !page.text().contains("The person said no"),
        "its words are for administrators"
    );
}

#[tokio::test]
async fn a_provider_that_is_unknown_has_a_page() {
    let world = World::new().await;
    let mut tab = world.browser().tab();
    let page = tab.open(&world.at("/sso/nobody/start")).await.unwrap();
    assert_eq!(page.status(), StatusCode::FORBIDDEN);
    assert_eq!(page.text_of("h1").unwrap(), "Sign-in is switched off");
}

#[tokio::test]
async fn a_local_mailbox_is_linked_by_its_password_once() {
    let world = World::new().await;
    world.local_mailbox("alice@example.org").await;
    let browser = world.browser();
    let mut tab = browser.tab();
    let page = world.by_company(&mut tab, START, "alice").await;
    assert_eq!(page.status(), StatusCode::OK);
    assert_eq!(page.text_of("h1").unwrap(), "Is this mailbox yours?");
    let form = page.form_with_button("Link this mailbox").unwrap();

    let wrong = tab
        .submit(form.clone().fill("password", "not it").unwrap())
        .await
        .unwrap();
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    assert!(
        wrong
            .text()
            .contains("That is not the password of this mailbox.")
    );
    assert_eq!(browser.cookie(&world.url, "gatepost").unwrap(), None);

    let form = wrong.form_with_button("Link this mailbox").unwrap();
    let home = tab
        .submit(form.fill("password", PASSWORD).unwrap())
        .await
        .unwrap();
    assert_eq!(home.url().path(), "/home", "{}", home.text());
    let home = world
        .by_company(&mut world.browser().tab(), START, "alice")
        .await;
    assert_eq!(
        home.url().path(),
        "/home",
        "from now on the provider is enough"
    );
}

#[tokio::test]
async fn a_proof_is_good_in_its_own_browser_only() {
    let world = World::new().await;
    world.local_mailbox("alice@example.org").await;
    let mut tab = world.browser().tab();
    let page = world.by_company(&mut tab, START, "alice").await;
    let proof = page
        .form_with_button("Link this mailbox")
        .unwrap()
        .value("proof")
        .unwrap();
    world.local_mailbox("bob@example.org").await;
    let mut other = world.browser().tab();
    let page = world.by_company(&mut other, START, "bob").await;
    let form = page.form_with_button("Link this mailbox").unwrap();
    let form = form
        .tamper("proof", &proof)
        .fill("password", PASSWORD)
        .unwrap();
    let page = other.submit(form).await.unwrap();
    assert_eq!(page.status(), StatusCode::BAD_REQUEST, "{}", page.text());
}
