//! Forms that are opened for an attempt: what they fill in, and what they never do.

use crate::admin::karin;
use crate::world::{PASSWORD, World};
use http::StatusCode;
use model::attempt::Reference;
use model::audit::Actor;
use model::outcome::Code;
use model::provider::ProviderSettings;
use serde_json::json;
use testkit::browser::Tab;

const CANARY: &str = "Canary Lane 7";
const ACTOR: Actor = Actor::CommandLine;
const PROVIDER: &str = "/admin/providers/example";

/// Somebody comes and is refused; the reference of the attempt.
async fn refused(world: &World, login: &str, code: Code) -> Reference {
    let mut tab = world.browser().tab();
    world
        .by_company(&mut tab, "/sso/example/start", login)
        .await;
    let filter = app::attempts::AttemptFilter::default();
    let listed = world.app.attempts(filter, Default::default()).await;
    let last = listed.unwrap().rows.remove(0);
    assert_eq!(last.refusal.map(|refusal| refusal.code), Some(code));
    last.reference
}

async fn edited(world: &World, change: impl FnOnce(&mut ProviderSettings)) {
    let mut settings = world.app.provider("example").await.unwrap().settings;
    change(&mut settings);
    let keep = app::providers::SecretChange::Keep;
    let edit = world
        .app
        .edit_provider(&ACTOR, "example", settings, keep, None);
    edit.await.unwrap();
}

async fn body(world: &World, tab: &mut Tab, path: &str) -> String {
    let page = tab.open(&world.at(path)).await.unwrap();
    assert_eq!(page.status(), StatusCode::OK, "{path}: {}", page.text());
    page.body().to_owned()
}

#[tokio::test]
async fn a_form_takes_a_reference_and_no_value_from_its_address() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let before = world.app.provider("example").await.unwrap();
    let long = "x".repeat(6000);
    for bad in [
        "",
        "7K4Q-M2XD",
        "nothing",
        "%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "%00%0d%0aSet-Cookie:%20a=b",
        "../../etc/passwd",
        &long,
    ] {
        for form in [
            PROVIDER,
            "/admin/providers/example/rules",
            "/admin/domains/example.org",
            "/admin/domains/new",
        ] {
            let path = format!(
                "{form}?for={bad}&scopes=evil&issuer=https://evil.test&claim=evil&value=evil&name=e%20vil"
            );
            let body = body(&world, &mut tab, &path).await;
            assert!(!body.contains("<script>alert"), "{path}");
            assert!(!body.contains("evil"), "{path}");
            assert!(!body.contains("not saved yet"), "{path}");
        }
    }
    for (host, status) in [
        ("auth.lan", StatusCode::OK),
        ("[::1]", StatusCode::OK),
        ("::1", StatusCode::OK),
        ("", StatusCode::NOT_FOUND),
        ("two%20words", StatusCode::NOT_FOUND),
        ("%3Cscript%3Ealert(1)%3C/script%3E", StatusCode::NOT_FOUND),
    ] {
        let path = format!("{PROVIDER}/allow-host?host={host}");
        let page = tab.open(&world.at(&path)).await.unwrap();
        assert_eq!(page.status(), status, "{host}");
    }
    assert_eq!(world.app.provider("example").await.unwrap(), before);
}

#[tokio::test]
async fn what_mends_it_is_filled_in_and_only_the_button_saves_it() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    edited(&world, |settings| settings.domains.clear()).await;
    let reference = refused(&world, "alice", Code::DomainNotOfProvider).await;
    let page = tab
        .open(&world.at(&format!("/admin/sign-ins/{reference}")))
        .await
        .unwrap();
    let fix = page.link("Allow example.org for this provider").unwrap();
    let query = format!("for={reference}");
    assert_eq!((fix.path(), fix.query()), (PROVIDER, Some(query.as_str())));
    assert_eq!(fix.fragment(), Some("f-domains"));
    let page = tab.open(fix.as_str()).await.unwrap();
    let text = page.text();
    assert!(text.contains("filled in and not saved yet"), "{text}");
    assert!(text.contains("Until you save, it is: none"), "{text}");
    assert_eq!(page.count("#f-domains input[checked]").unwrap(), 1);
    let now = world.app.provider("example").await.unwrap();
    assert!(now.settings.domains.is_empty(), "looking saves nothing");

    tab.submit(page.form_with_button("Save").unwrap())
        .await
        .unwrap();
    let replayed = world.app.replay(&reference).await.unwrap();
    assert!(replayed.gets_in, "{}", replayed.sentence);
    // Mended: the same address is the plain form again.
    let body = body(&world, &mut tab, &format!("{PROVIDER}?for={reference}")).await;
    assert!(!body.contains("not saved yet"));
}

#[tokio::test]
async fn a_form_of_another_object_is_not_filled_in() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    world
        .company
        .company()
        .set_claim("carol", "mailcow_template", json!("guests"))
        .unwrap();
    let unmatched = refused(&world, "carol", Code::NoMapping).await;
    let rules = format!("{PROVIDER}/rules?for={unmatched}");
    assert!(body(&world, &mut tab, &rules).await.contains("guests"));
    for other in [
        format!("{PROVIDER}?for={unmatched}"),
        format!("/admin/domains/example.org?for={unmatched}"),
        format!("/admin/domains/new?for={unmatched}"),
    ] {
        let body = body(&world, &mut tab, &other).await;
        assert!(!body.contains("not saved yet"), "{other}");
    }
    // An earlier state of the rules is looked at for its own sake.
    let version = world.app.rules("example").await.unwrap().version.id;
    let earlier = format!("{rules}&version={version}");
    assert!(!body(&world, &mut tab, &earlier).await.contains("guests"));
}

#[tokio::test]
async fn what_is_ticked_for_a_new_domain_is_said() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    world
        .company
        .company()
        .change("alice", |p| "alice@corp.test".clone_into(&mut p.email))
        .unwrap();
    let reference = refused(&world, "alice", Code::DomainUnknown).await;
    let new = format!("/admin/domains/new?for={reference}");
    let page = tab.open(&world.at(&new)).await.unwrap();
    assert_eq!(page.count("input[name=providers][checked]").unwrap(), 1);
    assert!(page.text().contains("not saved yet"), "{}", page.text());
}

#[tokio::test]
async fn a_private_value_is_in_no_form() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let private = vec!["mailcow_template".to_owned()];
    let set = world.app.set_private_claims(&ACTOR, private);
    set.await.unwrap();
    world
        .company
        .company()
        .set_claim("carol", "mailcow_template", json!(CANARY))
        .unwrap();
    let reference = refused(&world, "carol", Code::NoMapping).await;
    for path in [
        format!("/admin/sign-ins/{reference}"),
        format!("{PROVIDER}/rules?for={reference}"),
        "/admin/why?who=carol@example.org".to_owned(),
    ] {
        let body = body(&world, &mut tab, &path).await;
        assert!(!body.contains(CANARY), "{path}");
    }
}

#[tokio::test]
async fn an_attempt_of_nobody_opens_by_its_reference() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    edited(&world, |settings| settings.private_hosts.clear()).await;
    let reference = refused_before(&world).await;
    let page = tab
        .open(&world.at(&format!("/admin/why?who={reference}")))
        .await
        .unwrap();
    assert_eq!(page.url().path(), format!("/admin/sign-ins/{reference}"));
    assert!(page.link("Allow 127.0.0.1 for this provider").is_ok());
}

/// Refused before they saw the provider.
async fn refused_before(world: &World) -> Reference {
    let mut tab = world.browser().tab();
    tab.open(&world.at("/sso/example/start")).await.unwrap();
    let filter = app::attempts::AttemptFilter::default();
    let listed = world.app.attempts(filter, Default::default()).await;
    let last = listed.unwrap().rows.remove(0);
    let code = last.refusal.map(|refusal| refusal.code);
    assert_eq!(code, Some(Code::InternalAddress));
    last.reference
}

#[tokio::test]
async fn a_new_domain_names_who_may_sign_in_its_people() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let page = tab.open(&world.at("/admin/domains/new")).await.unwrap();
    let form = page.form_with_button("Add domain").unwrap();
    let form = form.fill("name", "school.test").unwrap();
    let page = tab
        .submit(form.tick("providers", "example").unwrap())
        .await
        .unwrap();
    assert_eq!(page.status(), StatusCode::OK, "{}", page.text());
    let school = "school.test".parse().unwrap();
    let (domain, _) = world.app.domain(&school).await.unwrap();
    let provider = world.app.provider("example").await.unwrap();
    assert!(provider.settings.domains.contains(&domain.id));
}

#[tokio::test]
async fn rules_stand_in_the_navigation() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let page = tab.open(&world.at("/admin/rules")).await.unwrap();
    assert_eq!(page.url().path(), "/admin/providers/example/rules");
    let settings = world.app.provider("example").await.unwrap().settings;
    let second = ProviderSettings {
        name: "Second".to_owned(),
        active: false,
        rules: Vec::new(),
        ..settings
    };
    let created = world.app.create_provider(&ACTOR, "second", second, None);
    created.await.unwrap();
    let page = tab.open(&world.at("/admin/rules")).await.unwrap();
    assert_eq!(page.url().path(), "/admin/rules");
    assert!(page.text().contains("mailcow_template is staff: Staff"));
    assert!(page.link("Second").is_ok());
}

#[tokio::test]
async fn who_tried_too_often_is_let_in_again_by_a_question() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    // Side by side, since each answer is held back.
    let guesses = (0..10).map(async |guess| {
        let mut tab = world.browser().tab();
        let guess = format!("a wrong password, number {guess}");
        world.sign_in(&mut tab, "erin@example.org", &guess).await;
    });
    futures_util::future::join_all(guesses).await;
    let erin = "erin@example.org";
    let mut hers = world.browser().tab();
    let page = world.sign_in(&mut hers, erin, PASSWORD).await;
    assert!(page.text().contains("Too many tries."), "{}", page.text());

    let list = tab
        .open(&world.at("/admin/sign-ins?code=SSO-503"))
        .await
        .unwrap();
    let attempt = list.link(erin).unwrap();
    let page = tab.open(attempt.as_str()).await.unwrap();
    let clear = page.link("Clear").unwrap();
    let asked = tab.open(clear.as_str()).await.unwrap();
    assert!(asked.text().contains("try again?"), "{}", asked.text());
    let page = tab
        .submit(asked.form_with_button("Clear").unwrap())
        .await
        .unwrap();
    assert!(page.text().contains("They may try again now."));
    let page = world.sign_in(&mut hers, erin, PASSWORD).await;
    assert_eq!(page.url().path(), "/home", "{}", page.text());

    for (path, status) in [
        ("nothing", StatusCode::NOT_FOUND),
        ("7K4Q-M2XD", StatusCode::NOT_FOUND),
    ] {
        let path = format!("/admin/sign-ins/{path}/clear");
        let page = tab.open(&world.at(&path)).await.unwrap();
        assert_eq!(page.status(), status, "{path}");
    }
}
