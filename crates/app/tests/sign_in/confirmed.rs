//! Mail programs that stop when no provider stands by their person, and go on after a sign-in.

use crate::mail::{code, device, edge_by, try_login};
use crate::world::{SLUG, World, address, company};
use app::mail::LoginAnswer;
use app::provider_logout::ProviderLogout;
use lab::logout::Leaving;
use model::outcome::Code;
use model::protocol::{Protocol, Protocols};
use model::time::{Clock, DAY, SystemClock, Timestamp};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use testkit::clock::FixedClock;

/// One clock for everybody.
pub struct Hands(pub Arc<FixedClock>);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// The sample company, the sample installation and one clock.
pub async fn on_one_clock() -> (World, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::at(SystemClock.now()));
    let options = lab::Options {
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        ..lab::Options::default()
    };
    let mut world = World::with(options).await;
    world.app = world.app_by(Hands(Arc::clone(&clock)));
    (world, clock)
}

/// Kicks that wait in the outbox.
async fn kicks(world: &World) -> usize {
    let store = Store::open_read_only(&world.dir.join("store.db"));
    let mut read = store.read().unwrap();
    let ever = Timestamp(i64::MAX);
    let due = store::outbox::due::<Value>(&mut read, store::outbox::Lane::Engines, ever, 100).await;
    let due = due.unwrap();
    due.iter()
        .filter(|row| row.effect["effect"] == "kick")
        .count()
}

pub const NAME: &str = "alice@example.org";

#[tokio::test]
async fn mail_programs_stop_after_the_days_and_go_on_after_a_sign_in() {
    let (world, clock) = on_one_clock().await;
    world.signed_in("alice").await;
    let (password, _) = device(&world, Protocols::ALL).await;
    let edge = edge_by(&world, Arc::new(Hands(Arc::clone(&clock))));
    // Long before there is a policy: time that passed then counts for nothing.
    clock.advance(DAY * 100);
    world.domain(|form| form.confirm_within = Some(30)).await;
    let login = async || try_login(&edge, NAME, &password, Protocol::Imap).await;
    clock.advance(DAY * 29);
    assert!(matches!(login().await, LoginAnswer::Ok(_)));
    world.app.sweep().await.unwrap();
    assert_eq!(kicks(&world).await, 0);
    let LoginAnswer::Ok(grant) = login().await else {
        panic!("not in")
    };

    clock.advance(DAY);
    let answer = login().await;
    assert_eq!(code(&answer), Code::MailUnconfirmed);
    let LoginAnswer::Refused(turned) = answer else {
        unreachable!("its code was looked at")
    };
    for words in [turned.refusal.person(), turned.refusal.admin()] {
        assert!(!words.contains('–') && !words.contains('{'), "{words}");
    }
    assert!(
        edge.mail.recheck(&grant).await.is_err(),
        "the second look too"
    );
    for _ in 0..2 {
        world.app.sweep().await.unwrap();
        assert_eq!(kicks(&world).await, 1, "once, whatever was open");
    }
    let why = world.app.explain(NAME).await.unwrap();
    let gate = why.gates.iter().find(|gate| gate.gate == "mail programs");
    assert!(gate.unwrap().evidence.contains("MAIL-607"), "{gate:?}");

    world.signed_in("alice").await;
    assert!(matches!(login().await, LoginAnswer::Ok(_)), "at once");
    clock.advance(DAY * 30);
    world.app.sweep().await.unwrap();
    assert_eq!(
        kicks(&world).await,
        2,
        "and again when the days are over again"
    );
    world.domain(|form| form.confirm_within = None).await;
    assert!(matches!(login().await, LoginAnswer::Ok(_)));
}

#[tokio::test]
async fn the_days_are_checked_and_begin_anew_when_they_change() {
    let (world, clock) = on_one_clock().await;
    let policy = async || {
        let name = "example.org".parse().unwrap();
        world.app.domain(&name).await.unwrap().0.confirm
    };
    assert_eq!(policy().await, None, "off by default");
    world.domain(|form| form.confirm_within = Some(30)).await;
    let first = policy().await.unwrap();
    clock.advance(DAY);
    world.domain(|form| form.confirm_within = Some(30)).await;
    assert_eq!(policy().await, Some(first), "another save changes nothing");
    world.domain(|form| form.confirm_within = Some(7)).await;
    assert_eq!(policy().await.unwrap().since, clock.now());
    let (domain, _) = world
        .app
        .domain(&"example.org".parse().unwrap())
        .await
        .unwrap();
    for days in [0, 731, u16::MAX] {
        let form = app::domains::DomainForm {
            name: domain.name.clone(),
            active: true,
            limits: domain.limits,
            role_target: None,
            confirm_within: Some(days),
        };
        let refused = world
            .app
            .edit_domain(&crate::world::ACTOR, form, None)
            .await;
        let words = refused.unwrap_err().to_string();
        assert!(words.starts_with("confirm_within"), "{words}");
    }
}

#[tokio::test]
async fn a_logout_that_means_gone_stops_mail_programs_until_the_next_sign_in() {
    let (world, clock) = on_one_clock().await;
    world
        .provider(|settings| settings.leavers.logout_means_gone = true)
        .await;
    let (first, second) = (
        world.signed_in("alice").await,
        world.signed_in("alice").await,
    );
    let (password, _) = device(&world, Protocols::ALL).await;
    let edge = edge_by(&world, Arc::new(Hands(Arc::clone(&clock))));
    let login = async || try_login(&edge, NAME, &password, Protocol::Smtp).await;
    let LoginAnswer::Ok(grant) = login().await else {
        panic!("not in")
    };
    let subject = company(&world).person("alice").unwrap().subject;
    let leaving = Leaving {
        client: "mail",
        subject: Some(&subject),
        sid: None,
    };
    let token = world.lab.logout_token(leaving).unwrap();
    let answer = world.app.provider_logout(SLUG, &token).await;
    assert_eq!(answer, Ok(ProviderLogout::Ended { sessions: 2 }));
    for gone in [&first, &second] {
        let token = gone.token.expose_secret();
        assert!(world.app.session(token).await.unwrap().is_none());
    }
    assert_eq!(code(&login().await), Code::MailSignedOut);
    assert!(edge.mail.recheck(&grant).await.is_err());
    assert_eq!(kicks(&world).await, 1);
    let view = world.app.mailbox(&address(NAME)).await.unwrap();
    assert!(view.mailbox.active, "a mark, not a switch");
    assert_eq!(view.devices.len(), 1, "app passwords are kept");

    clock.advance(Duration::from_secs(60));
    world.signed_in("alice").await;
    assert!(matches!(login().await, LoginAnswer::Ok(_)), "at once");
    assert!(edge.mail.recheck(&grant).await.is_ok());

    // The word of a sign-out that is older than her last sign-in comes too late for that.
    let late = world.lab.logout_token(leaving).unwrap();
    clock.advance(Duration::from_secs(100));
    world.signed_in("alice").await;
    clock.advance(Duration::from_secs(5));
    let answer = world.app.provider_logout(SLUG, &late).await;
    assert!(
        matches!(answer, Ok(ProviderLogout::Ended { .. })),
        "{answer:?}"
    );
    assert!(matches!(login().await, LoginAnswer::Ok(_)));
}
