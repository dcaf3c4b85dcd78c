//! Why somebody cannot sign in: the gates, what the provider last said, deciding anew, privacy.

use crate::world::{ACTOR, SLUG, World, address, company, nowhere, secret};
use app::Problem;
use app::explain::{Explanation, Verdict};
use app::mailboxes::NewSignIn;
use app::providers::SecretChange;
use app::rules::{Tried, pasted};
use app::settings::Retention;
use app::sign_in::Ended;
use model::attempt::{Reference, Step, StepState};
use model::outcome::Code;
use model::provider::EveryoneElse;
use model::rule::{Rule, Test};
use model::rules::gates::Gate;
use model::rules::privacy::HIDDEN;
use model::rules::versions::RuleSet;
use model::time::{Clock as _, DAY, SystemClock};
use serde_json::json;
use testkit::clock::FixedClock;

const ALICE: &str = "alice@example.org";
const CAROL: &str = "carol@example.org";

fn gate(why: &Explanation, gate: Gate) -> &Step {
    assert_eq!(why.gates.len(), Gate::ALL.len());
    let step = &why.gates[gate as usize];
    assert_eq!(step.gate, gate.label());
    step
}

fn states(why: &Explanation) -> Vec<StepState> {
    why.gates.iter().map(|step| step.state).collect()
}

async fn last(world: &World, who: &str) -> Reference {
    let why = world.app.explain(who).await.unwrap();
    why.attempts[0].reference.clone()
}

#[tokio::test]
async fn a_refusal_that_hangs_on_the_claims_blocks_until_it_is_mended() {
    let world = World::new().await;
    assert_eq!(world.refused("carol").await, Code::NoMapping);
    let why = world.app.explain(CAROL).await.unwrap();
    assert_eq!(why.verdict, Verdict::BlockedNow, "{}", why.sentence);
    assert_eq!(why.blocked.as_ref().unwrap().code, Code::NoMapping);
    assert_eq!(why.provider.as_deref(), Some(SLUG));
    let at = Gate::RuleMatch as usize;
    assert_eq!(gate(&why, Gate::RuleMatch).state, StepState::Blocked);
    assert!(
        states(&why)[at + 1..15]
            .iter()
            .all(|s| *s == StepState::NotReached)
    );
    assert!(!states(&why)[..at].contains(&StepState::NotReached));
    let claim = gate(&why, Gate::AddressClaim);
    assert_eq!(claim.evidence, format!("email is {CAROL}"));
    assert_eq!(claim.at, Some(why.attempts[0].at));

    // The administrator follows the button and adds what is missing.
    let staff = world.staff.id;
    world
        .provider(|p| p.everyone_else = model::provider::EveryoneElse::Template(staff))
        .await;
    let why = world.app.explain(CAROL).await.unwrap();
    assert_eq!(why.verdict, Verdict::WouldWorkNow, "{}", why.sentence);
    assert!(why.sentence.contains("SSO-405"), "{}", why.sentence);
    let replayed = world.app.replay(&last(&world, CAROL).await).await.unwrap();
    assert!(replayed.gets_in, "{replayed:?}");
    let made = replayed
        .changes
        .iter()
        .find(|change| change.field == "template");
    assert_eq!(made.unwrap().after, "Staff");
    // None of this made anything; the sign-in itself does.
    let none = world.app.mailbox(&address(CAROL)).await;
    assert!(matches!(none, Err(Problem::NotFound(_))));
    world.signed_in("carol").await;
    world.app.mailbox(&address(CAROL)).await.unwrap();
}

#[tokio::test]
async fn the_timeline_has_every_step_with_its_time() {
    let world = World::new().await;
    world.signed_in("alice").await;
    let attempt = world.app.attempt(&last(&world, ALICE).await).await.unwrap();
    let steps = &attempt.trace.steps;
    let gates: Vec<_> = steps.iter().map(|step| step.gate.as_str()).collect();
    let mut from = 0;
    for want in [
        "sent away",
        "came back",
        "code exchanged",
        "userinfo",
        "ID token",
        "identity",
        "address claim",
        "rule",
        "outcome",
    ] {
        let found = gates[from..].iter().position(|gate| *gate == want);
        from += found.unwrap_or_else(|| panic!("{want} in {gates:?}"));
    }
    assert!(steps.iter().all(|step| step.ms.is_some()), "{steps:?}");
    let exchanged = steps.iter().find(|step| step.gate == "code exchanged");
    assert!(exchanged.unwrap().evidence.contains(" answered 200 in "));
    let identity = attempt.trace.identity.unwrap();
    assert_eq!(identity.namespace.0, world.lab.issuer());
    // And of one that fails on the way: the call that failed is on it, and where it ended.
    let settings = world.app.provider(SLUG).await.unwrap().settings;
    let wrong = SecretChange::Set(secret("not the secret"));
    let edited = world.app.edit_provider(&ACTOR, SLUG, settings, wrong, None);
    edited.await.unwrap();
    let Ended::Refused(refused) = world.sign_in("alice").await else {
        panic!("with a wrong secret")
    };
    assert_eq!(refused.refusal.code, Code::ClientRejected);
    let attempt = world.app.attempt(&refused.reference).await.unwrap();
    let steps = attempt.trace.steps;
    let exchanged = steps.iter().find(|step| step.gate == "code exchanged");
    let exchanged = exchanged.unwrap();
    assert_eq!(exchanged.state, StepState::Warn);
    assert!(
        exchanged.evidence.contains(" answered 401 in "),
        "{exchanged:?}"
    );
    let last = steps.last().unwrap();
    assert_eq!(
        (last.gate.as_str(), last.state),
        ("outcome", StepState::Blocked)
    );
    assert!(last.ms >= exchanged.ms);
}

#[tokio::test]
async fn deciding_anew_changes_nothing_and_says_what_it_could_not_know() {
    let world = World::new().await;
    let groups: Vec<_> = (0..900).map(|n| format!("group number {n}")).collect();
    company(&world)
        .set_claim("carol", "memberships", json!(groups))
        .unwrap();
    world.refused("carol").await;
    let reference = last(&world, CAROL).await;
    let before = world.app.alerts().await.unwrap();
    let replayed = world.app.replay(&reference).await.unwrap();
    assert_eq!(replayed.refusal.unwrap().code, Code::NoMapping);
    assert_eq!(replayed.cut, ["memberships"]);
    assert_eq!(world.app.alerts().await.unwrap(), before);
    assert_eq!(last(&world, CAROL).await, reference);

    // Somebody who never got as far as claims.
    world.provider(|p| p.active = false).await;
    let Err(refused) = world.depart().await else {
        panic!("switched off")
    };
    let problem = world.app.replay(&refused.reference).await.unwrap_err();
    assert!(matches!(problem, Problem::InUse(_)), "{problem}");
    let unknown = Reference::parse("7K4Q-M2XD").unwrap();
    let problem = world.app.replay(&unknown).await.unwrap_err();
    assert!(matches!(problem, Problem::NotFound(_)), "{problem}");
}

#[tokio::test]
async fn what_if_is_the_decision_of_the_sign_in() {
    let world = World::new().await;
    let what_if = async |claims: serde_json::Value| {
        world.app.what_if(SLUG, &claims.to_string()).await.unwrap()
    };
    let new = json!({ "email": "new@example.org", "mailcow_template": "staff", "name": "N" });
    let told = what_if(new).await;
    assert!(
        told.gets_in && told.sentence.contains("is made"),
        "{told:?}"
    );
    let told = what_if(json!({ "email": "new@example.org" })).await;
    assert_eq!(told.refusal.unwrap().code, Code::NoMapping);
    let told = what_if(json!({ "sub": "x" })).await;
    assert_eq!(told.refusal.unwrap().code, Code::EmailMissing);
    let told = what_if(json!({ "email": "a@elsewhere.test" })).await;
    assert_eq!(told.refusal.unwrap().code, Code::DomainUnknown);
    // With the subject of somebody who is linked it is about them.
    world.signed_in("alice").await;
    let attempt = world.app.attempt(&last(&world, ALICE).await).await.unwrap();
    let sub = attempt.trace.identity.unwrap().subject;
    let told = what_if(json!({ "sub": sub, "email": "new@example.org" })).await;
    assert_eq!(told.address.as_deref(), Some(ALICE));
    assert!(told.gets_in);
    world.provider(|p| p.active = false).await;
    let told = what_if(json!({ "email": "new@example.org" })).await;
    assert_eq!(told.refusal.unwrap().code, Code::ProviderOff);

    for bad in ["", "{", "[]", "\"text\"", &"[".repeat(70_000)] {
        let problem = world.app.what_if(SLUG, bad).await.unwrap_err();
        assert!(
            matches!(problem, Problem::Invalid(_)),
            "{bad:.20}: {problem}"
        );
    }
    let problem = world.app.what_if("nowhere", "{}").await.unwrap_err();
    assert!(matches!(problem, Problem::NotFound(_)));
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_blocks_once_it_is_asked() {
    let world = World::new().await;
    world.signed_in("alice").await;
    let why = world.app.explain(ALICE).await.unwrap();
    assert_eq!(why.verdict, Verdict::WouldWorkNow);
    let reachable = gate(&why, Gate::ProviderReachable);
    assert_eq!(reachable.state, StepState::Ok, "{reachable:?}");
    assert!(reachable.at.is_some());
    assert_eq!(gate(&why, Gate::KeysFresh).state, StepState::Ok);
    let reached = world.app.reach(SLUG).await.unwrap();
    assert!(reached.refusal.is_none(), "{reached:?}");
    let same = why.with(reached);
    assert_eq!(same.verdict, Verdict::WouldWorkNow);

    world
        .provider(|p| p.endpoints = model::provider::Endpoints::Issuer { issuer: nowhere() })
        .await;
    let reached = world.app.reach(SLUG).await.unwrap();
    assert_eq!(reached.step.state, StepState::Blocked);
    let blocked = same.with(reached);
    assert_eq!(blocked.verdict, Verdict::BlockedNow);
    assert_eq!(
        blocked.blocked.as_ref().unwrap().code,
        Code::ProviderUnreachable
    );
    assert_eq!(gate(&blocked, Gate::RuleMatch).state, StepState::NotReached);
    assert_ne!(
        gate(&blocked, Gate::MailPrograms).state,
        StepState::NotReached
    );
}

#[tokio::test]
async fn somebody_nobody_has_seen_fails_before_gatepost() {
    let world = World::new().await;
    world.mailbox("erin", NewSignIn::None).await;
    let why = world.app.explain(ALICE).await.unwrap();
    assert_eq!(why.verdict, Verdict::CouldNotTell);
    let seen = gate(&why, Gate::AttemptsSeen);
    assert!(
        seen.evidence
            .starts_with("Nothing has reached Gatepost from this person in 30 days."),
        "{}",
        seen.evidence
    );
}

const CANARY: &str = "Canary Lane 7";

#[tokio::test]
async fn a_private_value_is_nowhere_until_it_is_opened_on_record() {
    let world = World::new().await;
    world
        .app
        .set_private_claims(&ACTOR, vec!["street".to_owned(), " street ".to_owned()])
        .await
        .unwrap();
    company(&world)
        .set_claim("carol", "street", json!(CANARY))
        .unwrap();
    // A rule on it quotes the value in its words.
    let staff = world.staff.id;
    world
        .provider(|p| {
            p.rules.push(model::rule::Rule {
                claim: "street".to_owned(),
                test: model::rule::Test::Is("Elsewhere".to_owned()),
                template: staff,
            });
        })
        .await;
    world.refused_privately("carol").await;
    let reference = last(&world, CAROL).await;
    let shown = [
        format!("{:?}", world.app.attempt(&reference).await.unwrap()),
        format!("{:?}", world.app.explain(CAROL).await.unwrap()),
        format!("{:?}", world.app.replay(&reference).await.unwrap()),
        format!("{:?}", world.app.events(None, 50).await.unwrap()),
        format!("{:?}", world.app.alerts().await.unwrap()),
    ];
    for text in shown {
        assert!(!text.contains(CANARY), "{text}");
        assert!(
            text.contains("SSO-405") || text.contains("NoMapping"),
            "{text}"
        );
    }
    let opened = world.app.open_attempt(&ACTOR, &reference).await.unwrap();
    let street = opened.trace.claims.iter().find(|c| c.name == "street");
    assert_eq!(street.unwrap().value, CANARY);
    assert!(!format!("{opened:?}").contains(HIDDEN));
    let (events, _) = world.app.events(None, 50).await.unwrap();
    let events = format!("{events:?}");
    assert!(events.contains("attempt.open") && events.contains(reference.as_str()));

    let too_many = vec!["x".repeat(101)];
    let problem = world.app.set_private_claims(&ACTOR, too_many).await;
    assert!(matches!(problem, Err(Problem::Invalid(_))));
    world.app.set_private_claims(&ACTOR, vec![]).await.unwrap();
    let attempt = world.app.attempt(&reference).await.unwrap();
    assert!(format!("{attempt:?}").contains(CANARY));
}

#[tokio::test]
async fn a_private_value_is_in_no_test_sign_in_and_no_trial_until_it_is_opened() {
    let world = World::new().await;
    let private = vec!["street".to_owned(), "name".to_owned()];
    world.app.set_private_claims(&ACTOR, private).await.unwrap();
    for login in ["alice", "carol"] {
        company(&world)
            .set_claim(login, "street", json!([CANARY]))
            .unwrap();
    }
    let street = |value: &str| Rule {
        claim: "street".to_owned(),
        test: Test::Is(value.to_owned()),
        template: world.staff.id,
    };
    let elsewhere = street("Elsewhere");
    world.provider(|p| p.rules.push(elsewhere)).await;
    world.signed_in("alice").await;
    let draft = RuleSet {
        // One that is met but for the case of its letters quotes the value in the outcome.
        rules: vec![street("Elsewhere"), street(&CANARY.to_uppercase())],
        everyone_else: EveryoneElse::Refuse,
    };
    let test = world.tested("carol").await;
    assert!(test.hides());
    let tries = async |tried: Tried| world.app.try_rules(SLUG, &draft, tried).await.unwrap();
    let person = || Tried::Person(address(ALICE));
    let (by_test, by_person) = (tries(Tried::LastTest).await, tries(person()).await);
    let shown = [
        format!("{test:?}"),
        format!("{:?}", world.app.test_sign_ins(SLUG).await.unwrap()),
        format!("{by_test:?}"),
        format!("{by_person:?}"),
    ];
    for text in shown {
        assert!(!text.contains(CANARY), "{text}");
        assert!(text.contains("street") && text.contains(HIDDEN), "{text}");
    }
    assert_eq!(
        by_test.refusal.map(|refusal| refusal.code),
        Some(Code::NearMapping)
    );
    assert!(by_test.outcome.contains(HIDDEN), "{}", by_test.outcome);
    assert_eq!(
        test.found.identity.as_ref().unwrap().name.as_deref(),
        Some(HIDDEN)
    );
    // Claims that somebody types are known to them.
    let typed = pasted(&json!({ "street": CANARY }).to_string()).unwrap();
    let typed = tries(Tried::Claims(typed)).await;
    assert!(format!("{typed:?}").contains(CANARY));

    let id = test.id.to_string();
    let opened = world
        .app
        .open_test_sign_in(&ACTOR, SLUG, &id)
        .await
        .unwrap();
    assert!(format!("{opened:?}").contains(CANARY) && !opened.hides());
    let opened = world.app.open_trial(&ACTOR, SLUG, &draft, person()).await;
    let opened = opened.unwrap();
    assert!(format!("{opened:?}").contains(CANARY) && !opened.hides());
    let (events, _) = world.app.events(None, 50).await.unwrap();
    let events = format!("{events:?}");
    for act in ["test_sign_in.open", "claims.open"] {
        assert!(events.contains(act), "{events}");
    }
    assert!(!events.contains(CANARY), "{events}");
    let nothing = world.app.open_test_sign_in(&ACTOR, SLUG, "nothing").await;
    assert!(matches!(nothing, Err(Problem::NotFound(_))));
}

#[tokio::test]
async fn what_an_administrator_set_is_how_long_attempts_are_kept() {
    let world = World::new().await;
    world.signed_in("alice").await;
    let reference = last(&world, ALICE).await;
    let kept = async |days: u32| {
        let then = FixedClock::at(SystemClock.now().plus(DAY * days));
        world.app_by(then).sweep().await.unwrap();
        world.app.attempt(&reference).await.is_ok()
    };
    let set = |days| Retention {
        keep_attempts: days,
        ..Retention::default()
    };
    let longer = set(Some(90));
    world.app.set_retention(&ACTOR, longer).await.unwrap();
    assert_eq!(world.app.retention().await.unwrap(), longer);
    assert!(kept(31).await, "the configuration says 30 days");
    let problem = world.app.set_retention(&ACTOR, set(Some(0))).await;
    assert!(matches!(problem, Err(Problem::Invalid(_))));
    world.app.set_retention(&ACTOR, set(None)).await.unwrap();
    assert!(!kept(31).await);
}

#[tokio::test]
async fn events_come_once_each_and_in_order() {
    let world = World::new().await;
    let (before, place) = world.app.events(None, 3).await.unwrap();
    assert_eq!(before.len(), 3, "what made the installation");
    world.signed_in("alice").await;
    world.refused("carol").await;
    let (events, place) = world.app.events(Some(place), 200).await.unwrap();
    assert!(events.is_sorted_by_key(app::events::Event::at));
    let attempts = events
        .iter()
        .filter(|event| matches!(event, app::events::Event::Attempt(_)))
        .count();
    assert_eq!(attempts, 2);
    assert!(
        events.len() > attempts,
        "the mailbox that was made is a change"
    );
    let (none, same) = world.app.events(Some(place), 200).await.unwrap();
    assert_eq!((none.len(), same), (0, place));
    // A reader that falls behind gets the rest with the next question.
    for _ in 0..3 {
        world.refused("carol").await;
    }
    let (first, next) = world.app.events(Some(place), 2).await.unwrap();
    let (rest, _) = world.app.events(Some(next), 2).await.unwrap();
    assert_eq!((first.len(), rest.len()), (2, 1));
}
