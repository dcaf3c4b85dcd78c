//! A provider that moves: what becomes of its secret, of the people linked, and of those under way.

use crate::world::{ACTOR, SECRET, SLUG, World, secret};
use app::providers::SecretChange;
use model::provider::Endpoints;

fn endpoints(authorize: &str, token: &str, userinfo: &str) -> Endpoints {
    Endpoints::Manual {
        authorize: authorize.to_owned(),
        token: token.to_owned(),
        userinfo: userinfo.to_owned(),
    }
}

/// Sets the secret again, as an administrator does after a move cleared it.
async fn with_secret(world: &World) {
    let settings = world.app.provider(SLUG).await.unwrap().settings;
    let change = SecretChange::Set(secret(SECRET));
    world
        .app
        .edit_provider(&ACTOR, SLUG, settings, change, None)
        .await
        .unwrap();
}

#[tokio::test]
async fn another_realm_of_the_same_host_gets_no_stored_secret() {
    let world = World::new().await;
    let issuer = format!("{}/realms/b", world.lab.issuer());
    let moved = world
        .provider(|p| p.endpoints = Endpoints::Issuer { issuer })
        .await;
    assert_eq!(moved.provider.secret, None);
}

#[tokio::test]
async fn endpoints_are_compared_each_in_its_role() {
    let world = World::new().await;
    let (a, b) = ("https://a.example", "https://b.example");
    let before = endpoints(
        &format!("{a}/auth"),
        &format!("{b}/token"),
        &format!("{a}/me"),
    );
    let before = world.provider(|p| p.endpoints = before).await.provider;
    with_secret(&world).await;
    // The same two hosts, in other roles.
    let swapped = endpoints(
        &format!("{a}/auth"),
        &format!("{a}/token"),
        &format!("{b}/me"),
    );
    let after = world.provider(|p| p.endpoints = swapped.clone()).await;
    assert_eq!(after.provider.secret, None);
    assert_ne!(after.provider.namespace, before.namespace);
    with_secret(&world).await;
    // Another path at the same host: the same people, and yet not where the secret was given to.
    let path = endpoints(
        &format!("{a}/auth"),
        &format!("{a}/token2"),
        &format!("{b}/me"),
    );
    let again = world.provider(|p| p.endpoints = path).await.provider;
    assert_eq!(again.secret, None);
    assert_eq!(again.namespace, after.provider.namespace);
    with_secret(&world).await;
    let renamed = world.provider(|p| "Other".clone_into(&mut p.name)).await;
    assert!(renamed.provider.secret.is_some());
}
