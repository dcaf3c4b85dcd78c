//! A provider that moves: what becomes of its secret, of the people linked, and of those under way.

use crate::world::{ACTOR, BROWSER, PASSWORD, SECRET, SLUG, World, address, company, secret};
use app::aliases::AliasForm;
use app::mailboxes::{NewMailboxForm, NewSignIn};
use app::providers::SecretChange;
use app::sign_in::Ended;
use app::{Client, Problem};
use lab::misbehave::Misbehaviour;
use model::outcome::Code;
use model::provider::Endpoints;
use model::tag::Tags;
use secrecy::ExposeSecret as _;
use std::io::ErrorKind;
use std::net::TcpListener;

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

#[tokio::test]
async fn a_token_endpoint_that_discovery_moves_gets_no_stored_secret() {
    let world = World::new().await;
    world
        .provider(|p| p.private_hosts.push("127.0.0.2".to_owned()))
        .await;
    world.signed_in("alice").await;
    let port = world.lab.token_endpoint().parse::<url::Url>().unwrap();
    let there = TcpListener::bind(("127.0.0.2", port.port().unwrap())).unwrap();
    there.set_nonblocking(true).unwrap();
    company(&world).misbehave(Misbehaviour::TokenEndpointMoved);
    // The connection test fetches the document anew.
    let lines = world.app.test_provider(SLUG, &mut |_| {}).await.unwrap();
    let line = lines
        .iter()
        .find(|line| line.name == "Client id and secret")
        .unwrap();
    assert_eq!(line.code, Some(Code::DiscoveryFailed), "{line:?}");
    assert!(line.evidence.contains("enter the secret again"), "{line:?}");
    let Ended::Refused(refused) = world.sign_in("alice").await else {
        panic!("signed in elsewhere")
    };
    assert_eq!(world.recorded(&refused).await, Code::DiscoveryFailed);
    let nobody = there.accept().map_err(|error| error.kind());
    assert_eq!(nobody.unwrap_err(), ErrorKind::WouldBlock);
    // Entered again, it goes where the provider is now.
    with_secret(&world).await;
    there.set_nonblocking(false).unwrap();
    let heard = std::thread::spawn(move || there.accept().is_ok());
    world.refused("alice").await;
    assert!(heard.join().unwrap());
}

#[tokio::test]
async fn a_code_of_the_old_endpoints_never_reaches_the_new_ones() {
    let world = World::new().await;
    let left = world.depart().await.unwrap();
    let query = world.at_provider(&left, "alice").await;
    // Another client at the same issuer: the namespace stays, and yet the code is of the other.
    world
        .provider(|p| "another".clone_into(&mut p.client_id))
        .await;
    let Ended::Refused(refused) = world.finish(&query).await else {
        panic!("in")
    };
    assert_eq!(world.recorded(&refused).await, Code::ForeignState);
    assert_eq!(world.lab.hits(lab::Endpoint::Token), 0);
}

#[tokio::test]
async fn a_proof_counts_for_nothing_once_the_provider_lost_the_domain_or_the_password_changed() {
    for reset in [true, false] {
        let world = World::new().await;
        let local = NewSignIn::Local(secret(PASSWORD));
        world.mailbox("alice", local).await;
        let Ended::ProveLocal { proof, .. } = world.sign_in("alice").await else {
            panic!("no proof asked")
        };
        let want = if reset {
            let alice = address("alice@example.org");
            let new = secret("another long password");
            let done = world.app.set_mailbox_password(&ACTOR, &alice, new).await;
            done.unwrap();
            None
        } else {
            world.provider(|p| p.domains.clear()).await;
            Some(Code::DomainNotOfProvider)
        };
        let client = Client::default();
        let (token, password) = (proof.expose_secret(), secret(PASSWORD));
        let proven = world
            .app
            .prove_local_password(token, password, Some(BROWSER), &client);
        match (proven.await, want) {
            (Ended::ProveLocal { wrong: 1, .. }, None) => {}
            (Ended::Refused(refused), Some(want)) => {
                assert_eq!(world.recorded(&refused).await, want);
            }
            (other, _) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_extension_of_an_address_in_use_is_given_to_nobody() {
    let world = World::new().await;
    world.mailbox("alice", NewSignIn::None).await;
    let claimed = "alice+bank@example.org";
    company(&world)
        .change("bob", |p| claimed.clone_into(&mut p.email))
        .unwrap();
    assert_eq!(world.refused("bob").await, Code::AddressReserved);
    let new = NewMailboxForm {
        address: address(claimed),
        name: String::new(),
        quota: None,
        protocols: None,
        template: None,
        tags: Tags::default(),
        sign_in: NewSignIn::None,
    };
    let made = world.app.create_mailbox(&ACTOR, new).await;
    assert!(matches!(made, Err(Problem::Invalid(_))), "{made:?}");
}

#[tokio::test]
async fn no_alias_takes_the_mail_of_an_extension_away() {
    let world = World::new().await;
    world.mailbox("alice", NewSignIn::None).await;
    world.mailbox("bob", NewSignIn::None).await;
    let alias = |at: &str| AliasForm {
        address: address(at),
        targets: vec![address("bob@example.org")],
        active: true,
    };
    let taken = world
        .app
        .create_alias(&ACTOR, alias("alice+x@example.org"))
        .await;
    assert!(matches!(taken, Err(Problem::Invalid(_))), "{taken:?}");
    let free = alias("sales+x@example.org");
    world.app.create_alias(&ACTOR, free).await.unwrap();
}
