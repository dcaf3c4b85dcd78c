//! Whose mailbox it is: links, pending links, proof, and switching methods.

use crate::world::{ACTOR, BROWSER, PASSWORD, SLUG, World, address, company, secret};
use app::Client;
use app::mailboxes::{MethodSwitch, NewSignIn};
use app::sign_in::Ended;
use model::link::LinkOrigin;
use model::mailbox::SignInMethods;
use model::outcome::Code;
use secrecy::ExposeSecret as _;

#[tokio::test]
async fn two_subjects_that_swap_their_addresses_keep_their_own_mailboxes() {
    let world = World::new().await;
    for login in ["alice", "bob"] {
        world.signed_in(login).await;
    }
    company(&world)
        .change("alice", |p| "bob@example.org".clone_into(&mut p.email))
        .unwrap();
    company(&world)
        .change("bob", |p| "alice@example.org".clone_into(&mut p.email))
        .unwrap();
    for login in ["alice", "bob"] {
        let app::sessions::Who::Person { mailbox, .. } = world.signed_in(login).await.who else {
            panic!("an administrator")
        };
        assert_eq!(mailbox.address.local(), login);
    }
}

#[tokio::test]
async fn a_new_subject_with_an_old_address_does_not_inherit_the_mailbox() {
    let world = World::new().await;
    world.signed_in("alice").await;
    company(&world)
        .change("alice", |p| "somebody-else".clone_into(&mut p.subject))
        .unwrap();
    assert_eq!(world.refused("alice").await, Code::LinkedElsewhere);
}

#[tokio::test]
async fn a_mailbox_made_ahead_waits_for_its_person() {
    let world = World::new().await;
    let sign_in = NewSignIn::Provider {
        provider: SLUG.to_owned(),
        expected_subject: None,
    };
    world.mailbox("carol", sign_in).await;
    // Carol has no template claim; the mailbox exists already, so no mapping is needed.
    assert!(!world.signed_in("carol").await.created);
    let view = world
        .app
        .mailbox(&address("carol@example.org"))
        .await
        .unwrap();
    assert_eq!(view.links[0].0.origin, LinkOrigin::Pending);
    assert!(view.pending.is_none());
}

#[tokio::test]
async fn an_expected_subject_is_the_only_one() {
    let world = World::new().await;
    let sign_in = NewSignIn::Provider {
        provider: SLUG.to_owned(),
        expected_subject: Some("another".to_owned()),
    };
    world.mailbox("carol", sign_in).await;
    assert_eq!(world.refused("carol").await, Code::LinkedElsewhere);
}

#[tokio::test]
async fn a_local_mailbox_is_linked_by_its_password_and_by_nothing_less() {
    let world = World::new().await;
    world
        .mailbox("alice", NewSignIn::Local(secret(PASSWORD)))
        .await;
    let Ended::ProveLocal { proof, .. } = world.sign_in("alice").await else {
        panic!("no proof asked")
    };
    let client = Client::default();
    let prove = |password: &str, browser| {
        let (proof, password) = (proof.expose_secret().to_owned(), secret(password));
        let (app, client) = (world.app.clone(), client.clone());
        async move {
            app.prove_local_password(&proof, password, browser, &client)
                .await
        }
    };
    let Ended::Refused(refused) = prove(PASSWORD, Some("another-browser")).await else {
        panic!("a proof of another browser")
    };
    assert_eq!(refused.refusal.code, Code::ForeignState);
    let Ended::ProveLocal { wrong: 1, .. } = prove("a wrong password", Some(BROWSER)).await else {
        panic!("a wrong password")
    };
    let Ended::SignedIn(_) = prove(PASSWORD, Some(BROWSER)).await else {
        panic!("not linked")
    };
    let view = world
        .app
        .mailbox(&address("alice@example.org"))
        .await
        .unwrap();
    assert_eq!(
        view.mailbox.methods,
        SignInMethods {
            local: true,
            provider: true
        }
    );
    let Ended::Refused(_) = prove(PASSWORD, Some(BROWSER)).await else {
        panic!("used twice")
    };
    world.signed_in("alice").await;
}

#[tokio::test]
async fn a_mailbox_without_password_cannot_be_proven() {
    let world = World::new().await;
    world.mailbox("alice", NewSignIn::None).await;
    assert_eq!(world.refused("alice").await, Code::ProveLocalPassword);
}

#[tokio::test]
async fn switching_to_the_provider_and_back_revives_the_password() {
    let world = World::new().await;
    let alice = address("alice@example.org");
    world
        .mailbox("alice", NewSignIn::Local(secret(PASSWORD)))
        .await;
    let to_provider = MethodSwitch::Provider {
        provider: SLUG.to_owned(),
        expected_subject: None,
        keep_password_until: None,
    };
    world
        .app
        .switch_method(&ACTOR, &alice, to_provider)
        .await
        .unwrap();
    let local = |password: &str| {
        let (app, password) = (world.app.clone(), secret(password));
        async move {
            app.sign_in_local("alice@example.org", password, &Client::default())
                .await
        }
    };
    let Ended::Refused(refused) = local(PASSWORD).await else {
        panic!("dormant, yet in")
    };
    assert_eq!(world.recorded(&refused).await, Code::WrongMethod);
    world.signed_in("alice").await;
    world
        .app
        .switch_method(&ACTOR, &alice, MethodSwitch::Local)
        .await
        .unwrap();
    assert!(matches!(local(PASSWORD).await, Ended::SignedIn(_)));
    assert_eq!(world.refused("alice").await, Code::WrongMethod);
}

#[tokio::test]
async fn moving_an_endpoint_opens_a_new_namespace_and_clears_the_secret() {
    let world = World::new().await;
    world.signed_in("alice").await;
    let before = world.app.provider(SLUG).await.unwrap();
    let moved = world
        .provider(|p| {
            p.endpoints = model::provider::Endpoints::Issuer {
                issuer: "https://evil.example".to_owned(),
            };
        })
        .await;
    assert_ne!(moved.provider.namespace, before.namespace);
    assert_eq!(moved.provider.secret, None);
    assert_eq!(moved.notes.len(), 2, "{:?}", moved.notes);
}
