//! Whose mailbox it is: links, pending links, proof, and switching methods.

use crate::world::{
    ACTOR, BROWSER, PASSWORD, PUBLIC, SECRET, SLUG, World, address, company, secret, untested,
};
use app::Client;
use app::mailboxes::{MethodSwitch, NewSignIn};
use app::providers::SecretChange;
use app::sign_in::{Arrived, Ended, ReturnTo};
use model::link::LinkOrigin;
use model::mailbox::SignInMethods;
use model::outcome::Code;
use model::provider::Endpoints;
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

async fn switch(world: &World, provider: &str, subject: Option<&str>) {
    let switch = MethodSwitch::Provider {
        provider: provider.to_owned(),
        expected_subject: subject.map(str::to_owned),
        keep_password_until: None,
    };
    let alice = address("alice@example.org");
    let switched = world.app.switch_method(&ACTOR, &alice, switch).await;
    switched.unwrap();
}

async fn subjects(world: &World) -> Vec<String> {
    let view = world.app.mailbox(&address("alice@example.org")).await;
    let links = view.unwrap().links.into_iter();
    links.map(|(link, _)| link.subject).collect()
}

/// A second provider: the same company under endpoints typed by hand, so with people of its own.
async fn second_provider(world: &World) {
    let mut settings = world.app.provider(SLUG).await.unwrap().settings;
    settings.endpoints = Endpoints::Manual {
        authorize: world.lab.authorization_endpoint(),
        token: world.lab.token_endpoint(),
        userinfo: world.lab.userinfo_endpoint(),
    };
    settings.client_id = "second".to_owned();
    let redirect = format!("{PUBLIC}/sso/second/callback");
    let client = lab::Client::new("second", SECRET, &redirect);
    company(world).add_client(client);
    let client_secret = Some(secret(SECRET));
    let made = world
        .app
        .create_provider(untested(), "second", settings, client_secret);
    made.await.unwrap();
}

async fn at_second(world: &World) -> Ended {
    let client = Client::default();
    let left = world
        .app
        .begin_sign_in("second", BROWSER, ReturnTo::Home, &client);
    let query = world.at_provider(&left.await.unwrap(), "alice").await;
    let arrived = Arrived::OwnPath("second".to_owned());
    world
        .app
        .finish_sign_in(arrived, &query, Some(BROWSER), &client)
        .await
}

#[tokio::test]
async fn switching_to_another_provider_shuts_the_first_and_opens_the_second() {
    let world = World::new().await;
    world.signed_in("alice").await;
    second_provider(&world).await;
    let Ended::Refused(refused) = at_second(&world).await else {
        panic!("two people in one mailbox")
    };
    assert_eq!(world.recorded(&refused).await, Code::LinkedElsewhere);
    switch(&world, "second", None).await;
    assert_eq!(world.refused("alice").await, Code::WrongMethod);
    assert!(matches!(at_second(&world).await, Ended::SignedIn(_)));
    assert_eq!(world.refused("alice").await, Code::LinkedElsewhere);
    assert!(matches!(at_second(&world).await, Ended::SignedIn(_)));
}

#[tokio::test]
async fn a_switch_keeps_the_person_it_names_and_no_other() {
    let world = World::new().await;
    world.signed_in("alice").await;
    let before = subjects(&world).await;
    switch(&world, SLUG, Some(&before[0])).await;
    assert_eq!(subjects(&world).await, before);
    switch(&world, SLUG, Some("somebody-else")).await;
    assert!(subjects(&world).await.is_empty());
    assert_eq!(world.refused("alice").await, Code::LinkedElsewhere);
}

#[tokio::test]
async fn after_a_provider_moved_a_switch_opens_the_way_again() {
    let world = World::new().await;
    world.signed_in("alice").await;
    // The company moves to endpoints typed by hand: another namespace, the same provider.
    let manual = Endpoints::Manual {
        authorize: world.lab.authorization_endpoint(),
        token: world.lab.token_endpoint(),
        userinfo: world.lab.userinfo_endpoint(),
    };
    let mut settings = world.app.provider(SLUG).await.unwrap().settings;
    settings.endpoints = manual;
    let change = SecretChange::Set(secret(SECRET));
    let moved = world
        .app
        .edit_provider(&ACTOR, SLUG, settings, change, None);
    moved.await.unwrap();
    assert_eq!(world.refused("alice").await, Code::LinkedElsewhere);
    switch(&world, SLUG, None).await;
    world.signed_in("alice").await;
    assert_eq!(subjects(&world).await.len(), 1);
}
