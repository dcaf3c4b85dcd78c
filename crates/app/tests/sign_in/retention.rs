//! What is kept, and for how long.

use crate::world::{ACTOR, World, address};
use app::devices::NewDevice;
use app::mailboxes::NewSignIn;
use model::protocol::Protocols;
use model::time::{Clock as _, DAY, SystemClock};
use store::{Conn, Store, StoreError, app_passwords, sign_in_flows};
use testkit::clock::FixedClock;

/// What a flood left in a minute goes in a minute.
#[tokio::test]
async fn one_sweep_takes_all_that_has_ended() {
    let world = World::new().await;
    let provider = world.provider(|_| ()).await.provider.id;
    let store = Store::open(&world.dir.join("store.db")).unwrap();
    let now = SystemClock.now();
    store
        .write(async move |tx: &mut Conn| {
            for n in 0..1_700_i64 {
                let tag = n.to_be_bytes();
                sign_in_flows::insert(tx, &tag, b"b", provider, b"sealed", now, now).await?;
            }
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    let later = FixedClock::at(now.plus(DAY));
    world.app_by(later).sweep().await.unwrap();
    let left = store
        .write(async move |tx: &mut Conn| sign_in_flows::sweep(tx, now.plus(DAY), 1).await)
        .await;
    assert!(left.unwrap().is_empty());
}

#[tokio::test]
async fn a_revoked_app_password_is_forgotten_after_as_long_as_mail_attempts() {
    let world = World::new().await;
    world.mailbox("alice", NewSignIn::None).await;
    let alice = world.app.mailbox(&address("alice@example.org")).await;
    let alice = alice.unwrap().mailbox;
    for name in ["lost", "kept"] {
        let new = NewDevice {
            name: name.to_owned(),
            protocols: Protocols::ALL,
            ends: None,
        };
        let made = world
            .app
            .create_device(&ACTOR, alice.id, new)
            .await
            .unwrap();
        if name == "lost" {
            let revoked = world.app.revoke_device(&ACTOR, alice.id, made.device.id);
            revoked.await.unwrap();
        }
    }
    let kept = async || {
        let store = Store::open_read_only(&world.dir.join("store.db"));
        let mut read = store.read().unwrap();
        let kept = app_passwords::list(&mut read, alice.id).await.unwrap();
        kept.into_iter().map(|kept| kept.name).collect::<Vec<_>>()
    };
    for (days, left) in [(29, vec!["kept", "lost"]), (31, vec!["kept"])] {
        let then = FixedClock::at(SystemClock.now().plus(DAY * days));
        world.app_by(then).sweep().await.unwrap();
        assert_eq!(kept().await, left, "after {days} days");
    }
}
