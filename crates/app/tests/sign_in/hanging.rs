//! A provider that hangs or is gone, beside one that works: nobody else waits for it.

use crate::background::{Shift, offline};
use crate::brake::come;
use crate::mail::{device, edge_by, try_login};
use crate::second::{OTHER, Second, change};
use crate::world::{SLUG, address, company};
use app::confirmation::Checked;
use app::mail::LoginAnswer;
use lab::Endpoint;
use lab::misbehave::Misbehaviour;
use model::ids::ProviderId;
use model::protocol::{Protocol, Protocols};
use model::time::{Clock as _, SystemClock, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use testkit::poll::until;
use tokio::sync::Notify;

const SOON: Duration = Duration::from_secs(30);

/// How many questions about people of a provider wait for their answers.
async fn under_way(shift: &Shift, id: ProviderId) -> usize {
    let store = Store::open_read_only(&shift.world.dir.join("store.db"));
    let mut read = store.read().unwrap();
    let all = store::refresh_tokens::due(&mut read, id, Timestamp(i64::MAX), 100).await;
    all.unwrap()
        .iter()
        .filter(|row| row.asked.is_some())
        .count()
}

#[tokio::test]
async fn a_provider_that_hangs_holds_up_no_other_and_no_mail_program() {
    let shift = Shift::new().await;
    shift.no_limits().await;
    let world = &shift.world;
    // More people than are asked about at a time.
    come(&shift, 0..5).await;
    world.signed_in("alice").await;
    let (password, _) = device(world, Protocols::ALL).await;
    let second = Second::with(world, offline(&shift.clock)).await;
    change(world, |settings| settings.leavers.background_checks = true).await;
    second.signed_in(world, "bob").await;
    let id = world.app.provider(SLUG).await.unwrap().id;

    company(world).misbehave(Misbehaviour::TokenSilent);
    shift.clock.advance(Duration::from_secs(5 * 3600));
    let asked_at = shift.clock.now();
    let stop = Arc::new(Notify::new());
    let (app, stopped) = (world.app.clone(), Arc::clone(&stop));
    let checks = tokio::spawn(async move { app.run_background_checks(stopped.notified()).await });
    until("the first questions", SOON, async || {
        (world.lab.hits(Endpoint::Token) > 6 && under_way(&shift, id).await > 0).then_some(())
    })
    .await
    .unwrap();

    let bob = address("bob@example.org");
    until("the other provider's answer", SOON, async || {
        let view = world.app.mailbox(&bob).await.unwrap();
        (view.links[0].0.confirmed == Some(asked_at)).then_some(())
    })
    .await
    .unwrap();
    let edge = edge_by(world, Arc::new(SystemClock));
    let name = "alice@example.org";
    let login = try_login(&edge, name, &password, Protocol::Imap).await;
    assert!(matches!(login, LoginAnswer::Ok(_)), "{login:?}");
    second.signed_in(world, "bob").await;
    assert!(under_way(&shift, id).await > 0, "all that while it hung");

    stop.notify_one();
    checks.await.unwrap();
    for login in ["alice", "p0", "p1", "p2", "p3", "p4"] {
        let address = address(&format!("{login}@example.org"));
        let link = world.app.mailbox(&address).await.unwrap().links.remove(0).0;
        assert_eq!(link.unconfirmed, None, "{login}: silence says nothing");
    }
    let other = world.app.provider(OTHER).await.unwrap();
    assert_eq!(other.checks_stopped, None);
}

#[tokio::test]
async fn a_provider_that_is_down_from_the_start_says_nothing_about_anybody() {
    let mut shift = Shift::new().await;
    shift.world.signed_in("alice").await;
    let (password, _) = device(&shift.world, Protocols::ALL).await;
    let alice = address("alice@example.org");
    let before = shift
        .world
        .app
        .mailbox(&alice)
        .await
        .unwrap()
        .links
        .remove(0)
        .0;
    // A worker that has never seen its discovery document.
    shift.restart();
    let edge = edge_by(&shift.world, Arc::new(SystemClock));
    let app = shift.world.app.clone();
    shift.world.lab.stop().await;
    shift.clock.advance(Duration::from_secs(5 * 3600));
    let checked = app.check_people().await.unwrap();
    assert!(
        matches!(&checked[..], [(_, Checked::Unknown(_))]),
        "{checked:?}"
    );
    let after = app.mailbox(&alice).await.unwrap();
    assert_eq!(after.links[0].0, before);
    let name = "alice@example.org";
    let login = try_login(&edge, name, &password, Protocol::Imap).await;
    assert!(matches!(login, LoginAnswer::Ok(_)), "{login:?}");
}
