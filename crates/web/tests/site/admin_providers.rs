//! Providers, their check, sign-ins and the question why.

use crate::admin::{assert_wrong, karin};
use crate::world::{PASSWORD, World};
use http::StatusCode;
use model::attempt::Door;
use model::provider::{Endpoints, EveryoneElse, TlsTrust};
use model::rule::Test;
use model::time::Timestamp;
use testkit::browser::{Form, Page, Tab};

const SECRET: &str = "a secret of forty characters, or nearly so";

async fn new_form(world: &World, tab: &mut Tab) -> Form {
    let page = tab
        .open(&world.at("/admin/providers/new?preset=issuer"))
        .await
        .unwrap();
    let form = page.form_with_button("Add provider").unwrap();
    let form = form.fill("name", "School SSO").unwrap();
    let form = form.fill("issuer", world.company.issuer()).unwrap();
    let form = form.fill("client_id", "gatepost-school").unwrap();
    form.fill("client_secret", SECRET).unwrap()
}

#[tokio::test]
async fn a_provider_is_set_up_on_one_page() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let form = new_form(&world, &mut tab).await;
    // Nobody is given a template by accident.
    let page = tab.submit(form.clone()).await.unwrap();
    assert_wrong(&page, "everyone_else");
    assert!(!page.body().contains(SECRET));
    let form = form.fill("everyone_else", "refuse").unwrap();
    let page = tab
        .submit(form.clone().fill("issuer", "http://auth.test").unwrap())
        .await
        .unwrap();
    assert_wrong(&page, "issuer");
    let taken = form.clone().fill("slug", "example").unwrap();
    assert_wrong(&tab.submit(taken).await.unwrap(), "slug");
    let block = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (pem, words) in [
        ("auth.lan", "in PEM form found"),
        (block, "1 of the text cannot be read"),
        (&block.repeat(1200), "than 64 KiB"),
        ("-----BEGIN PRIVATE KEY-----", "treat that key as exposed"),
    ] {
        let chosen = form.clone().fill("tls", "ca").unwrap();
        let page = tab
            .submit(chosen.fill("ca_pem", pem).unwrap())
            .await
            .unwrap();
        assert_wrong(&page, "ca_pem");
        let said = page.text_of("#f-ca_pem-problem").unwrap();
        assert!(said.contains(words), "{said}");
    }
    let (domain, _) = world
        .app
        .domain(&"example.org".parse().unwrap())
        .await
        .unwrap();
    let form = form.tick("domains", &domain.id.to_string()).unwrap();
    let form = form.fill("private_hosts", "127.0.0.1").unwrap();
    let page = tab.submit(form).await.unwrap();
    assert_eq!(
        page.url().path(),
        "/admin/providers/school-sso",
        "{}",
        page.text()
    );
    let redirect = format!("{}/sso/school-sso/callback", world.url);
    assert_eq!(page.text_of("#c-redirect").unwrap(), redirect);
    assert!(page.text().contains("ends in …so"), "{}", page.text());
    let encoded = "characters that Basic authentication must encode";
    assert!(page.text().contains(encoded), "{}", page.text());
    assert!(!page.body().contains(SECRET));
    let provider = world.app.provider("school-sso").await.unwrap();
    assert_eq!(provider.settings.scopes, "openid profile email");
    assert_eq!(provider.settings.everyone_else, EveryoneElse::Refuse);
    assert_eq!(provider.settings.tls, TlsTrust::Public);

    // Saving without a secret keeps it; another issuer clears it and says so.
    let form = page.form_with_button("Save").unwrap();
    let page = tab
        .submit(form.fill("name", "School").unwrap())
        .await
        .unwrap();
    assert!(
        world
            .app
            .provider("school-sso")
            .await
            .unwrap()
            .secret
            .is_some()
    );
    let form = page.form_with_button("Save").unwrap();
    let moved = form
        .clone()
        .fill("issuer", "https://auth.school.test")
        .unwrap();
    let page = tab.submit(moved).await.unwrap();
    assert!(
        page.text().contains("The client secret was removed"),
        "{}",
        page.text()
    );
    assert!(
        world
            .app
            .provider("school-sso")
            .await
            .unwrap()
            .secret
            .is_none()
    );
    let page = tab.submit(form).await.unwrap();
    assert_eq!(page.status(), StatusCode::CONFLICT);

    // Added switched off, and saving it switches nothing.
    assert!(
        !world
            .app
            .provider("school-sso")
            .await
            .unwrap()
            .settings
            .active
    );
    let page = tab
        .open(&world.at("/admin/providers/school-sso/delete"))
        .await
        .unwrap();
    let page = tab
        .submit(page.form_with_button("Delete").unwrap())
        .await
        .unwrap();
    assert!(!page.text().contains("School"), "{}", page.text());
}

#[tokio::test]
async fn rules_are_shown_with_the_provider_and_stay_when_it_is_saved() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let page = tab
        .open(&world.at("/admin/providers/example"))
        .await
        .unwrap();
    // What they are is told here and changed on their own page.
    let text = page.text();
    assert!(text.contains("mailcow_template is staff: Staff"), "{text}");
    assert!(text.contains("Everyone else: refused"), "{text}");
    let rules = page.link("Change the rules").unwrap();
    assert_eq!(rules.path(), "/admin/providers/example/rules");
    let form = page.form_with_button("Save").unwrap();
    assert_eq!(form.value("everyone_else"), None);
    let before = world.app.provider("example").await.unwrap();
    let page = tab.submit(form.fill("name", "Renamed").unwrap()).await;
    let page = page.unwrap();
    assert_eq!(page.status(), StatusCode::OK, "{}", page.text());
    let after = world.app.provider("example").await.unwrap();
    assert_eq!(after.settings.name, "Renamed");
    assert_eq!(after.settings.rules, before.settings.rules);
    assert_eq!(after.settings.rules[0].test, Test::Is("staff".to_owned()));
    assert_eq!(after.settings.everyone_else, EveryoneElse::Refuse);
}

const EXAMPLE: &str = "/admin/providers/example";

/// The form of the provider `example`, filled in to ignore TLS errors.
async fn ignoring(world: &World, tab: &mut Tab, until: &str) -> Form {
    let page = tab.open(&world.at(EXAMPLE)).await.unwrap();
    let form = page.form_with_button("Save").unwrap();
    let form = form.fill("tls", "ignore").unwrap();
    form.fill("ignore_tls_until", until).unwrap()
}

#[tokio::test]
async fn ignoring_tls_errors_asks_for_the_own_password_and_stays_red() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let form = ignoring(&world, &mut tab, "2027-01-31").await;
    assert_wrong(&tab.submit(form.clone()).await.unwrap(), "own_password");
    let wrong = form.clone().fill("own_password", "no gate").unwrap();
    let page = tab.submit(wrong).await.unwrap();
    assert_wrong(&page, "own_password");
    assert!(!page.body().contains("no gate"));
    let settings = world.app.provider("example").await.unwrap().settings;
    assert_eq!(settings.tls, TlsTrust::Public);

    let right = form.fill("own_password", PASSWORD).unwrap();
    let page = tab.submit(right).await.unwrap();
    let words = "TLS errors of this provider are ignored until";
    assert!(page.text().contains(words), "{}", page.text());
    // Other changes need no password while it is on; another last day does.
    let form = page.form_with_button("Save").unwrap();
    let page = tab
        .submit(form.clone().fill("name", "Example").unwrap())
        .await
        .unwrap();
    assert_eq!(page.status(), StatusCode::OK, "{}", page.text());
    let longer = ignoring(&world, &mut tab, "2028-01-31").await;
    assert_wrong(&tab.submit(longer).await.unwrap(), "own_password");

    world
        .by_company(&mut world.browser().tab(), "/sso/example/start", "alice")
        .await;
    let page = tab.open(&world.at("/admin")).await.unwrap();
    assert!(page.text().contains("TLS errors are ignored"));
    let page = tab.open(&world.at("/admin/sign-ins")).await.unwrap();
    let tags = page.texts_of("tbody .tag.error").unwrap();
    assert_eq!(tags, ["TLS errors ignored"], "{}", page.text());
    let page = tab.follow("alice@example.org").await.unwrap();
    assert_eq!(page.count(".notice.error").unwrap(), 1, "{}", page.text());

    // When the day is over the red goes, and nothing else is in the way.
    world.clock.set(Timestamp::from_secs(1_801_500_000));
    let mut tab = karin(&world).await;
    let page = tab.open(&world.at(EXAMPLE)).await.unwrap();
    assert_eq!(page.count(".notice.error").unwrap(), 0);
    let form = page.form_with_button("Save").unwrap();
    let page = tab.submit(form).await.unwrap();
    assert_eq!(page.status(), StatusCode::OK, "{}", page.text());
}

#[tokio::test]
async fn guessing_the_own_password_is_throttled() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let form = ignoring(&world, &mut tab, "2027-01-31").await;
    // Guesses at the same account, side by side since each answer is held back.
    let guesses = (0..10).map(async |guess| {
        let mut tab = world.browser().tab();
        let guess = format!("a wrong password, number {guess}");
        world.sign_in(&mut tab, "karin", &guess).await;
    });
    futures_util::future::join_all(guesses).await;
    let right = form.fill("own_password", PASSWORD).unwrap();
    let page = tab.submit(right).await.unwrap();
    assert!(page.text().contains("Too many tries."), "{}", page.text());
}

/// Opens the check until it is over.
async fn checked(world: &World, tab: &mut Tab, slug: &str) -> Page {
    let at = world.at(&format!("/admin/providers/{slug}/check"));
    let page = tab.open(&at).await.unwrap();
    let again = if page.count(".checks").unwrap() > 0 {
        "Check again"
    } else {
        "Check connection"
    };
    let mut page = tab
        .submit(page.form_with_button(again).unwrap())
        .await
        .unwrap();
    for _ in 0..400 {
        if page.count("[data-stream]").unwrap() == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        page = tab.open(&at).await.unwrap();
    }
    page
}

#[tokio::test]
async fn a_check_shows_every_line_and_keeps_the_result() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let page = checked(&world, &mut tab, "example").await;
    assert_eq!(page.count("li.check").unwrap(), 11, "{}", page.text());
    // The clock of this world stands still at another day than the provider's own.
    let failed = page.texts_of("li.check.error .name").unwrap();
    assert_eq!(failed, ["Failed: Clock difference"], "{}", page.text());
    assert!(!page.body().contains("secret of example"));
    let lines = tab
        .open(&world.at("/admin/providers/example/check/lines"))
        .await
        .unwrap();
    assert_eq!(lines.header("content-type"), Some("text/event-stream"));
    assert_eq!(
        lines.body().matches("event: line").count(),
        11,
        "{}",
        lines.body()
    );
    assert!(lines.body().contains("event: end"), "{}", lines.body());
}

#[tokio::test]
async fn an_internal_host_is_allowed_by_one_click() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let form = new_form(&world, &mut tab)
        .await
        .fill("everyone_else", "refuse")
        .unwrap();
    tab.submit(form).await.unwrap();
    let page = checked(&world, &mut tab, "school-sso").await;
    assert!(page.count("li.check.error").unwrap() > 0, "{}", page.text());
    let page = tab
        .follow("Allow 127.0.0.1 for this provider")
        .await
        .unwrap();
    let page = tab
        .submit(page.form_with_button("Allow").unwrap())
        .await
        .unwrap();
    assert!(
        page.text()
            .contains("127.0.0.1 may have an internal address."),
        "{}",
        page.text()
    );
    let hosts = world
        .app
        .provider("school-sso")
        .await
        .unwrap()
        .settings
        .private_hosts;
    assert_eq!(hosts, ["127.0.0.1"]);
}

#[tokio::test]
async fn a_refused_attempt_is_found_explained_and_mended() {
    let world = World::new().await;
    let mut person = world.browser().tab();
    let refused = world
        .by_company(&mut person, "/sso/example/start", "carol")
        .await;
    let reference = refused.text_of("#c-reference").unwrap();
    let mut tab = karin(&world).await;
    let page = tab
        .open(&world.at("/admin/sign-ins?show=refused"))
        .await
        .unwrap();
    assert!(page.text().contains(&reference), "{}", page.text());
    let page = tab
        .open(&world.at(&format!("/admin/sign-ins/{reference}")))
        .await
        .unwrap();
    let text = page.text();
    assert!(
        text.contains("Refused: SSO-") && text.contains("What happened"),
        "{text}"
    );
    assert!(page.count("li.check").unwrap() > 1, "{text}");
    assert!(
        text.contains("What the provider sent") && text.contains("sub"),
        "{text}"
    );
    let page = tab
        .open(&world.at(&format!("/admin/why?who={reference}")))
        .await
        .unwrap();
    assert_eq!(page.count(".verdict").unwrap(), 1, "{}", page.text());
    assert!(page.text().contains(&reference), "{}", page.text());
    let attempts = world
        .app
        .attempts(Default::default(), Default::default())
        .await
        .unwrap();
    assert!(
        attempts
            .rows
            .iter()
            .any(|attempt| attempt.door == Door::Provider)
    );
}

#[tokio::test]
async fn why_answers_for_addresses_and_references_only() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let page = tab
        .open(&world.at("/admin/why?who=nonsense"))
        .await
        .unwrap();
    assert_wrong(&page, "who");
    let page = tab
        .open(&world.at("/admin/why?who=x%40nowhere.test"))
        .await
        .unwrap();
    let text = page.text();
    assert!(
        text.contains("Blocked now") && text.contains("SSO-401"),
        "{text}"
    );
    let add = page.link("Add nowhere.test").unwrap();
    assert_eq!(add.path(), "/admin/domains/new");
    assert!(text.contains("gatepost domain add nowhere.test"), "{text}");
    let page = tab
        .open(&world.at("/admin/why?who=erin%40example.org"))
        .await
        .unwrap();
    assert_eq!(
        page.link("Open the mailbox").unwrap().path(),
        "/admin/mailboxes/erin%40example.org"
    );
}

#[tokio::test]
async fn the_issuer_of_endpoints_is_learned_after_a_page_that_says_what_moves() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let path = "/admin/providers/example";
    let page = tab.open(&world.at(path)).await.unwrap();
    assert!(!page.text().contains("Learn the issuer"), "{}", page.text());

    let issuer = world.company.issuer().to_owned();
    let endpoints = Endpoints::Manual {
        authorize: format!("{issuer}/authorize"),
        token: format!("{issuer}/token"),
        userinfo: format!("{issuer}/userinfo"),
    };
    world.change_provider(|p| p.endpoints = endpoints).await;
    let page = tab.open(&world.at(path)).await.unwrap();
    assert!(page.text().contains("Learn the issuer"), "{}", page.text());
    let page = tab
        .open(&world.at(&format!("{path}/issuer")))
        .await
        .unwrap();
    assert!(
        page.text().contains("Nobody is linked to it yet."),
        "{}",
        page.text()
    );
    let form = page.form_with_button("Learn the issuer").unwrap();
    let wrong = form.clone().fill("issuer", "http://127.0.0.1:1").unwrap();
    let page = tab.submit(wrong).await.unwrap();
    assert_eq!(page.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = tab
        .submit(form.fill("issuer", &issuer).unwrap())
        .await
        .unwrap();
    assert!(
        page.text().contains("is known by its issuer now"),
        "{}",
        page.text()
    );
    let provider = world.app.provider("example").await.unwrap();
    assert_eq!(provider.settings.endpoints, Endpoints::Issuer { issuer });
}
