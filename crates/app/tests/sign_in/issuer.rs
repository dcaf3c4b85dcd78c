//! A provider set up by endpoints learns its issuer, and its people stay who they are.

use crate::world::{ACTOR, SECRET, SLUG, World, address, nowhere, secret};
use app::Problem;
use app::providers::SecretChange;
use model::provider::{Endpoints, Provider};

/// The sample company, set up by its endpoints as the guides do, with one person linked.
async fn by_endpoints() -> World {
    let world = World::new().await;
    let issuer = world.lab.issuer().to_owned();
    let endpoints = Endpoints::Manual {
        authorize: format!("{issuer}/authorize"),
        token: format!("{issuer}/token"),
        userinfo: format!("{issuer}/userinfo"),
    };
    let moved = world.provider(|p| p.endpoints = endpoints).await;
    let settings = moved.provider.settings;
    let again = SecretChange::Set(secret(SECRET));
    let app = &world.app;
    app.edit_provider(&ACTOR, SLUG, settings, again, None)
        .await
        .unwrap();
    world.signed_in("alice").await;
    world
}

async fn provider(world: &World) -> Provider {
    world.app.provider(SLUG).await.unwrap()
}

#[tokio::test]
async fn links_open_the_same_mailbox_afterwards() {
    let world = by_endpoints().await;
    let alice = address("alice@example.org");
    let before = world.app.mailbox(&alice).await.unwrap();
    let old = provider(&world).await.namespace;
    assert!(old.0.starts_with("urn:gatepost:provider:"), "{old}");
    assert_eq!(world.app.links_to_move(SLUG).await.unwrap(), 1);

    let issuer = world.lab.issuer();
    // As pasted from a browser: the document's own address.
    let pasted = format!("{issuer}/.well-known/openid-configuration");
    let learned = world.app.learn_issuer(&ACTOR, SLUG, &pasted).await.unwrap();
    assert_eq!(learned.moved, 1);
    assert!(learned.saved.provider.secret.is_some(), "the same origin");
    assert_eq!(learned.saved.provider.namespace.0, issuer);

    assert!(!world.signed_in("alice").await.created);
    let after = world.app.mailbox(&alice).await.unwrap();
    assert_eq!(after.mailbox.id, before.mailbox.id);
    assert_eq!(after.links.len(), 1);
    let (was, is) = (&before.links[0].0, &after.links[0].0);
    assert_eq!((is.id, &is.subject), (was.id, &was.subject));
    assert_eq!(is.namespace.0, issuer);
    let again = world.app.learn_issuer(&ACTOR, SLUG, issuer).await;
    assert!(matches!(again, Err(Problem::Invalid(_))), "{again:?}");
}

#[tokio::test]
async fn what_cannot_be_learned_changes_nothing() {
    let world = by_endpoints().await;
    let before = provider(&world).await;
    for pasted in [nowhere(), "not an issuer".to_owned(), String::new()] {
        let failed = world.app.learn_issuer(&ACTOR, SLUG, &pasted).await;
        assert!(failed.is_err(), "{pasted}: {failed:?}");
        assert_eq!(provider(&world).await, before, "{pasted}");
    }
    // The same document, while the typed endpoints stand at another host.
    let elsewhere = Endpoints::Manual {
        authorize: "https://login.example.net/authorize".to_owned(),
        token: "https://login.example.net/token".to_owned(),
        userinfo: "https://login.example.net/userinfo".to_owned(),
    };
    world.provider(|p| p.endpoints = elsewhere).await;
    let before = provider(&world).await;
    let failed = world
        .app
        .learn_issuer(&ACTOR, SLUG, world.lab.issuer())
        .await;
    let words = failed.unwrap_err().to_string();
    assert!(words.contains("login.example.net"), "{words}");
    assert_eq!(provider(&world).await, before);
}

#[tokio::test]
async fn people_known_by_another_claim_stay_where_they_are() {
    let world = by_endpoints().await;
    world
        .provider(|p| p.subject_claim = Some("preferred_username".to_owned()))
        .await;
    let failed = world
        .app
        .learn_issuer(&ACTOR, SLUG, world.lab.issuer())
        .await;
    let words = failed.unwrap_err().to_string();
    assert!(words.contains("preferred_username"), "{words}");
}
