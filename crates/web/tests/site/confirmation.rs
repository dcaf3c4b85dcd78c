//! Background checks that have stopped, and days without confirmation.

use crate::admin::{assert_wrong, karin};
use crate::world::{PASSWORD, World};
use http::StatusCode;
use lab::misbehave::Misbehaviour;
use model::domain::ConfirmPolicy;
use model::time::DAY;
use std::time::Duration;
use testkit::browser::{Form, Tab};

const PROVIDER: &str = "/admin/providers/example";
const RESUME: &str = "/admin/providers/example/resume-checks";
const DOMAIN: &str = "/admin/domains/example.org";

/// A provider that said of everybody at once that they are gone.
async fn stopped() -> World {
    let world = World::beside(|options| options.scopes.push("offline_access".to_owned())).await;
    world
        .change_provider(|p| p.leavers.background_checks = true)
        .await;
    let company = world.company.company();
    for login in ["alice", "bob", "carol", "dave"] {
        company
            .set_claim(login, "mailcow_template", "staff")
            .unwrap();
        let mut tab = world.browser().tab();
        let home = world
            .by_company(&mut tab, "/sso/example/start", login)
            .await;
        assert_eq!(home.url().path(), "/home", "{}", home.text());
    }
    company.misbehave(Misbehaviour::GrantRefused);
    world.clock.advance(Duration::from_secs(5 * 3600));
    world.app.check_people().await.unwrap();
    company.behave();
    world
}

async fn is_stopped(world: &World) -> bool {
    let provider = world.app.provider("example").await.unwrap();
    provider.checks_stopped.is_some()
}

#[tokio::test]
async fn checks_that_have_stopped_are_resumed_on_the_providers_page() {
    let world = stopped().await;
    let mut tab = karin(&world).await;
    let overview = tab.open(&world.at("/admin")).await.unwrap();
    let words = "Too many to be believed";
    assert!(overview.text().contains(words), "{}", overview.text());
    let words = "said of too many people at once that they are gone";
    let page = tab.open(&world.at(PROVIDER)).await.unwrap();
    assert!(page.text().contains(words), "{}", page.text());
    let resume = page.form_with_button("Resume background checks").unwrap();
    let page = tab.submit(resume.clone()).await.unwrap();
    assert_eq!(page.url().path(), PROVIDER);
    let done = "Background checks of example SSO go on.";
    assert!(page.text().contains(done), "{}", page.text());
    assert!(!is_stopped(&world).await);
    assert!(page.form_with_button("Resume background checks").is_err());

    // The same button in another tab.
    let page = tab.submit(resume).await.unwrap();
    assert_eq!(page.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text().contains("have not stopped"), "{}", page.text());
}

#[tokio::test]
async fn nothing_but_an_administrators_own_button_resumes_them() {
    let world = stopped().await;
    let mut erin = world.browser().tab();
    world.sign_in(&mut erin, "erin@example.org", PASSWORD).await;
    let mut tab = karin(&world).await;
    let page = tab.open(&world.at(PROVIDER)).await.unwrap();
    let resume = page.form_with_button("Resume background checks").unwrap();
    let token = resume.value("form_token").unwrap();

    // A person with an administrator's token; an administrator without one, or with a piece.
    let answer = erin.submit(resume.clone()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    for wrong in ["", "AAAA", &token[1..], "\u{0}"] {
        let forged = resume.clone().tamper("form_token", wrong);
        let answer = tab.submit(forged).await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{wrong:?}");
    }
    let answer = tab.open(&world.at(RESUME)).await.unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    for name in ["nobody", "..%2Fexample", "%00", "EXAMPLE", "example%20"] {
        let to = world.at(&RESUME.replace("example", name));
        let answer = tab
            .submit(resume.clone().with_action(&to).unwrap())
            .await
            .unwrap();
        let status = answer.status();
        assert!(
            matches!(status, StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST),
            "{name}: {status}"
        );
    }
    assert!(is_stopped(&world).await);
    // A field that the form does not have means nothing.
    let page = tab.submit(resume.tamper("slug", "nobody")).await.unwrap();
    assert!(page.text().contains("example SSO go on"), "{}", page.text());
}

async fn domain_form(world: &World, tab: &mut Tab) -> Form {
    let page = tab.open(&world.at(DOMAIN)).await.unwrap();
    page.form_with_button("Save").unwrap()
}

#[tokio::test]
async fn days_without_confirmation_are_a_number_that_makes_sense() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let days = async || {
        let name = "example.org".parse().unwrap();
        let (domain, _) = world.app.domain(&name).await.unwrap();
        domain.confirm.map(|policy| policy.within_days)
    };
    for wrong in [
        "0",
        "-1",
        "731",
        "65536",
        "99999999999999999999",
        "1.5",
        "1e2",
        "soon",
        "30 days",
        "½",
        "<b>30</b>",
    ] {
        let form = domain_form(&world, &mut tab).await;
        let typed = form.fill("confirm_within", wrong).unwrap();
        let page = tab.submit(typed).await.unwrap();
        assert_wrong(&page, "confirm_within");
        let said = page.text_of("#f-confirm_within-problem").unwrap();
        assert!(said.contains("1 to 730 days"), "{wrong}: {said}");
        let again = page.form_with_button("Save").unwrap();
        assert_eq!(again.value("confirm_within").as_deref(), Some(wrong));
        assert_eq!(days().await, None, "{wrong}");
    }
    for (typed, kept) in [
        (" 30 ", Some(30)),
        ("730", Some(730)),
        ("1", Some(1)),
        ("", None),
        ("7", Some(7)),
        ("off", None),
    ] {
        let form = domain_form(&world, &mut tab).await;
        let form = form.fill("confirm_within", typed).unwrap();
        let page = tab.submit(form).await.unwrap();
        assert_eq!(page.status(), StatusCode::OK, "{typed}: {}", page.text());
        assert_eq!(days().await, kept, "{typed}");
    }
}

#[tokio::test]
async fn a_persons_first_page_says_what_stops_and_what_has_stopped() {
    let world = World::new().await;
    let mut tab = world.browser().tab();
    world
        .by_company(&mut tab, "/sso/example/start", "alice")
        .await;
    let address = "alice@example.org".parse().unwrap();
    let alice = world.app.mailbox(&address).await.unwrap().mailbox;
    let store = world.store();
    for (days, words) in [
        (22, None),
        (
            24,
            Some("Your mail programs, and websites that go on without you, stop on "),
        ),
        (
            31,
            Some("Your mail programs, and websites that go on without you, have stopped. "),
        ),
    ] {
        let confirmed = world.app.now().minus(DAY * days);
        let policy = ConfirmPolicy {
            within_days: 30,
            since: confirmed.minus(DAY),
        };
        let (mailbox, domain) = (alice.id, alice.domain);
        let done = store.write(async move |tx: &mut store::Conn| {
            store::confirmation::confirm(tx, mailbox, confirmed, false).await?;
            store::confirmation::set_policy(tx, domain, Some(policy)).await
        });
        done.await.unwrap();
        let page = tab.open(&world.at("/home")).await.unwrap();
        let said = page.text().contains("go on without you");
        assert_eq!(said, words.is_some(), "{}", page.text());
        let words = words.unwrap_or("Hello, Alice");
        assert!(page.text().contains(words), "{}", page.text());
    }
}
