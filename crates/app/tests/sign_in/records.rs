//! What is recorded of attempts when many come, and when their references meet.

use crate::world::{BROWSER, World, secret};
use app::ports::Learned;
use app::sign_in::{Ended, Refused, ReturnTo};
use app::{App, Client};
use model::attempt::{Attempt, Door, Reference, Trace};
use model::ids::AttemptId;
use model::outcome::{Code, Refusal};
use model::protocol::Protocol;
use model::random::Random;
use model::time::{Clock as _, SystemClock};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;
use store::attempts::{self, AttemptFilter};
use store::{OsRandom, Page, Store};

/// Makes references of these bytes first.
struct Repeating(Mutex<Vec<u8>>);

impl Random for Repeating {
    fn fill(&self, out: &mut [u8]) {
        match self.0.lock().pop() {
            Some(byte) if out.len() == 8 => out.fill(byte),
            _ => OsRandom.fill(out),
        }
    }
}

async fn rows(world: &World) -> Vec<Attempt> {
    let store = Store::open_read_only(&world.dir.join("store.db"));
    let mut read = store.read().unwrap();
    let listed = attempts::list(&mut read, &Page::first(1000), &AttemptFilter::default()).await;
    listed.unwrap().rows
}

fn client(last: u8) -> Client {
    Client {
        ip: Some(IpAddr::from([192, 0, 2, last])),
        user_agent: String::new(),
    }
}

async fn start(app: &App, provider: &str, last: u8) -> Result<String, Box<Refused>> {
    app.begin_sign_in(provider, BROWSER, ReturnTo::Home, &client(last))
        .await
}

async fn wrong(app: &App) -> Reference {
    match app
        .sign_in_local("nobody", secret("wrong"), &Client::default())
        .await
    {
        Ended::Refused(refused) => refused.reference,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn references_that_meet_are_two_attempts_all_the_same() {
    let world = World::new().await;
    // From the end: reference and spare of the first, then of the second.
    let app = world.app_with(Arc::new(Repeating(Mutex::new(vec![3, 1, 2, 1]))));
    let (first, second) = (wrong(&app).await, wrong(&app).await);
    assert_ne!(first, second);
    let stored: HashSet<_> = rows(&world)
        .await
        .into_iter()
        .map(|a| a.reference)
        .collect();
    assert_eq!(stored, HashSet::from([first, second]));
}

#[tokio::test]
async fn a_batch_whose_references_meet_is_stored_whole() {
    let world = World::new().await;
    let now = SystemClock.now();
    let attempt = |reference: &str, account: &str| {
        let attempt = Attempt {
            id: AttemptId(0),
            reference: Reference::parse(reference).unwrap(),
            at: now,
            door: Door::Mail(Protocol::Imap),
            provider: None,
            app: None,
            mailbox: None,
            address: Some(account.to_owned()),
            ip: None,
            user_agent: String::new(),
            refusal: Some(Refusal::new(Code::MailWrong)),
            notice: None,
            trace: Trace::default(),
            count: 1,
        };
        Learned::Attempt(Box::new(attempt), account.to_owned())
    };
    let batch = vec![
        attempt("7K4Q-M2XD", "a@example.org"),
        attempt("7K4Q-M2XD", "b@example.org"),
        attempt("7K4Q-M2XE", "c@example.org"),
    ];
    world.app.store_learned(batch).await.unwrap();
    let stored: HashSet<_> = rows(&world)
        .await
        .into_iter()
        .map(|a| a.reference)
        .collect();
    assert_eq!(stored.len(), 3);
}

#[tokio::test]
async fn a_flood_of_starts_from_one_network_ends_and_fills_no_disk() {
    let world = World::new().await;
    let mut refused = None;
    for _ in 0..1200 {
        if let Err(why) = start(&world.app, "no-such-provider", 1).await
            && why.refusal.code == Code::TooManyTries
        {
            refused = Some(why);
        }
    }
    let refused = refused.expect("a flood is refused");
    assert_eq!(refused.refusal.code.entry().status, 429);
    assert!(
        refused.refusal.person().contains("second"),
        "{}",
        refused.refusal.person()
    );
    let rows = rows(&world).await;
    // Two kinds of refusals within, at most, a few minutes.
    assert!(rows.len() <= 200, "{} rows", rows.len());
    assert_eq!(rows.iter().map(|row| row.count).sum::<i64>(), 1200);
    let shared = rows.iter().find(|row| row.reference == refused.reference);
    assert!(shared.unwrap().count > 1);
    assert!(start(&world.app, crate::world::SLUG, 2).await.is_ok());
}
