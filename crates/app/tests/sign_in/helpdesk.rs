//! "Your helpdesk has been told": only when it was, and in one mail.

use crate::world::{World, company};
use app::App;
use app::ports::{Answer, EffectFailed, Engines, Letter, Progress};
use app::sign_in::{Ended, Refused};
use model::address::{Address, DomainName};
use model::outcome::Code;
use model::time::{Clock as _, SystemClock};
use parking_lot::Mutex;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use testkit::clock::FixedClock;
use testkit::poll::until;
use uuid::Uuid;

/// A mail server that takes letters, once it is there.
#[derive(Default)]
pub struct Letters {
    taken: Mutex<Vec<Letter>>,
    away: Mutex<u32>,
}

impl Engines for Letters {
    fn kick<'a>(&'a self, _: &'a Address) -> Answer<'a, Result<u64, EffectFailed>> {
        Box::pin(async { Ok(0) })
    }
    fn kick_domain<'a>(&'a self, _: &'a DomainName) -> Answer<'a, Result<u64, EffectFailed>> {
        Box::pin(async { Ok(0) })
    }
    fn remove_mail(&self, _: Uuid) -> Answer<'_, Result<Progress, EffectFailed>> {
        Box::pin(async { Ok(Progress::Done) })
    }
    fn send<'a>(&'a self, letter: &'a Letter) -> Answer<'a, Result<(), EffectFailed>> {
        let mut away = self.away.lock();
        let taken = *away == 0;
        if taken {
            self.taken.lock().push(letter.clone());
        }
        *away = away.saturating_sub(1);
        Box::pin(async move {
            taken
                .then_some(())
                .ok_or_else(|| EffectFailed("away".to_owned()))
        })
    }
    fn reload(&self) -> Answer<'_, Result<(), EffectFailed>> {
        Box::pin(async { Ok(()) })
    }
}

/// Runs the outbox of `app` until `count` letters were taken, and a little longer.
pub async fn letters(app: &App, count: usize, away: u32) -> Vec<Letter> {
    let server = Arc::new(Letters {
        away: Mutex::new(away),
        ..Letters::default()
    });
    let (at_work, app) = (server.clone(), app.clone());
    let outbox = tokio::spawn(async move {
        app.run_outbox(at_work, std::future::pending()).await;
    });
    let come = until("the letters", Duration::from_secs(20), async || {
        (server.taken.lock().len() >= count).then_some(())
    });
    come.await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    outbox.abort();
    let taken = server.taken.lock();
    taken.clone()
}

async fn turned_away(world: &World, login: &str) -> Refused {
    match world.sign_in(login).await {
        Ended::Refused(refused) => *refused,
        other => panic!("{login} is not refused: {other:?}"),
    }
}

#[tokio::test]
async fn people_without_a_mailbox_type_are_told_of_in_one_mail() {
    let world = World::new().await;
    company(&world)
        .set_claim(
            "alice",
            "mailcow_template",
            json!("a template of a stranger"),
        )
        .unwrap();
    let carol = turned_away(&world, "carol").await;
    let alice = turned_away(&world, "alice").await;
    turned_away(&world, "alice").await;
    for refused in [&carol, &alice] {
        assert_eq!(refused.refusal.code, Code::NoMapping);
        let person = refused.refusal.person();
        assert!(person.ends_with("Your helpdesk has been told."), "{person}");
    }

    assert_eq!(letters(&world.app, 0, 0).await, [], "others may still join");
    let soon = world.app_by(FixedClock::at(
        SystemClock.now().plus(Duration::from_secs(61)),
    ));
    let mail = letters(&soon, 1, 0).await;
    let [letter] = mail.as_slice() else {
        panic!("{mail:?}");
    };
    assert_eq!(letter.to.as_str(), "postmaster@example.org");
    assert_eq!(
        letter.subject,
        "example.org: 2 people could not sign in (SSO-405)"
    );
    for part in [
        "alice@example.org",
        "carol@example.org",
        &format!(
            "https://mail.example.com/admin/sign-ins/{}",
            alice.reference
        ),
        "https://mail.example.com/help/codes/SSO-405",
    ] {
        assert!(letter.text.contains(part), "{part} in {}", letter.text);
    }
    assert!(
        !letter.text.contains("stranger"),
        "a claim's value: {}",
        letter.text
    );

    // Told of once; whoever comes within the hour is told of with the next mail.
    assert_eq!(letters(&soon, 0, 0).await, []);
    turned_away(&world, "carol").await;
    assert_eq!(letters(&soon, 0, 0).await, []);
    let later = world.app_by(FixedClock::at(
        SystemClock.now().plus(Duration::from_secs(2 * 3600)),
    ));
    let mail = letters(&later, 1, 0).await;
    assert_eq!(
        mail[0].subject,
        "example.org: 1 person could not sign in (SSO-405)"
    );
}

#[tokio::test]
async fn a_mail_waits_for_a_mail_server_that_is_away() {
    let world = World::new().await;
    world.domain(|d| d.limits.max_mailboxes = 1).await;
    world.signed_in("bob").await;
    let refused = turned_away(&world, "alice").await;
    assert_eq!(refused.refusal.code, Code::DomainFull);
    let soon = world.app_by(FixedClock::at(
        SystemClock.now().plus(Duration::from_secs(61)),
    ));
    let server_away = letters(&soon, 0, 1).await;
    assert_eq!(server_away, []);
    let later = world.app_by(FixedClock::at(
        SystemClock.now().plus(Duration::from_secs(70)),
    ));
    let mail = letters(&later, 1, 0).await;
    assert!(
        mail[0].text.contains("as many mailboxes as it may"),
        "{}",
        mail[0].text
    );
}

#[tokio::test]
async fn nobody_is_said_to_be_told_where_no_mail_can_be_sent() {
    let mut world = World::new().await;
    world.app = world.app_without_mail(SystemClock);
    let carol = turned_away(&world, "carol").await;
    let person = carol.refusal.person();
    assert!(person.ends_with("Tell your helpdesk."), "{person}");
}
