//! Every misbehaviour of a provider ends as it should, and leaves nothing half-made.

use crate::world::{World, address, company};
use app::sign_in::Ended;
use lab::misbehave::{Expected, Misbehaviour};
use lab::{Algorithm, Options};

#[tokio::test]
async fn no_misbehaviour_lets_anybody_in_who_should_not_be() {
    let mut wrong = Vec::new();
    for how in Misbehaviour::ALL {
        // A world each: what is remembered of a provider, keys above all, must not help the next.
        let options = Options {
            algorithm: Algorithm::Es256,
            ..Options::default()
        };
        let world = World::with(options).await;
        company(&world).misbehave(*how);
        let ended = match world.depart().await {
            Err(refused) => Ended::Refused(refused),
            Ok(url) => match come_back(&url).await {
                Some(query) => world.finish(&query).await,
                None => continue,
            },
        };
        let created = world
            .app
            .mailbox(&address("alice@example.org"))
            .await
            .is_ok();
        let right = match (how.expected(), &ended) {
            (Expected::Accept, Ended::SignedIn(_)) => created,
            (Expected::Refuse | Expected::Unavailable, Ended::Refused(_)) => !created,
            (Expected::Depends, ended) => matches!(ended, Ended::SignedIn(_)) == created,
            _ => false,
        };
        if !right {
            let (name, expected) = (how.name(), how.expected());
            wrong.push(format!(
                "{name}: expected {expected:?}, created {created}, got {ended:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The way through the provider; `None` where it never sends anybody back.
async fn come_back(url: &str) -> Option<String> {
    let mut tab = testkit::browser::Browser::new().ok()?.tab();
    tab.stop_before(crate::world::PUBLIC);
    let page = tab.open(url).await.ok()?;
    let page = match page.location().ok()? {
        Some(_) => page,
        None => {
            let form = page
                .form("#sign-in")
                .ok()?
                .fill("username", "alice")
                .ok()?
                .fill("password", lab::sample::PASSWORD)
                .ok()?;
            tab.submit(form).await.ok()?
        }
    };
    page.location()
        .ok()?
        .map(|url| url.query().unwrap_or_default().to_owned())
}
