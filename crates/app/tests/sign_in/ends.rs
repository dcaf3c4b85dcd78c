//! What ends at once when something is taken away: web sessions and live mail sessions.

use crate::world::{ACTOR, PASSWORD, World, address, quota, secret};
use app::mailboxes::{MailboxEdit, MailboxFilter, NewMailboxForm, NewSignIn};
use app::ports::{Answer, EffectFailed, Engines, Letter, Progress};
use app::sign_in::Ended;
use app::templates::TemplateForm;
use app::{App, Client, domains::Page};
use model::address::{Address, DomainName};
use model::domain::GIB;
use model::outcome::Code;
use model::protocol::{Protocol, Protocols};
use model::tag::Tags;
use model::template::Templated;
use model::time::{Clock as _, DAY, SystemClock};
use parking_lot::Mutex;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use store::outbox::Lane;
use store::{Page as Keyset, Store, mailboxes, outbox};
use testkit::clock::FixedClock;
use testkit::poll::until;
use uuid::Uuid;

/// Notes whose sessions it was asked to end.
#[derive(Default)]
struct Heard {
    ended: Mutex<Vec<String>>,
    letters: Mutex<Vec<Letter>>,
    /// Dovecot is away for domains.
    deaf: bool,
    /// The mail that was to be removed has left the disk.
    gone: AtomicBool,
}

impl Engines for Heard {
    fn kick<'a>(&'a self, address: &'a Address) -> Answer<'a, Result<u64, EffectFailed>> {
        self.ended.lock().push(address.to_string());
        Box::pin(async { Ok(1) })
    }

    fn kick_domain<'a>(&'a self, domain: &'a DomainName) -> Answer<'a, Result<u64, EffectFailed>> {
        self.ended.lock().push(domain.to_string());
        Box::pin(async {
            if self.deaf {
                return Err(EffectFailed("away".to_owned()));
            }
            Ok(500)
        })
    }

    fn remove_mail(&self, _: Uuid) -> Answer<'_, Result<Progress, EffectFailed>> {
        let done = self.gone.load(Ordering::Acquire);
        Box::pin(async move {
            Ok(if done {
                Progress::Done
            } else {
                Progress::UnderWay
            })
        })
    }

    fn send<'a>(&'a self, letter: &'a Letter) -> Answer<'a, Result<(), EffectFailed>> {
        self.letters.lock().push(letter.clone());
        Box::pin(async { Ok(()) })
    }

    fn reload(&self) -> Answer<'_, Result<(), EffectFailed>> {
        Box::pin(async { Ok(()) })
    }
}

/// The effects that wait, as they are stored.
async fn waiting(world: &World) -> Vec<Value> {
    let store = Store::open_read_only(&world.dir.join("store.db"));
    let mut read = store.read().unwrap();
    let due = outbox::due::<Value>(&mut read, Lane::Engines, SystemClock.now(), 100).await;
    due.unwrap().into_iter().map(|row| row.effect).collect()
}

/// Runs the outbox until nothing that is due waits; tells whose sessions were to end.
async fn run(world: &World, deaf: bool) -> Vec<String> {
    let engines = Arc::new(Heard {
        deaf,
        ..Heard::default()
    });
    let (app, at_work) = (world.app.clone(), engines.clone());
    let outbox = tokio::spawn(async move {
        app.run_outbox(at_work, std::future::pending()).await;
    });
    let due = tokio::time::timeout(Duration::from_secs(10), async {
        while !waiting(world).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    due.await.unwrap();
    outbox.abort();
    let ended = engines.ended.lock();
    ended.clone()
}

async fn local(app: &App, name: &str) -> String {
    match app
        .sign_in_local(name, secret(PASSWORD), &Client::default())
        .await
    {
        Ended::SignedIn(signed_in) => signed_in.token.expose_secret().to_owned(),
        other => panic!("{name} is not in: {other:?}"),
    }
}

#[tokio::test]
async fn a_domain_that_is_switched_off_ends_the_sessions_of_all_its_people() {
    let world = World::new().await;
    world.domain(|form| form.limits.max_mailboxes = 0).await;
    world.domain(|form| form.limits.domain_quota = 0).await;
    let made = (0..500).map(|n| NewMailboxForm {
        address: address(&format!("m{n:03}@example.org")),
        name: String::new(),
        quota: Some(1),
        protocols: None,
        template: None,
        tags: Tags::default(),
        sign_in: NewSignIn::None,
    });
    let mut making = tokio::task::JoinSet::new();
    for form in made {
        let app = world.app.clone();
        making.spawn(async move { app.create_mailbox(&ACTOR, form).await });
    }
    for mailbox in making.join_all().await {
        mailbox.unwrap();
    }
    // One in each part of the list, and one in none of the domain.
    let mut tokens = Vec::new();
    for name in ["a", "m250x", "z"] {
        world
            .mailbox(name, NewSignIn::Local(secret(PASSWORD)))
            .await;
        tokens.push(local(&world.app, &format!("{name}@example.org")).await);
    }
    run(&world, false).await;

    world.domain(|form| form.active = false).await;
    assert_eq!(waiting(&world).await.len(), 2, "however many people");
    for token in &tokens {
        assert!(world.app.session(token).await.unwrap().is_none());
    }
    // Web sessions do not wait for a mail engine that is away.
    assert_eq!(run(&world, true).await, ["example.org"]);
    world.domain(|form| form.active = true).await;
    for token in &tokens {
        let session = world.app.session(token).await.unwrap();
        assert!(session.is_none(), "it came back with the domain");
    }
    let all = world
        .app
        .mailboxes(MailboxFilter::default(), Page::default());
    assert_eq!(all.await.unwrap().rows.len(), 50, "the mailboxes stay");
}

#[tokio::test]
async fn a_protocol_that_is_taken_away_ends_live_sessions_and_one_more_does_not() {
    let world = World::new().await;
    world.mailbox("alice", NewSignIn::None).await;
    let alice = address("alice@example.org");
    let edit = async |protocols: Protocols| {
        let edit = MailboxEdit {
            protocols: Some(protocols),
            ..MailboxEdit::default()
        };
        world
            .app
            .edit_mailbox(&ACTOR, &alice, edit, None)
            .await
            .unwrap();
        run(&world, false).await
    };
    let fewer = Protocols::ALL.with(Protocol::Pop3, false);
    assert_eq!(edit(fewer).await, ["alice@example.org"]);
    assert_eq!(edit(Protocols::ALL).await, [""; 0]);
    assert_eq!(edit(fewer.with(Protocol::Pop3, true)).await, [""; 0]);
}

#[tokio::test]
async fn a_template_takes_away_at_the_next_sign_in() {
    let world = World::new().await;
    let token = world.signed_in("alice").await.token;
    run(&world, false).await;
    let staff = async |change: fn(&mut model::template::TemplateSettings)| {
        let mut settings = quota(2 * GIB);
        change(&mut settings);
        let form = TemplateForm {
            name: "Staff".to_owned(),
            settings,
        };
        let edited = world.app.edit_template(&ACTOR, world.staff.id, form, None);
        edited.await.unwrap();
    };
    staff(|settings| settings.imap = Templated::in_step(false)).await;
    world.signed_in("alice").await;
    assert_eq!(run(&world, false).await, ["alice@example.org"]);

    staff(|settings| settings.active = Templated::in_step(false)).await;
    assert_eq!(world.refused("alice").await, Code::MailboxInactive);
    assert_eq!(run(&world, false).await, ["alice@example.org"]);
    let alice = world.app.mailbox(&address("alice@example.org")).await;
    assert!(!alice.unwrap().mailbox.active, "mail programs are out too");
    let session = world.app.session(token.expose_secret()).await.unwrap();
    assert!(session.is_none());

    // Back in step, back in.
    staff(|settings| settings.active = Templated::in_step(true)).await;
    world.signed_in("alice").await;
}

#[tokio::test]
async fn mail_of_a_deleted_mailbox_is_remembered_until_it_is_gone_from_the_disk() {
    let world = World::new().await;
    world.mailbox("alice", NewSignIn::None).await;
    let alice = address("alice@example.org");
    world.app.delete_mailbox(&ACTOR, &alice).await.unwrap();
    let kept = async || {
        let store = Store::open_read_only(&world.dir.join("store.db"));
        let mut read = store.read().unwrap();
        let listed = mailboxes::deleted_list(&mut read, &Keyset::first(9)).await;
        listed.unwrap().rows.len()
    };
    let then = world.app_by(FixedClock::at(SystemClock.now().plus(DAY * 31)));
    then.sweep().await.unwrap();
    let engines = Arc::new(Heard::default());
    let (app, at_work) = (then.clone(), engines.clone());
    let removals = tokio::spawn(async move {
        app.run_removals(at_work, std::future::pending()).await;
    });
    // Nothing waits in the outbox for the disk.
    run(&world, false).await;
    assert_eq!(kept().await, 1);
    engines.gone.store(true, Ordering::Release);
    let forgotten = async || (kept().await == 0).then_some(());
    until("the removal", Duration::from_secs(10), forgotten)
        .await
        .unwrap();
    removals.abort();
}
