//! Rules: what they would do to everybody before they are saved, and their history.

use crate::crowd::crowd;
use crate::world::{ACTOR, SLUG, World, address, company, quota};
use app::Problem;
use app::rules::{EffectKind, Reach, Tried, pasted, set_of};
use app::templates::TemplateForm;
use model::domain::GIB;
use model::ids::TemplateId;
use model::link::Namespace;
use model::outcome::Code;
use model::provider::EveryoneElse;
use model::rule::{Pattern, Rule, Test};
use model::rules::lint::Kind;
use model::rules::versions::RuleSet;
use model::template::{Template, TemplateSettings, Templated};
use model::time::{Clock as _, SystemClock};
use serde_json::json;
use store::{Store, StoreError, link_claims, links};

fn rule(claim: &str, test: Test, template: TemplateId) -> Rule {
    Rule {
        claim: claim.to_owned(),
        test,
        template,
    }
}

fn is(value: &str) -> Test {
    Test::Is(value.to_owned())
}

fn refusing(rules: Vec<Rule>) -> RuleSet {
    RuleSet {
        rules,
        everyone_else: EveryoneElse::Refuse,
    }
}

const fn reach(rows: usize) -> Reach {
    Reach {
        people: 100_000,
        rows,
    }
}

async fn template(world: &World, name: &str, settings: TemplateSettings) -> Template {
    let form = TemplateForm {
        name: name.to_owned(),
        settings,
    };
    world.app.create_template(&ACTOR, form).await.unwrap()
}

#[tokio::test]
async fn what_looks_wrong_with_a_draft_quotes_no_private_value() {
    const CANARY: &str = "+49 30 901820";
    let world = World::new().await;
    let claims = [
        ("phone_number", json!(CANARY)),
        ("address", json!({ "phone": CANARY, "lines": [CANARY] })),
        ("nickname", json!(CANARY)),
    ];
    for (name, value) in claims {
        company(&world).set_claim("alice", name, value).unwrap();
    }
    let private = vec!["phone_number".to_owned(), "address".to_owned()];
    world.app.set_private_claims(&ACTOR, private).await.unwrap();
    // A claim is kept if a rule asks for it.
    let part = || Test::Contains("+49".to_owned());
    let claims = ["phone_number", "address.phone", "address.lines", "nickname"];
    let rules = claims.map(|claim| rule(claim, part(), world.staff.id));
    let draft = refusing(rules.to_vec());
    world
        .provider(|p| p.rules.extend(draft.rules.clone()))
        .await;
    world.signed_in("alice").await;
    let found = async |draft: &RuleSet| {
        let survey = world.app.survey_rules(SLUG, draft, reach(10)).await;
        let survey = survey.unwrap();
        assert!(survey.seen.at("phone_number").is_some_and(|seen| seen.text));
        format!("{:?}", survey.findings)
    };
    let mut open = draft.clone();
    let all = found(&draft).await;
    assert_eq!(all.matches(CANARY).count(), 1, "the nickname alone: {all}");
    open.rules.retain(|rule| rule.claim != "nickname");
    assert!(!found(&open).await.contains(CANARY));
    world.app.set_private_claims(&ACTOR, vec![]).await.unwrap();
    assert!(found(&open).await.contains(CANARY));
}

#[tokio::test]
async fn a_draft_is_judged_on_what_people_came_with() {
    let world = World::new().await;
    for login in ["alice", "bob"] {
        world.signed_in(login).await;
    }
    let sales = template(&world, "Sales", quota(3 * GIB)).await;
    let left = TemplateSettings {
        active: Templated::once(false),
        ..quota(2 * GIB)
    };
    let left = template(&world, "Left", left).await;
    let before = set_of(&world.app.provider(SLUG).await.unwrap().settings);

    // As it is: nothing changes, and both are counted with the first rule.
    let survey = world
        .app
        .survey_rules(SLUG, &before, reach(10))
        .await
        .unwrap();
    assert_eq!((survey.people, survey.unchanged), (2, 2));
    assert_eq!((survey.recent.clone(), survey.recent_else), (vec![2], 0));
    assert!(survey.complete && survey.rows.is_empty());
    assert!(survey.seen.at("email").is_some());
    assert!(survey.seen.at("iat").is_none(), "not kept");
    assert!(survey.findings.is_empty(), "{:?}", survey.findings);

    // Alice by her address, Bob by nothing any more.
    let draft = refusing(vec![
        rule("email", is("alice@example.org"), sales.id),
        rule("email", is("Bob@example.org"), sales.id),
    ]);
    let survey = world
        .app
        .survey_rules(SLUG, &draft, reach(10))
        .await
        .unwrap();
    assert_eq!(
        (survey.changed, survey.unmatched, survey.refused),
        (1, 1, 0)
    );
    assert_eq!((survey.recent.clone(), survey.recent_else), (vec![1, 0], 1));
    let told: Vec<_> = survey
        .rows
        .iter()
        .map(|row| (row.address.local(), row.effect, row.becomes.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("alice", EffectKind::Changed, Some("Sales")),
            ("bob", EffectKind::Unmatched, None)
        ]
    );
    assert_eq!(survey.rows[0].template.as_deref(), Some("Staff"));
    assert_eq!(survey.rows[0].words, "quota 2 GiB → 3 GiB");
    assert_eq!(
        survey.csv().unwrap().lines().nth(1).unwrap(),
        "alice@example.org,other template,Staff,Sales,quota 2 GiB → 3 GiB"
    );
    let kinds: Vec<_> = survey
        .findings
        .iter()
        .map(|f| (f.position, f.kind))
        .collect();
    assert_eq!(kinds, [(Some(1), Kind::OnlyCaseDiffers)]);

    // Both refused by a template that says off; one row was asked for.
    let draft = refusing(vec![rule("email", Test::Present, left.id)]);
    let survey = world
        .app
        .survey_rules(SLUG, &draft, reach(1))
        .await
        .unwrap();
    assert_eq!(
        (survey.refused, survey.rows.len(), survey.more_rows),
        (2, 1, true)
    );

    let first = Reach { people: 1, rows: 1 };
    let survey = world.app.survey_rules(SLUG, &draft, first).await.unwrap();
    assert_eq!((survey.people, survey.complete), (1, false));

    // Nothing was written: they still get in by the rules in force.
    assert!(!world.signed_in("alice").await.created);
    let after = world.app.provider(SLUG).await.unwrap();
    assert_eq!(set_of(&after.settings), before);
    world
        .app
        .save_rules(&ACTOR, SLUG, draft, None)
        .await
        .unwrap();
    assert_eq!(world.refused("alice").await, Code::MailboxInactive);
}

#[tokio::test]
async fn what_is_kept_follows_the_person_and_ends_with_the_link() {
    let world = World::new().await;
    world.signed_in("alice").await;
    let claims = async || {
        let tried = Tried::Person(address("alice@example.org"));
        let draft = refusing(vec![rule("dept", is("sales"), world.staff.id)]);
        world.app.try_rules(SLUG, &draft, tried).await
    };
    let before = claims().await.unwrap();
    assert_eq!(before.decides, None);
    company(&world)
        .change("alice", |person| {
            person.claims.insert("dept".into(), "sales".into());
        })
        .unwrap();
    world.signed_in("alice").await;
    let after = claims().await.unwrap();
    assert_eq!(after.decides, Some(0));
    assert!(after.claims.contains(&("dept".into(), "sales".into())));

    let many: Vec<_> = (0..10_000).map(|n| format!("group-{n}")).collect();
    company(&world)
        .change("alice", |person| {
            person.claims.insert("dept".into(), json!(many));
        })
        .unwrap();
    world.signed_in("alice").await;
    let cut = claims().await.unwrap();
    assert_eq!(cut.left_out, ["dept"]);
    assert!(cut.outcome.contains("not known"), "{}", cut.outcome);

    let alice = address("alice@example.org");
    world.app.delete_mailbox(&ACTOR, &alice).await.unwrap();
    let Err(Problem::Invalid(wrong)) = claims().await else {
        panic!("claims of a deleted mailbox")
    };
    assert_eq!(wrong[0].field, "try_address");
}

#[tokio::test]
async fn pasted_claims_are_tried_on_every_rule() {
    let world = World::new().await;
    let staff = world.staff.id;
    let draft = RuleSet {
        rules: vec![
            rule("groups", is("boss"), staff),
            rule("groups", Test::Matches(Pattern::new("mail-.*")), staff),
            rule("groups", Test::Present, staff),
        ],
        everyone_else: EveryoneElse::Refuse,
    };
    let claims = pasted(r#"{"groups": ["mail-it"]}"#).unwrap();
    let tried = Tried::Claims(claims.clone());
    let trial = world.app.try_rules(SLUG, &draft, tried).await.unwrap();
    assert_eq!(trial.decides, Some(1));
    assert_eq!(trial.outcome, "Rule 2 decides: a new mailbox gets Staff.");
    assert_eq!(trial.verdicts.len(), 3);
    assert_eq!(trial.fields[0].says, "2 GiB");

    let near = refusing(vec![rule("groups", is("Mail-IT"), staff)]);
    let tried = Tried::Claims(claims);
    let trial = world.app.try_rules(SLUG, &near, tried).await.unwrap();
    assert_eq!(trial.refusal.unwrap().code, Code::NearMapping);
    assert!(trial.outcome.contains("SSO-406"), "{}", trial.outcome);

    let over = pasted(r#"{"_claim_names": {"groups": "src1"}}"#).unwrap();
    let trial = world.app.try_rules(SLUG, &near, Tried::Claims(over)).await;
    let trial = trial.unwrap();
    assert_eq!(trial.refusal.unwrap().code, Code::ClaimWithheld);
    assert_eq!(
        trial.outcome,
        "No rule matches, but rule 1 could not be asked: a pointer came in place of groups. A new \
         person would meet SSO-409. A mailbox that exists keeps what it has."
    );

    for bad in [
        "",
        "[1]",
        "{",
        "\"x\"",
        &format!("{{\"a\":\"{}\"}}", "x".repeat(70_000)),
    ] {
        assert!(matches!(pasted(bad), Err(Problem::Invalid(_))), "{bad:.20}");
    }
}

#[tokio::test]
async fn every_change_of_rules_is_a_state_that_can_be_read_again() {
    let world = World::new().await;
    let history = async || world.app.rule_history(SLUG).await.unwrap();
    let first = history().await;
    assert_eq!(first.len(), 1, "the one it was set up with");
    let sales = template(&world, "Sales", quota(3 * GIB)).await;
    let second = refusing(vec![rule("groups", is("sales"), sales.id)]);
    let seen = Some(first[0].id);
    let save =
        async |set: &RuleSet, seen| world.app.save_rules(&ACTOR, SLUG, set.clone(), seen).await;
    save(&second, seen).await.unwrap();
    save(&second, None).await.unwrap();
    assert_eq!(
        history().await.len(),
        2,
        "the same rules again are no new state"
    );
    assert!(matches!(
        save(&first[0].set, seen).await,
        Err(Problem::Stale)
    ));

    // By the provider's own form, too; other changes of the provider are none of the rules.
    world
        .provider(|settings| settings.name = "Other".into())
        .await;
    let now = history().await;
    assert_eq!(now.len(), 2);
    let in_force = world.app.rules(SLUG).await.unwrap();
    assert_eq!(in_force.version, now[0]);
    save(&second, Some(now[0].id)).await.unwrap();
    world
        .provider(|settings| settings.everyone_else = EveryoneElse::Template(sales.id))
        .await;
    assert_eq!(history().await.len(), 3);

    let old = world.app.rule_version(SLUG, first[0].id).await.unwrap();
    save(&old.set, None).await.unwrap();
    let all = history().await;
    assert_eq!((all.len(), &all[0].set), (4, &first[0].set));
    // A state with a template that was deleted cannot be saved.
    world.app.delete_template(&ACTOR, sales.id).await.unwrap();
    let Err(Problem::Invalid(wrong)) = save(&second, None).await else {
        panic!("a deleted template")
    };
    assert_eq!(wrong[0].field, "rules.1");
    let broken = refusing(vec![rule(
        "a",
        Test::Matches(Pattern::new("(")),
        world.staff.id,
    )]);
    assert!(matches!(
        save(&broken, None).await,
        Err(Problem::Invalid(_))
    ));
}

/// A crowd that came last with forty groups each.
async fn crowd_with_groups(world: &World, people: usize) {
    let now = SystemClock.now();
    let crowd = crowd(world, "p", people, now).await;
    let store = Store::open(&world.dir.join("store.db")).unwrap();
    store
        .write(async move |tx: &mut store::Conn| {
            for (n, link) in crowd.iter().enumerate() {
                let groups: Vec<_> = (0..40).map(|g| format!("group-{g}-of-{}", n % 7)).collect();
                let email = format!("p{n}@example.org");
                let claims = json!({"email": email, "groups": groups, "sub": format!("p-{n}")});
                let claims = claims.as_object().ok_or(StoreError::Missing)?;
                link_claims::put(tx, *link, claims, &[], now).await?;
            }
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn ten_thousand_people_are_judged_in_a_moment() {
    let world = World::new().await;
    crowd_with_groups(&world, 10_000).await;
    let sales = template(&world, "Sales", quota(2 * GIB)).await;
    let mut rules: Vec<_> = (0..20)
        .map(|n| rule("groups", is(&format!("nobody-{n}")), world.staff.id))
        .collect();
    rules.push(rule("groups", is("group-3-of-3"), sales.id));
    let begun = std::time::Instant::now();
    let survey = world
        .app
        .survey_rules(SLUG, &refusing(rules), reach(100))
        .await
        .unwrap();
    let took = begun.elapsed();
    println!("10,000 people, 21 rules: {took:?}");
    assert_eq!(survey.people, 10_000);
    assert_eq!(
        survey.changed as usize,
        (0..10_000).filter(|n| n % 7 == 3).count()
    );
    assert_eq!(survey.rows.len(), 100);
    // Unoptimised and with other tests beside it.
    assert!(took < std::time::Duration::from_secs(60), "{took:?}");
}

#[tokio::test]
async fn people_of_an_issuer_before_this_one_are_not_counted() {
    let world = World::new().await;
    world.signed_in("alice").await;
    let store = Store::open(&world.dir.join("store.db")).unwrap();
    let provider = world.app.provider(SLUG).await.unwrap();
    store
        .write(async move |tx: &mut store::Conn| {
            let elsewhere = Namespace("https://before.example".to_owned());
            links::rekey(tx, provider.id, &provider.namespace, &elsewhere).await
        })
        .await
        .unwrap();
    let draft = refusing(Vec::new());
    let survey = world
        .app
        .survey_rules(SLUG, &draft, reach(10))
        .await
        .unwrap();
    assert_eq!((survey.people, survey.complete), (0, true));
}

#[tokio::test]
async fn a_draft_is_tried_on_the_last_test_sign_in() {
    let world = World::new().await;
    let draft = refusing(vec![rule("email", is("carol@example.org"), world.staff.id)]);
    let tried = async || world.app.try_rules(SLUG, &draft, Tried::LastTest).await;
    let Err(Problem::Invalid(wrong)) = tried().await else {
        panic!("there was no test")
    };
    assert_eq!(wrong[0].field, "try_from");
    world.tested("carol").await;
    assert_eq!(tried().await.unwrap().decides, Some(0));
    world.tested("bob").await;
    assert_eq!(tried().await.unwrap().decides, None, "the newest one");
}
