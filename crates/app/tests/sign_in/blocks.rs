//! People who may not come back.

use crate::world::{ACTOR, BROWSER, PASSWORD, SLUG, World, address, company, secret};
use app::domains::Page;
use app::explain::Verdict;
use app::mailboxes::NewSignIn;
use app::sign_in::Ended;
use app::{Client, Problem};
use model::address::Address;
use model::attempt::StepState;
use model::outcome::Code;
use secrecy::ExposeSecret as _;
use store::{Store, audit};

fn alice() -> Address {
    address("alice@example.org")
}

/// Acts on the mailbox by these names, the latest first.
async fn acts(world: &World) -> Vec<String> {
    let store = Store::open_read_only(&world.dir.join("store.db"));
    let mut read = store.read().unwrap();
    let page = store::Page::first(100);
    let changes = audit::list(&mut read, &page, Some("alice@example.org")).await;
    let rows = changes.unwrap().rows.into_iter();
    rows.map(|change| change.action).collect()
}

async fn blocked(world: &World) -> usize {
    world.app.blocks(Page::default()).await.unwrap().rows.len()
}

#[tokio::test]
async fn whose_mailbox_is_deleted_is_given_no_new_one() {
    let world = World::new().await;
    world.signed_in("alice").await;
    world
        .app
        .delete_mailbox_and_block(&ACTOR, &alice())
        .await
        .unwrap();
    assert_eq!(world.refused("alice").await, Code::PersonBlocked);
    assert!(
        world.app.mailbox(&alice()).await.is_err(),
        "nothing is made"
    );
    assert_eq!(acts(&world).await[..2], ["mailbox.delete", "mailbox.block"]);

    // A test sign-in and the diagnosis say the same.
    let test = world.tested("alice").await;
    assert_eq!(test.refusal.as_ref().unwrap().code, Code::PersonBlocked);
    let why = world.app.explain("alice@example.org").await.unwrap();
    assert_eq!(why.verdict, Verdict::BlockedNow);
    assert_eq!(why.blocked.as_ref().unwrap().code, Code::PersonBlocked);
    assert_eq!(
        why.fix.unwrap().1,
        "gatepost mailbox unblock alice@example.org"
    );
    let shut = why
        .gates
        .iter()
        .find(|gate| gate.state == StepState::Blocked);
    assert_eq!(shut.unwrap().gate, "sign-in method");

    // It is about the person: with another address they are the same one, and another person with
    // that address is free of it.
    company(&world)
        .change("alice", |p| "bob@example.org".clone_into(&mut p.email))
        .unwrap();
    assert_eq!(world.refused("alice").await, Code::PersonBlocked);
    company(&world)
        .change("bob", |p| "alice@example.org".clone_into(&mut p.email))
        .unwrap();
    assert!(world.signed_in("bob").await.created);

    let lifted = world.app.unblock_people(&ACTOR, &alice()).await.unwrap();
    assert_eq!(lifted.len(), 1);
    assert_eq!(acts(&world).await[0], "mailbox.unblock");
    assert!(world.signed_in("alice").await.created);
    let none = world.app.unblock_people(&ACTOR, &alice()).await;
    assert!(matches!(none, Err(Problem::NotFound(_))));
}

#[tokio::test]
async fn without_the_choice_a_deleted_person_may_come_back() {
    let world = World::new().await;
    world.signed_in("alice").await;
    world.app.delete_mailbox(&ACTOR, &alice()).await.unwrap();
    assert!(world.signed_in("alice").await.created);
    world
        .app
        .disable_mailbox(&ACTOR, &alice(), "left")
        .await
        .unwrap();
    assert_eq!(blocked(&world).await, 0);
    // Where nobody is linked there is nobody to block: nothing is done without what was asked.
    world.mailbox("bob", NewSignIn::None).await;
    let bob = address("bob@example.org");
    let alone = world.app.disable_mailbox_and_block(&ACTOR, &bob, "").await;
    assert!(matches!(alone, Err(Problem::Invalid(_))));
    let alone = world.app.delete_mailbox_and_block(&ACTOR, &bob).await;
    assert!(matches!(alone, Err(Problem::Invalid(_))));
    assert!(world.app.mailbox(&bob).await.unwrap().mailbox.active);
    assert_eq!(blocked(&world).await, 0);
    let nobody = world.app.block_people(&ACTOR, &bob, None, "").await;
    assert!(matches!(nobody, Err(Problem::Invalid(_))));
}

#[tokio::test]
async fn a_block_outlasts_switching_the_mailbox_on_again() {
    let world = World::new().await;
    world.signed_in("alice").await;
    world
        .app
        .disable_mailbox_and_block(&ACTOR, &alice(), "left on Friday")
        .await
        .unwrap();
    assert_eq!(world.refused("alice").await, Code::PersonBlocked);
    world.app.enable_mailbox(&ACTOR, &alice()).await.unwrap();
    assert_eq!(world.refused("alice").await, Code::PersonBlocked);
    let block = world
        .app
        .blocks(Page::default())
        .await
        .unwrap()
        .rows
        .remove(0);
    assert_eq!(
        (block.reason.as_str(), block.by.as_str()),
        ("left on Friday", ACTOR.name())
    );
    // Before anybody comes, the diagnosis knows it too.
    world.app.unblock(&ACTOR, block.id).await.unwrap();
    world.signed_in("alice").await;
    let signed_in = world.signed_in("alice").await;
    let token = signed_in.token.expose_secret().to_owned();
    world
        .app
        .block_people(&ACTOR, &alice(), None, "")
        .await
        .unwrap();
    assert!(
        world.app.session(&token).await.unwrap().is_none(),
        "signed out"
    );
    let why = world.app.explain("alice@example.org").await.unwrap();
    assert_eq!(why.blocked.unwrap().code, Code::PersonBlocked);
    assert!(
        world.app.unblock(&ACTOR, block.id).await.is_err(),
        "that one is gone"
    );
}

#[tokio::test]
async fn a_password_proves_nothing_for_whoever_was_blocked_meanwhile() {
    let world = World::new().await;
    world.signed_in("alice").await;
    // Alice comes as somebody new with the address of a local mailbox.
    world
        .mailbox("bob", NewSignIn::Local(secret(PASSWORD)))
        .await;
    world.app.delete_mailbox(&ACTOR, &alice()).await.unwrap();
    company(&world)
        .change("alice", |p| "bob@example.org".clone_into(&mut p.email))
        .unwrap();
    let Ended::ProveLocal { proof, .. } = world.sign_in("alice").await else {
        panic!("no proof is asked for")
    };
    // She is blocked while the page is open.
    let other = World::app_by(&world, model::time::SystemClock);
    company(&world)
        .change("alice", |p| "alice@example.org".clone_into(&mut p.email))
        .unwrap();
    world.signed_in("alice").await;
    other
        .delete_mailbox_and_block(&ACTOR, &alice())
        .await
        .unwrap();
    let proven = world
        .app
        .prove_local_password(
            proof.expose_secret(),
            secret(PASSWORD),
            Some(BROWSER),
            &Client::default(),
        )
        .await;
    let Ended::Refused(refused) = proven else {
        panic!("in: {proven:?}")
    };
    assert_eq!(refused.refusal.code, Code::PersonBlocked);
    let bob = world
        .app
        .mailbox(&address("bob@example.org"))
        .await
        .unwrap();
    assert!(bob.links.is_empty());
}

#[tokio::test]
async fn who_may_not_come_is_found_by_a_whole_address() {
    let world = World::new().await;
    world.signed_in("alice").await;
    let provider = world.app.provider(SLUG).await.unwrap().id;
    let app = &world.app;
    app.block_people(&ACTOR, &alice(), Some(provider), " why ")
        .await
        .unwrap();
    let search = async |text: &str| {
        let search = text.to_owned();
        app.blocks(Page {
            search,
            ..Page::default()
        })
        .await
    };
    assert_eq!(
        search("Alice@EXAMPLE.org").await.unwrap().rows[0].reason,
        "why"
    );
    assert!(search("bob@example.org").await.unwrap().rows.is_empty());
    assert!(matches!(search("alice").await, Err(Problem::Invalid(_))));
    let elsewhere = Some(model::ids::ProviderId(99));
    let nobody = app.block_people(&ACTOR, &alice(), elsewhere, "").await;
    assert!(matches!(nobody, Err(Problem::Invalid(_))));
}
