//! What is kept, and for how long.

use crate::world::{ACTOR, World, address};
use app::devices::NewDevice;
use app::mailboxes::NewSignIn;
use model::protocol::Protocols;
use model::time::{Clock as _, DAY, SystemClock};
use store::{Store, app_passwords};
use testkit::clock::FixedClock;

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
