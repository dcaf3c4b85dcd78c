//! Moving people from one provider to another by a campaign, and every way in which a campaign is
//! no way into somebody's mailbox.

use crate::second::{OTHER, Second, add_domain, change};
use crate::world::{ACTOR, PASSWORD, SLUG, World, address, secret};
use app::admins::NewAdmin;
use app::mailboxes::MethodSwitch;
use app::relinks::{KnownRelink, RelinkForm};
use app::sessions::Who;
use app::sign_in::SignedIn;
use app::step_up::{self, Doer};
use app::{Client, Problem};
use model::audit::Actor;
use model::ids::RelinkId;
use model::link::LinkOrigin;
use model::outcome::Code;
use model::provider::{EmailTrust, Endpoints};
use model::time::{Clock as _, DAY, SystemClock};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use store::{Page, Store, audit};
use testkit::clock::FixedClock;

const ALICE: &str = "alice@example.org";

fn form() -> RelinkForm {
    RelinkForm {
        from: SLUG.to_owned(),
        to: OTHER.to_owned(),
        domains: vec!["example.org".parse().unwrap()],
        ends: SystemClock.now().plus(DAY * 30),
    }
}

/// Alice and Bob have mailboxes by the sample company's provider; Other SSO stands beside it, and
/// vouches for addresses.
async fn two_providers() -> (World, Second) {
    let world = World::new().await;
    for login in ["alice", "bob"] {
        world.signed_in(login).await;
    }
    let second = Second::beside(&world).await;
    for login in ["alice", "bob"] {
        verified(&second, login, json!(true));
    }
    (world, second)
}

fn verified(second: &Second, login: &str, value: Value) {
    let company = second.lab.company();
    company.set_claim(login, "email_verified", value).unwrap();
}

async fn start(world: &World) -> KnownRelink {
    world.app.start_relink(&ACTOR, &form()).await.unwrap()
}

fn mailbox_of(signed_in: &SignedIn) -> String {
    match &signed_in.who {
        Who::Person { mailbox, .. } => mailbox.address.to_string(),
        Who::Admin(_) => panic!("an administrator"),
    }
}

/// Alice's mailbox is linked to the sample company's Alice alone, as before.
async fn untouched(world: &World, case: &str) {
    let view = world.app.mailbox(&address(ALICE)).await.unwrap();
    assert_eq!(view.links.len(), 1, "{case}");
    assert_eq!(view.links[0].0.origin, LinkOrigin::FirstSignIn, "{case}");
    let relinks = world.app.relinks().await.unwrap();
    assert!(
        relinks.iter().all(|known| known.relink.moved == 0),
        "{case}"
    );
}

#[tokio::test]
async fn a_campaign_brings_people_over_with_their_mailboxes() {
    let (world, second) = two_providers().await;
    assert_eq!(second.refused(&world, "alice").await, Code::LinkedElsewhere);
    let before = world.signed_in("alice").await.token;
    let started = start(&world).await;
    assert_eq!(
        (started.from.0.as_str(), started.to.0.as_str()),
        (SLUG, OTHER)
    );
    let why = world.app.explain(ALICE).await.unwrap();
    let told = |what: &str| why.others.iter().any(|way| way.evidence.contains(what));
    assert!(
        told("Other SSO: relink campaign 1 takes over"),
        "{:?}",
        why.others
    );

    let moved = second.signed_in(&world, "alice").await;
    assert_eq!(mailbox_of(&moved), ALICE);
    assert!(!moved.created);
    let view = world.app.mailbox(&address(ALICE)).await.unwrap();
    let other = world.app.provider(OTHER).await.unwrap();
    assert_eq!(view.links.len(), 1);
    assert_eq!(view.links[0].0.provider, other.id);
    assert_eq!(view.links[0].0.namespace, other.namespace);
    assert_eq!(view.links[0].0.origin, LinkOrigin::Relink);
    assert_eq!(world.app.relink(RelinkId(1)).await.unwrap().relink.moved, 1);
    // What the old provider opened is shut, and its person is a stranger now.
    let session = world.app.session(before.expose_secret()).await.unwrap();
    assert!(session.is_none());
    assert_eq!(world.refused("alice").await, Code::LinkedElsewhere);
    // The attempt says how it came about, and the audit what was replaced.
    let attempts = world.app.explain(ALICE).await.unwrap().attempts;
    let steps = attempts.iter().flat_map(|attempt| &attempt.trace.steps);
    let by_campaign = steps.filter(|step| step.gate == "relink campaign");
    assert_eq!(by_campaign.count(), 1);
    let store = Store::open(&world.dir.join("store.db")).unwrap();
    let mut read = store.read().unwrap();
    let changes = audit::list(&mut read, &Page::first(50), None)
        .await
        .unwrap();
    let actions: Vec<_> = changes.rows.iter().map(|e| e.action.as_str()).collect();
    for action in ["relink.start", "mailbox.unlink", "mailbox.link"] {
        assert!(actions.contains(&action), "{actions:?}");
    }
    // Again is a sign-in like any other.
    second.signed_in(&world, "alice").await;
    assert_eq!(world.app.relink(RelinkId(1)).await.unwrap().relink.moved, 1);
}

#[tokio::test]
async fn nobody_is_moved_without_a_verified_address() {
    let (world, second) = two_providers().await;
    start(&world).await;
    change(&world, |p| p.email_trust = EmailTrust::Believe).await;
    for value in [json!(false), json!("true"), json!(1), Value::Null] {
        verified(&second, "alice", value.clone());
        let refused = second.refused(&world, "alice").await;
        assert_eq!(refused, Code::LinkedElsewhere, "{value}");
        untouched(&world, &value.to_string()).await;
    }
}

#[tokio::test]
async fn who_is_blocked_is_not_taken_over_under_another_name() {
    let (world, second) = two_providers().await;
    start(&world).await;
    let alice = address(ALICE);
    let blocked = world.app.block_people(&ACTOR, &alice, None, "left").await;
    blocked.unwrap();
    let refused = second.refused(&world, "alice").await;
    assert_eq!(refused, Code::LinkedElsewhere);
    untouched(&world, "blocked").await;
}

#[tokio::test]
async fn swapped_addresses_move_nobody_to_another_mailbox() {
    let (world, second) = two_providers().await;
    start(&world).await;
    second.signed_in(&world, "bob").await;
    // Bob has moved. His provider calls him alice now, and says it is verified.
    second.person("bob", |p| ALICE.clone_into(&mut p.email));
    let again = second.signed_in(&world, "bob").await;
    assert_eq!(mailbox_of(&again), "bob@example.org");
    untouched_but_bob(&world).await;
    // Alice comes as herself and gets her own; a second Alice, in her name, gets nothing.
    second.signed_in(&world, "alice").await;
    second.person("alice", |p| "another-alice".clone_into(&mut p.subject));
    assert_eq!(second.refused(&world, "alice").await, Code::LinkedElsewhere);
}

async fn untouched_but_bob(world: &World) {
    let view = world.app.mailbox(&address(ALICE)).await.unwrap();
    assert_eq!(view.links[0].0.origin, LinkOrigin::FirstSignIn);
}

#[tokio::test]
async fn a_campaign_that_is_over_or_about_others_moves_nobody() {
    let (world, second) = two_providers().await;
    // Of another domain.
    let school = add_domain(&world, "school.test").await;
    change(&world, |p| p.domains.push(school.id)).await;
    let elsewhere = RelinkForm {
        domains: vec![school.name],
        ..form()
    };
    world.app.start_relink(&ACTOR, &elsewhere).await.unwrap();
    assert_eq!(second.refused(&world, "alice").await, Code::LinkedElsewhere);
    untouched(&world, "other domain").await;
    // Stopped.
    let id = start(&world).await.relink.id;
    let stopped = world.app.stop_relink(&ACTOR, id).await.unwrap();
    assert!(stopped.relink.stopped.is_some());
    assert_eq!(second.refused(&world, "alice").await, Code::LinkedElsewhere);
    untouched(&world, "stopped").await;
    let again = world.app.stop_relink(&ACTOR, id).await;
    assert!(matches!(again, Err(Problem::InUse(_))), "{again:?}");
    let unknown = world.app.stop_relink(&ACTOR, RelinkId(99)).await;
    assert!(matches!(unknown, Err(Problem::NotFound(_))));
    // Switched off, or its own people only by password now.
    start(&world).await;
    let alice = address(ALICE);
    world
        .app
        .disable_mailbox(&ACTOR, &alice, "left")
        .await
        .unwrap();
    assert_eq!(second.refused(&world, "alice").await, Code::LinkedElsewhere);
    untouched(&world, "disabled").await;
    world.app.enable_mailbox(&ACTOR, &alice).await.unwrap();
    let password = secret(PASSWORD);
    world
        .app
        .set_mailbox_password(&ACTOR, &alice, password)
        .await
        .unwrap();
    let local = world.app.switch_method(&ACTOR, &alice, MethodSwitch::Local);
    local.await.unwrap();
    assert_eq!(second.refused(&world, "alice").await, Code::LinkedElsewhere);
    untouched(&world, "local").await;
}

#[tokio::test]
async fn a_campaign_ends_by_itself() {
    let (world, _second) = two_providers().await;
    start(&world).await;
    let later = world.app_by(FixedClock::at(form().ends.plus(DAY)));
    let why = later.explain(ALICE).await.unwrap();
    let told = |what: &str| why.gates.iter().any(|gate| gate.evidence.contains(what));
    assert!(!told("relink campaign"), "{why:?}");
    let again = later.stop_relink(&ACTOR, RelinkId(1)).await;
    assert!(matches!(again, Err(Problem::InUse(_))), "{again:?}");
}

#[tokio::test]
async fn a_provider_that_is_pointed_elsewhere_later_takes_nobody_over() {
    let (world, second) = two_providers().await;
    start(&world).await;
    // The same people under typed endpoints are another namespace.
    let lab = &second.lab;
    let endpoints = Endpoints::Manual {
        authorize: lab.authorization_endpoint(),
        token: lab.token_endpoint(),
        userinfo: lab.userinfo_endpoint(),
    };
    let mut settings = world.app.provider(OTHER).await.unwrap().settings;
    settings.endpoints = endpoints;
    let again = app::providers::SecretChange::Set(secret(crate::world::SECRET));
    let edited = world
        .app
        .edit_provider(&ACTOR, OTHER, settings, again, None);
    edited.await.unwrap();
    assert_eq!(second.refused(&world, "alice").await, Code::LinkedElsewhere);
    untouched(&world, "pointed elsewhere").await;
}

#[tokio::test]
async fn the_preview_tells_who_moves_and_stores_nothing() {
    let (world, second) = two_providers().await;
    let bob = address("bob@example.org");
    world
        .app
        .disable_mailbox(&ACTOR, &bob, "left")
        .await
        .unwrap();
    let preview = world.app.preview_relink(&form()).await.unwrap();
    assert_eq!((preview.movable, preview.more), (1, false));
    assert_eq!(preview.addresses, [ALICE]);
    assert_eq!(preview.left["it is switched off"], 1);
    assert_eq!(preview.left_addresses, ["bob@example.org"]);
    assert!(preview.notes[0].contains("email_verified"), "{preview:?}");
    assert!(world.app.relinks().await.unwrap().is_empty());
    assert_eq!(second.refused(&world, "alice").await, Code::LinkedElsewhere);
    // What stands in the way of all of them is told.
    let name = "example.org".parse().unwrap();
    let bound = world.app.bind_domain(&ACTOR, &name, Some(SLUG), None).await;
    bound.unwrap();
    change(&world, |p| p.active = false).await;
    let notes = world.app.preview_relink(&form()).await.unwrap().notes;
    assert!(notes[0].contains("bound to another provider"), "{notes:?}");
    assert!(notes[1].contains("switched off"), "{notes:?}");
}

#[tokio::test]
async fn what_cannot_be_right_is_refused_at_its_field() {
    let (world, _second) = two_providers().await;
    add_domain(&world, "school.test").await;
    let now = SystemClock.now();
    let names = |name: &str| vec![name.parse().unwrap()];
    for (field, wrong) in [
        (
            "from",
            RelinkForm {
                from: "nobody".to_owned(),
                ..form()
            },
        ),
        (
            "to",
            RelinkForm {
                to: "nobody".to_owned(),
                ..form()
            },
        ),
        (
            "to",
            RelinkForm {
                to: SLUG.to_owned(),
                ..form()
            },
        ),
        (
            "domains",
            RelinkForm {
                domains: vec![],
                ..form()
            },
        ),
        (
            "domains",
            RelinkForm {
                domains: names("unknown.test"),
                ..form()
            },
        ),
        (
            "domains",
            RelinkForm {
                domains: names("school.test"),
                ..form()
            },
        ),
        (
            "ends",
            RelinkForm {
                ends: now,
                ..form()
            },
        ),
        (
            "ends",
            RelinkForm {
                ends: now.plus(DAY * 91),
                ..form()
            },
        ),
    ] {
        for problem in [
            world.app.preview_relink(&wrong).await.map(drop),
            world.app.start_relink(&ACTOR, &wrong).await.map(drop),
        ] {
            let Err(Problem::Invalid(fields)) = problem else {
                panic!("{field}: {problem:?}")
            };
            assert_eq!(fields[0].field, field);
        }
    }
    change(&world, |p| "upn".clone_into(&mut p.address_claim)).await;
    let problem = world.app.start_relink(&ACTOR, &form()).await.unwrap_err();
    assert!(problem.to_string().contains("claim upn"), "{problem}");
    assert!(world.app.relinks().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_campaign_asks_for_the_administrators_own_password() {
    let (world, _second) = two_providers().await;
    let root = NewAdmin {
        name: "root".to_owned(),
        email: "root@example.org".to_owned(),
        password: secret(PASSWORD),
    };
    let root = world.app.create_admin(&ACTOR, root).await.unwrap();
    let admin = Actor::Admin {
        id: root.id,
        name: root.name,
    };
    let typed =
        |password: &str| Doer::with_password(admin.clone(), secret(password), Client::default());
    for doer in [Doer::from(&admin), typed("a wrong password"), typed("")] {
        let started = world.app.start_relink(doer, &form()).await;
        let Err(Problem::Invalid(fields)) = started else {
            panic!("{started:?}")
        };
        assert_eq!(fields[0].field, step_up::FIELD);
    }
    assert!(world.app.relinks().await.unwrap().is_empty());
    let started = world
        .app
        .start_relink(typed(PASSWORD), &form())
        .await
        .unwrap();
    assert_eq!(started.relink.created_by, "root");
}
