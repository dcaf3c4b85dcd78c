//! Test sign-ins: everything is shown, nothing is stored, and they open the way to switching on.

use crate::world::{
    ACTOR, BROWSER, SECRET, SLUG, World, address, company, nowhere, quota, secret, untested,
};
use app::providers::{SecretChange, UNTESTED};
use app::sign_in::{Arrived, Ended};
use app::templates::TemplateForm;
use app::test_sign_in::{RuleOutcome, TestBegun, TestSignIn};
use app::{Client, Problem};
use model::attempt::StepState;
use model::domain::GIB;
use model::outcome::Code;
use model::provider::{Endpoints, EveryoneElse, Provider, ProviderSettings};
use model::rule::{Rule, Test};
use serde_json::json;
use store::{Page, Store, audit};

const SCOPES: &str = "openid profile email groups mailcow_template";

/// Every byte of the database: its pages and what waits in its log.
pub fn picture(world: &World) -> [Vec<u8>; 2] {
    ["store.db", "store.db-wal"].map(|name| std::fs::read(world.dir.join(name)).unwrap_or_default())
}

async fn off(world: &World) {
    world
        .provider(|p| {
            p.active = false;
            p.scopes = SCOPES.to_owned();
        })
        .await;
    sent_once(world).await;
}

async fn sent_once(world: &World) {
    // The secret goes out for the first time here, which is remembered; see `secret_settings`.
    world.app.test_provider(SLUG, &mut |_| {}).await.unwrap();
}

fn code(test: &TestSignIn) -> Option<Code> {
    test.refusal.as_ref().map(|refusal| refusal.code)
}

/// What a test says of a rule: its number from 1, and how it stood.
fn outcomes(test: &TestSignIn) -> Vec<(&str, RuleOutcome)> {
    let rules = test.found.rules.iter();
    rules
        .map(|rule| (rule.gives.as_str(), rule.outcome))
        .collect()
}

async fn turn_on(
    world: &World,
    change: impl FnOnce(&mut ProviderSettings),
) -> Result<Provider, Problem> {
    let mut settings = world.app.provider(SLUG).await.unwrap().settings;
    settings.active = true;
    change(&mut settings);
    let saved = world
        .app
        .edit_provider(&ACTOR, SLUG, settings, SecretChange::Keep, None)
        .await?;
    Ok(saved.provider)
}

fn is_untested<T: std::fmt::Debug>(result: Result<T, Problem>) -> bool {
    match result.unwrap_err() {
        Problem::Invalid(fields) => fields[0].field == UNTESTED,
        other => panic!("{other:?}"),
    }
}

/// Changes to the provider by these names, oldest first.
async fn remembered(world: &World) -> Vec<String> {
    let store = Store::open_read_only(&world.dir.join("store.db"));
    let mut read = store.read().unwrap();
    let changes = audit::list(&mut read, &Page::first(100), Some(SLUG)).await;
    let mut names: Vec<_> = changes
        .unwrap()
        .rows
        .into_iter()
        .map(|c| c.action)
        .collect();
    names.reverse();
    names
}

fn waivers(changes: &[String]) -> usize {
    let waiver = |change: &&String| *change == "provider.enable_untested";
    changes.iter().filter(waiver).count()
}

#[tokio::test]
async fn everything_is_shown_and_not_a_byte_is_stored() {
    let world = World::new().await;
    off(&world).await;
    let before = picture(&world);

    let test = world.tested("alice").await;
    assert!(test.passed, "{test:?}");
    assert_eq!(
        test.sentence,
        "The mailbox alice@example.org would be made, and they would be signed in to it."
    );
    let identity = test.found.identity.as_ref().unwrap();
    assert_eq!(identity.subject, "0b9d6c1e-6f5e-4c77-9a37-5d3a52c9f0a1");
    assert_eq!(identity.namespace, world.lab.issuer());
    assert_eq!(identity.address.as_deref(), Some("alice@example.org"));
    assert_eq!(identity.name.as_deref(), Some("Alice Aalto"));
    assert!(
        identity.scopes_granted.contains("mailcow_template"),
        "{identity:?}"
    );
    let origins: Vec<_> = ["aud", "groups"]
        .map(|name| {
            test.found
                .claims
                .iter()
                .find(|claim| claim.name == name)
                .unwrap()
        })
        .map(|claim| (claim.origin.as_str(), claim.cut))
        .to_vec();
    assert_eq!(origins, [("id_token", false), ("userinfo", false)]);
    let groups = test
        .found
        .claims
        .iter()
        .find(|claim| claim.name == "groups");
    assert_eq!(groups.unwrap().value, json!(["staff", "sales"]));
    let fields: Vec<_> = test
        .found
        .mailbox
        .fields
        .iter()
        .map(|f| (f.field.as_str(), f.before.as_deref(), f.after.as_str()))
        .collect();
    assert!(fields.contains(&("Quota", None, "2 GiB")), "{fields:?}");
    assert!(fields.contains(&("Template", None, "Staff")), "{fields:?}");
    let room = test.found.room.as_ref().unwrap();
    assert_eq!(room.now, "0 of 10 mailboxes, nothing of 20 GiB given out");
    assert_eq!(
        room.then.as_deref(),
        Some("1 of 10 mailboxes, 2 GiB of 20 GiB given out")
    );
    let timed: Vec<_> = test
        .found
        .steps
        .iter()
        .filter(|step| step.took_ms.is_some())
        .map(|step| step.gate.as_str())
        .collect();
    assert_eq!(
        timed,
        [
            "at the provider",
            "code exchanged",
            "keys fetched",
            "userinfo",
            "identity"
        ]
    );
    assert_eq!(
        test.found.steps.last().map(|step| step.state),
        Some(StepState::Ok)
    );

    let refused = world.tested("carol").await;
    assert_eq!(code(&refused), Some(Code::NoMapping));
    assert!(!refused.passed);
    assert_eq!(
        refused.found.identity.as_ref().unwrap().name.as_deref(),
        Some("Carol Costa")
    );
    assert_eq!(
        outcomes(&refused),
        [
            ("Staff", RuleOutcome::FitsNot),
            ("refused", RuleOutcome::Fits)
        ]
    );
    assert_eq!(
        refused.found.fix.as_deref(),
        Some("gatepost rule list example")
    );
    assert!(refused.found.mailbox.fields.is_empty());

    let kept = world.app.test_sign_ins(SLUG).await.unwrap();
    assert_eq!(kept, [refused, test]);
    assert_eq!(picture(&world), before);
    assert!(
        world
            .app
            .mailbox(&address("alice@example.org"))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn rules_below_the_one_that_decides_are_not_looked_at() {
    let world = World::new().await;
    let staff = world.staff.id;
    world
        .provider(|p| {
            p.scopes = SCOPES.to_owned();
            p.rules = vec![
                Rule::mailcow("board", staff),
                Rule {
                    claim: "groups".to_owned(),
                    test: Test::Is("sales".to_owned()),
                    template: staff,
                },
                Rule::mailcow("staff", staff),
            ];
            p.everyone_else = EveryoneElse::Template(staff);
        })
        .await;
    let test = world.tested("alice").await;
    let words: Vec<_> = test
        .found
        .rules
        .iter()
        .map(|rule| (rule.rule.as_str(), rule.outcome, rule.why.as_str()))
        .collect();
    assert_eq!(
        words,
        [
            (
                "mailcow_template is board",
                RuleOutcome::FitsNot,
                "no, it is staff"
            ),
            ("groups is sales", RuleOutcome::Fits, "yes"),
            (
                "mailcow_template is staff",
                RuleOutcome::NotLookedAt,
                "rule 2 decides"
            ),
            ("everyone else", RuleOutcome::NotLookedAt, "rule 2 decides"),
        ]
    );
}

#[tokio::test]
async fn what_a_template_would_change_stands_beside_what_is() {
    let world = World::new().await;
    world.signed_in("alice").await;
    let board = TemplateForm {
        name: "Board".to_owned(),
        settings: quota(4 * GIB),
    };
    let board = world.app.create_template(&ACTOR, board).await.unwrap();
    world
        .provider(|p| p.rules = vec![Rule::mailcow("staff", board.id)])
        .await;
    let before = picture(&world);
    let test = world.tested("alice").await;
    assert!(test.passed);
    assert_eq!(
        test.sentence,
        "They would be signed in to alice@example.org."
    );
    let changed: Vec<_> = test
        .found
        .mailbox
        .fields
        .iter()
        .filter(|field| field.changes())
        .map(|f| (f.field.as_str(), f.before.as_deref(), f.after.as_str()))
        .collect();
    assert_eq!(
        changed,
        [
            ("Quota", Some("2 GiB"), "4 GiB"),
            ("Template", Some("Staff"), "Board")
        ]
    );
    assert_eq!(
        test.found.room.as_ref().unwrap().then.as_deref(),
        Some("1 of 10 mailboxes, 4 GiB of 20 GiB given out")
    );
    assert_eq!(picture(&world), before);
    // The sign-in itself does what the test said.
    world.signed_in("alice").await;
    let view = world
        .app
        .mailbox(&address("alice@example.org"))
        .await
        .unwrap();
    assert_eq!(view.mailbox.quota, 4 * GIB);
    assert!(
        world
            .tested("alice")
            .await
            .found
            .mailbox
            .fields
            .iter()
            .all(|field| !field.changes())
    );
}

#[tokio::test]
async fn limits_and_states_refuse_a_test_as_they_refuse_a_sign_in() {
    let world = World::new().await;
    world.domain(|d| d.limits.domain_quota = 5 * GIB).await;
    world.domain(|d| d.limits.max_mailboxes = 1).await;
    world.signed_in("bob").await;
    let test = world.tested("alice").await;
    assert_eq!(code(&test), Some(Code::DomainFull));
    assert_eq!(
        test.found.fix.as_deref(),
        Some("gatepost domain edit example.org --max-mailboxes 11")
    );
    assert_eq!(
        test.found.room.as_ref().unwrap().now,
        "1 of 1 mailboxes, 2 GiB of 5 GiB given out"
    );
    world.domain(|d| d.active = false).await;
    assert_eq!(
        code(&*world.tested("bob").await),
        Some(Code::DomainInactive)
    );
}

#[tokio::test]
async fn a_local_mailbox_passes_up_to_its_password() {
    let world = World::new().await;
    world
        .mailbox(
            "alice",
            app::mailboxes::NewSignIn::Local(secret(crate::world::PASSWORD)),
        )
        .await;
    sent_once(&world).await;
    let before = picture(&world);
    let test = world.tested("alice").await;
    assert!(test.passed);
    assert_eq!(
        test.notice.as_ref().map(|n| n.code),
        Some(Code::ProveLocalPassword)
    );
    assert_eq!(picture(&world), before, "no proof waits either");
}

#[tokio::test]
async fn what_the_provider_does_wrong_is_a_result() {
    let world = World::new().await;
    let right = world.app.provider(SLUG).await.unwrap().settings;
    world
        .provider(|p| p.endpoints = Endpoints::Issuer { issuer: nowhere() })
        .await;
    let test = world.tested("alice").await;
    assert_eq!(code(&test), Some(Code::ProviderUnreachable));
    assert_eq!(test.found.identity, None);
    assert_eq!(
        test.found.fix.as_deref(),
        Some("gatepost provider check example")
    );

    let wrong = SecretChange::Set(secret("not the secret"));
    world
        .app
        .edit_provider(&ACTOR, SLUG, right, wrong, None)
        .await
        .unwrap();
    let test = world.tested("alice").await;
    assert_eq!(code(&test), Some(Code::ClientRejected));
    let last = test.found.steps.last().unwrap();
    assert_eq!(
        (last.gate.as_str(), last.state),
        ("outcome", StepState::Blocked)
    );
}

#[tokio::test]
async fn a_tests_answer_counts_once_and_in_its_own_browser() {
    let world = World::new().await;
    let TestBegun::Leave(url) = world.begin_test().await else {
        panic!("it leaves")
    };
    let query = world.at_provider(&url, "alice").await;
    let arrived = || Arrived::OwnPath(SLUG.to_owned());
    let client = Client::default();
    let other = Some("another-browser");
    let elsewhere = world.app.finish_sign_in(arrived(), &query, other, &client);
    assert!(matches!(elsewhere.await, Ended::Refused(r) if r.refusal.code == Code::ForeignState));
    world.test_ended(&query).await;
    let Ended::Refused(again) = world.finish(&query).await else {
        panic!("twice")
    };
    assert_eq!(again.refusal.code, Code::ForeignState);
    assert_eq!(world.app.test_sign_ins(SLUG).await.unwrap().len(), 1);
    // A real sign-in's answer is none of a test, and makes no result.
    world.signed_in("alice").await;
    assert_eq!(world.app.test_sign_ins(SLUG).await.unwrap().len(), 1);
}

#[tokio::test]
async fn switching_on_asks_for_a_test_of_the_provider_as_it_is() {
    let world = World::new().await;
    off(&world).await;
    let provider = || async { world.app.provider(SLUG).await.unwrap() };
    assert!(is_untested(turn_on(&world, |_| {}).await));
    assert!(!provider().await.settings.active);

    // A refused test opens nothing.
    world.tested("carol").await;
    assert!(is_untested(turn_on(&world, |_| {}).await));

    world.tested("alice").await;
    assert!(world.app.test_passed(&provider().await).is_some());
    // Other scopes or another client are not what was tested; rules and domains may change.
    assert!(is_untested(
        turn_on(&world, |p| p.scopes = "openid email".to_owned()).await
    ));
    assert!(is_untested(
        turn_on(&world, |p| p.client_id = "other".to_owned()).await
    ));
    world.provider(|p| p.rules.clear()).await;
    assert!(turn_on(&world, |_| {}).await.unwrap().settings.active);
    let untested_before = remembered(&world).await;
    assert_eq!(waivers(&untested_before), 1, "when it was added");

    // The same secret anew is another one, as far as anybody can tell.
    off(&world).await;
    let settings = provider().await.settings;
    let again = SecretChange::Set(secret(SECRET));
    world
        .app
        .edit_provider(&ACTOR, SLUG, settings, again, None)
        .await
        .unwrap();
    assert!(is_untested(turn_on(&world, |_| {}).await));

    let on = ProviderSettings {
        active: true,
        ..provider().await.settings
    };
    let waived = world
        .app
        .edit_provider(untested(), SLUG, on, SecretChange::Keep, None);
    assert!(waived.await.unwrap().provider.settings.active);
    let changes = remembered(&world).await;
    assert_eq!(waivers(&changes), 2);
    assert_eq!(
        changes.last().map(String::as_str),
        Some("provider.enable_untested")
    );
}

#[tokio::test]
async fn a_provider_is_not_added_switched_on_without_a_word() {
    let world = World::new().await;
    let settings = world.app.provider(SLUG).await.unwrap().settings;
    let added = world.app.create_provider(&ACTOR, "second", settings, None);
    assert!(is_untested(added.await));
    assert!(world.app.provider("second").await.is_err());
}

#[tokio::test]
async fn a_test_of_what_has_changed_meanwhile_counts_for_nothing() {
    let world = World::new().await;
    let TestBegun::Leave(url) = world.begin_test().await else {
        panic!("it leaves")
    };
    let query = world.at_provider(&url, "alice").await;
    world
        .provider(|p| p.scopes = "openid email".to_owned())
        .await;
    let id = world.test_ended(&query).await;
    let test = world.app.test_sign_in(SLUG, &id.to_string()).await.unwrap();
    assert_eq!(code(&test), Some(Code::ForeignState));
}

#[tokio::test]
async fn claims_without_end_are_cut() {
    let world = World::new().await;
    world.provider(|p| p.scopes = SCOPES.to_owned()).await;
    company(&world)
        .set_claim("alice", "name", json!("x".repeat(10_000)))
        .unwrap();
    let many: Vec<_> = (0..2_000).map(|n| format!("group-{n}")).collect();
    company(&world)
        .set_claim("alice", "groups", json!(many))
        .unwrap();
    let test = world.tested("alice").await;
    for name in ["name", "groups"] {
        let claim = test
            .found
            .claims
            .iter()
            .find(|claim| claim.name == name)
            .unwrap();
        assert!(claim.cut, "{name}");
        assert!(claim.value.to_string().len() < 200, "{name}");
    }
}

#[tokio::test]
async fn there_is_no_result_that_nobody_made() {
    let world = World::new().await;
    for (slug, id) in [(SLUG, "nothing"), (SLUG, ""), ("nobody", "nothing")] {
        let found = world.app.test_sign_in(slug, id).await;
        assert!(matches!(found, Err(Problem::NotFound(_))), "{slug} {id}");
    }
    let client = Client::default();
    let nobody = world
        .app
        .begin_test_sign_in(&ACTOR, "nobody", BROWSER, &client);
    assert!(matches!(nobody.await, Err(Problem::NotFound(_))));
}
