//! Several providers: the sign-in page, the address first, the domain's choice, the order.

use crate::admin::{assert_wrong, karin};
use crate::world::{PASSWORD, World};
use app::domains::DomainForm;
use http::StatusCode;
use model::audit::Actor;
use model::provider::{Endpoints, RedirectForm};
use testkit::browser::{Page, Tab};

const ACTOR: Actor = Actor::CommandLine;

/// `example` for example.org and school.test, `other` for example.org alone, and a domain of which
/// nobody is signed in by a provider.
async fn shared_out() -> World {
    let world = World::new().await;
    world.provider("other", RedirectForm::OwnPath).await;
    let mut added = Vec::new();
    for name in ["school.test", "local.test"] {
        let form = DomainForm {
            confirm_within: None,
            name: name.parse().unwrap(),
            active: true,
            limits: model::domain::DomainLimits::default(),
            role_target: Some("karin@example.net".parse().unwrap()),
        };
        added.push(world.app.create_domain(&ACTOR, form).await.unwrap().id);
    }
    world.change_provider(|p| p.domains.push(added[0])).await;
    world
}

async fn ask(world: &World, tab: &mut Tab, address: &str) -> Page {
    let page = tab.open(&world.at("/")).await.unwrap();
    let form = page.form_with_button("Continue").unwrap();
    tab.submit(form.fill("address", address).unwrap())
        .await
        .unwrap()
}

/// Where the page goes on by itself.
fn refresh(page: &Page) -> Option<String> {
    let content = page.attribute("meta[http-equiv=refresh]", "content").ok()?;
    content.strip_prefix("0; url=").map(ToOwned::to_owned)
}

#[tokio::test]
async fn the_address_comes_first_where_it_tells_the_provider() {
    let world = shared_out().await;
    let browser = world.browser();
    let mut tab = browser.tab();
    let page = tab.open(&world.at("/")).await.unwrap();
    let others = page.texts_of("details .ways .button").unwrap();
    assert_eq!(
        others,
        ["Continue with example SSO", "Continue with other SSO"]
    );
    assert_eq!(page.count("details[open]").unwrap(), 0);

    let page = ask(&world, &mut tab, " Alice@School.TEST ").await;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(
        page.text()
            .contains("alice@school.test signs in with example SSO.")
    );
    let there = refresh(&page).unwrap();
    assert!(there.starts_with(world.company.issuer()), "{there}");
    assert!(there.contains("login_hint=alice%40school.test"), "{there}");
    assert_eq!(
        page.link("Continue with example SSO").unwrap().as_str(),
        there
    );
    assert!(
        !page.url().as_str().contains("alice"),
        "no address in our URLs"
    );
    let page = tab.open(&there).await.unwrap();
    let home = world.as_person(&mut tab, &page, "alice").await;
    assert_eq!(home.url().path(), "/home", "{}", home.text());
}

#[tokio::test]
async fn a_browser_is_sent_on_by_itself_once_a_visit() {
    let world = shared_out().await;
    let browser = world.browser();
    let mut tab = browser.tab();
    let page = ask(&world, &mut tab, "alice@school.test").await;
    let there = refresh(&page).unwrap();
    for _ in 0..2 {
        let page = ask(&world, &mut tab, "alice@school.test").await;
        assert_eq!(refresh(&page), None, "back already");
        assert!(page.link("Continue with example SSO").is_ok());
    }
    // Whoever came in begins anew.
    let page = tab.open(&there).await.unwrap();
    world.as_person(&mut tab, &page, "alice").await;
    assert_eq!(browser.cookie(&world.url, "gatepost-sent").unwrap(), None);
}

#[tokio::test]
async fn a_domain_without_provider_reads_like_one_that_is_not_here() {
    let world = shared_out().await;
    world.local_mailbox("gina@local.test").await;
    let mut bodies = Vec::new();
    for address in ["gina@local.test", "nina@local.test", "gina@absent.com"] {
        let mut tab = world.browser().tab();
        let page = ask(&world, &mut tab, address).await;
        assert_eq!(page.status(), StatusCode::OK);
        assert_eq!(refresh(&page), None);
        assert_eq!(page.count("details[open]").unwrap(), 1);
        let form = page.form_with_button("Sign in").unwrap();
        assert_eq!(form.value("name").as_deref(), Some(address));
        let token = form.value("form_token").unwrap();
        bodies.push(
            page.body()
                .replace(address, "ADDRESS")
                .replace(&token, "TOKEN"),
        );
        if address == "gina@local.test" {
            let form = form.fill("password", PASSWORD).unwrap();
            let home = tab.submit(form).await.unwrap();
            assert_eq!(home.url().path(), "/home");
        }
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]));
}

#[tokio::test]
async fn several_providers_of_one_domain_are_offered_to_choose_from() {
    let world = shared_out().await;
    let mut tab = world.browser().tab();
    for local in ["erin", "nobody"] {
        let page = ask(&world, &mut tab, &format!("{local}@example.org")).await;
        let ways = page.texts_of("main > .ways .button").unwrap();
        assert_eq!(
            ways,
            ["Continue with example SSO", "Continue with other SSO"]
        );
        assert!(
            page.text()
                .contains("People of example.org sign in with one of these.")
        );
    }
}

#[tokio::test]
async fn what_is_no_address_is_said_so_and_a_plain_name_is_an_administrators() {
    let world = shared_out().await;
    let mut tab = world.browser().tab();
    let long = format!("{}@example.org", "a".repeat(300));
    for typed in ["a@", "@", "a@b@c", "<i>@x.test", &long] {
        let page = ask(&world, &mut tab, typed).await;
        assert_wrong(&page, "address");
        assert!(!page.body().contains("<i>"));
    }
    let page = ask(&world, &mut tab, "karin").await;
    let form = page.form_with_button("Sign in").unwrap();
    let form = form.fill("password", PASSWORD).unwrap();
    let page = tab.submit(form).await.unwrap();
    assert_eq!(page.url().path(), "/admin");
    let mut tab = world.browser().tab();
    let page = tab.open(&world.at("/")).await.unwrap();
    let form = page.form_with_button("Continue").unwrap();
    let page = tab.submit(form.clone().without("address")).await.unwrap();
    assert_eq!(page.status(), StatusCode::BAD_REQUEST);
    // Nobody is sent to another site, whatever a form names as the way back.
    let form = form.fill("address", "nina@local.test").unwrap();
    let page = tab
        .submit(form.tamper("next", "//evil.test/"))
        .await
        .unwrap();
    assert!(!page.body().contains("evil.test"), "{}", page.body());
}

#[tokio::test]
async fn a_provider_that_is_down_keeps_its_button_and_says_so() {
    let world = World::new().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let endpoints = Endpoints::Issuer { issuer };
    world.change_provider(|p| p.endpoints = endpoints).await;
    let mut tab = world.browser().tab();
    for _ in 0..5 {
        let page = tab.open(&world.at("/sso/example/start")).await.unwrap();
        assert_eq!(page.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    let page = tab.open(&world.at("/")).await.unwrap();
    assert!(page.link("Continue with example SSO").is_ok());
    let note = page.text_of(".ways .meta").unwrap();
    assert!(
        note.starts_with("example SSO is not answering (since 22 Nov 2026, "),
        "{note}"
    );
}

#[tokio::test]
async fn the_choice_of_a_domain_is_made_on_its_page_and_told_to_who_comes_otherwise() {
    let world = World::new().await;
    world.provider("other", RedirectForm::OwnPath).await;
    let mut admin = karin(&world).await;
    let at = world.at("/admin/domains/example.org");
    let page = admin.open(&at).await.unwrap();
    let form = page.form_with_button("Save the choice").unwrap();
    assert_eq!(form.value("provider").as_deref(), Some(""));
    let chosen = form.clone().fill("provider", "other").unwrap();
    let page = admin.submit(chosen).await.unwrap();
    assert!(
        page.text()
            .contains("People of example.org sign in by other SSO only.")
    );
    // The form that was open before is stale; a name that nobody has is said so.
    let stale = admin.submit(form).await.unwrap();
    assert_eq!(stale.status(), StatusCode::CONFLICT);
    let page = admin.open(&at).await.unwrap();
    let form = page.form_with_button("Save the choice").unwrap();
    let page = admin
        .submit(form.tamper("provider", "nobody"))
        .await
        .unwrap();
    assert_wrong(&page, "provider");

    let mut tab = world.browser().tab();
    let page = world
        .by_company(&mut tab, "/sso/example/start", "alice")
        .await;
    assert_eq!(page.status(), StatusCode::FORBIDDEN);
    assert!(
        page.text()
            .contains("People of example.org sign in with other SSO.")
    );
    let home = tab.follow("Continue there").await.unwrap();
    assert_eq!(home.url().path(), "/home", "{}", home.text());

    // The administrator sees what hangs on it, and is led to the domain.
    let page = admin
        .open(&world.at("/admin/providers/other/switch"))
        .await
        .unwrap();
    assert!(
        page.text()
            .contains("People of example.org sign in by it alone")
    );
    let page = admin
        .open(&world.at("/admin/why?who=alice@example.org"))
        .await
        .unwrap();
    assert!(
        page.text().contains("Bound to other SSO") || page.text().contains("bound to other SSO")
    );
    let page = admin
        .open(&world.at("/admin/providers/other/delete"))
        .await
        .unwrap();
    let form = page.form_with_button("Delete").unwrap();
    let page = admin.submit(form).await.unwrap();
    assert_eq!(page.status(), StatusCode::CONFLICT, "{}", page.text());
}

#[tokio::test]
async fn the_order_is_changed_by_buttons() {
    let world = World::new().await;
    let mut admin = karin(&world).await;
    let page = admin.open(&world.at("/admin/providers")).await.unwrap();
    assert!(page.form_with_button("Up").is_err() && page.form_with_button("Down").is_err());
    world.provider("other", RedirectForm::OwnPath).await;
    let page = admin.open(&world.at("/admin/providers")).await.unwrap();
    let up = page.form_with_button("Up").unwrap();
    let page = admin.submit(up.clone()).await.unwrap();
    assert!(
        page.text().contains("other SSO is number 1 now."),
        "{}",
        page.text()
    );
    for number in ["0", "3", "-1", "1e9", "18446744073709551616", ""] {
        let page = admin
            .submit(up.clone().tamper("number", number))
            .await
            .unwrap();
        assert!(
            page.status().is_client_error(),
            "{number}: {}",
            page.status()
        );
    }
    let page = world.browser().tab().open(&world.at("/")).await.unwrap();
    let ways = page.texts_of(".ways .button").unwrap();
    assert_eq!(
        ways,
        ["Continue with other SSO", "Continue with example SSO"]
    );
}

#[tokio::test]
async fn an_administrator_gets_in_when_every_provider_is_broken() {
    let world = shared_out().await;
    let gone = Endpoints::Issuer {
        issuer: "https://gone.invalid".to_owned(),
    };
    for slug in ["example", "other"] {
        let endpoints = gone.clone();
        world.change(slug, |p| p.endpoints = endpoints).await;
    }
    karin(&world).await;
}
