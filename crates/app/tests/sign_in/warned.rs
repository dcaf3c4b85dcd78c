//! Mail to people before their mail programs, and websites that go on without them, stop.

use crate::confirmed::{Hands, NAME, on_one_clock};
use crate::crowd::crowd;
use crate::helpdesk::letters;
use crate::mail::device;
use crate::world::{ACTOR, PASSWORD, SLUG, World, address, company, secret};
use app::App;
use app::mailboxes::{MethodSwitch, NewSignIn};
use app::ports::Letter;
use model::ids::GrantId;
use model::oauth_app::AppCard;
use model::protocol::Protocols;
use model::time::{Clock as _, DAY, Timestamp};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use store::app_grants::{Ending, NewGrant};
use store::outbox::Lane;
use testkit::clock::FixedClock;

const HOUR: Duration = Duration::from_secs(3600);

/// Alice, a device of hers, and a policy of thirty days that begins now.
async fn alice() -> (World, Arc<FixedClock>) {
    let (world, clock) = on_one_clock().await;
    world.domain(|form| form.confirm_within = Some(30)).await;
    world.signed_in("alice").await;
    device(&world, Protocols::ALL).await;
    (world, clock)
}

/// The letters that wait in the outbox.
async fn waiting(world: &World) -> Vec<Value> {
    let store = Store::open_read_only(&world.dir.join("store.db"));
    let mut read = store.read().unwrap();
    let due = store::outbox::due::<Value>(&mut read, Lane::Mail, Timestamp(i64::MAX), 9999).await;
    due.unwrap().into_iter().map(|row| row.effect).collect()
}

/// Looks once, and sends what was left.
async fn sent(app: &App, count: usize) -> Vec<Letter> {
    app.sweep().await.unwrap();
    letters(app, count, 0).await
}

/// Mail programs show it as it is.
fn is_narrow(letter: &Letter) {
    let text = &letter.text;
    assert!(text.lines().all(|line| line.len() <= 78), "{text}");
}

#[tokio::test]
async fn two_letters_tell_what_happens_when_and_what_to_do() {
    let (world, clock) = alice().await;
    let app = &world.app;
    let end = clock.now().plus(DAY * 30);
    let confirmed = clock.now().date();
    clock.advance(DAY * 23 - HOUR);
    assert_eq!(sent(app, 0).await, [], "more than a week before");
    clock.advance(HOUR);
    let first = sent(app, 1).await;
    let [letter] = first.as_slice() else {
        panic!("{first:?}")
    };
    assert_eq!(letter.to.as_str(), NAME);
    let when = end.minute();
    assert!(when.ends_with(" UTC"), "{when}");
    let subject = format!("Sign in before {when}, or your mail programs stop");
    assert_eq!(letter.subject, subject);
    for part in [
        NAME,
        when.as_str(),
        "sign in once in a browser:\nhttps://mail.example.com/\n",
        "every 30 days",
        confirmed.as_str(),
        "type the address yourself",
    ] {
        assert!(letter.text.contains(part), "{part} in {}", letter.text);
    }
    assert!(!letter.text.contains("ebsite"), "{}", letter.text);
    is_narrow(letter);
    assert_eq!(
        letter.text.matches("://").count(),
        1,
        "one link, and no other"
    );
    let why = app.explain(NAME).await.unwrap();
    let gate = why.gates.iter().find(|gate| gate.gate == "mail programs");
    let told = format!("warned by mail {}", clock.now().date());
    assert!(gate.unwrap().evidence.contains(&told), "{gate:?}");

    for _ in 0..3 {
        clock.advance(DAY);
        assert_eq!(sent(app, 0).await, [], "never twice");
    }
    clock.advance(DAY * 3);
    assert_eq!(sent(app, 1).await.len(), 1, "a day before");
    clock.advance(HOUR);
    assert_eq!(sent(app, 0).await, []);
    clock.advance(DAY);
    assert_eq!(sent(app, 0).await, [], "they have stopped");

    // Confirmed anew, and the days are over once more.
    world.signed_in("alice").await;
    assert_eq!(sent(app, 0).await, []);
    let why = app.explain(NAME).await.unwrap();
    assert!(
        !format!("{why:?}").contains("warned by mail"),
        "of what was"
    );
    clock.advance(DAY * 24);
    assert_eq!(sent(app, 1).await.len(), 1);
}

#[tokio::test]
async fn who_comes_meanwhile_gets_no_letter() {
    let (world, clock) = alice().await;
    clock.advance(DAY * 24);
    world.app.sweep().await.unwrap();
    assert_eq!(waiting(&world).await.len(), 1);
    clock.advance(HOUR);
    world.signed_in("alice").await;
    assert_eq!(letters(&world.app, 0, 0).await, []);
    assert_eq!(waiting(&world).await, [] as [Value; 0], "it is done with");
}

#[tokio::test]
async fn a_letter_that_waited_too_long_for_the_mail_server_is_not_sent_beside_the_next() {
    let (world, clock) = alice().await;
    clock.advance(DAY * 24);
    world.app.sweep().await.unwrap();
    let away = letters(&world.app, 0, 1).await;
    assert_eq!(away, [], "the mail server is away");
    clock.advance(DAY * 5 + HOUR);
    let both = sent(&world.app, 1).await;
    assert_eq!(both.len(), 1, "{both:?}");
    assert_eq!(waiting(&world).await, [] as [Value; 0]);
    // A server that was off during both: what would come too late is not sent.
    world.signed_in("alice").await;
    clock.advance(DAY * 40);
    assert_eq!(sent(&world.app, 0).await, []);
}

#[tokio::test]
async fn nobody_is_told_who_has_nothing_to_lose() {
    let (world, clock) = on_one_clock().await;
    world.domain(|form| form.confirm_within = Some(30)).await;
    world.signed_in("alice").await;
    world.signed_in("bob").await;
    device(&world, Protocols::ALL).await;
    world
        .app
        .disable_mailbox(&ACTOR, &address(NAME), "on leave")
        .await
        .unwrap();
    clock.advance(DAY * 24);
    assert_eq!(
        sent(&world.app, 0).await,
        [],
        "no app password, and switched off"
    );
    assert_eq!(waiting(&world).await, [] as [Value; 0]);
}

/// Lets an app of Alice's go on without her.
async fn going_on(world: &World, now: Timestamp) -> GrantId {
    let alice = world.app.mailbox(&address(NAME)).await.unwrap().mailbox;
    let store = Store::open(&world.dir.join("store.db")).unwrap();
    let settings = AppCard::Generic.settings();
    let grant = store.write(async move |tx: &mut store::Conn| {
        let grant = NewGrant {
            app: store::oauth_apps::insert(tx, "cloud", &settings, now).await?,
            mailbox: alice.id,
            session: None,
            begun_in: None,
            sid: "sid",
            storage: alice.storage,
            scopes: "openid offline_access",
            auth_time: now,
            claims: None,
            now,
            ends: now.plus(DAY * 31),
        };
        store::app_grants::insert(tx, &grant).await
    });
    grant.await.unwrap()
}

#[tokio::test]
async fn who_has_nothing_but_an_app_that_goes_on_is_told_too() {
    let (world, clock) = on_one_clock().await;
    world.domain(|form| form.confirm_within = Some(30)).await;
    world.signed_in("alice").await;
    let grant = going_on(&world, clock.now()).await;
    clock.advance(DAY * 23);
    let letter = sent(&world.app, 1).await.remove(0);
    let subject = &letter.subject;
    assert!(subject.ends_with("or connected websites stop"), "{subject}");
    let text = &letter.text;
    assert!(text.starts_with("Websites that go on without you stop for\nalice@"));
    assert!(!text.contains("mail program"), "{text}");
    is_narrow(&letter);
    let store = Store::open(&world.dir.join("store.db")).unwrap();
    let end =
        async move |tx: &mut store::Conn| store::app_grants::end(tx, Ending::One(grant)).await;
    assert_eq!(store.write(end).await, Ok(1));
    clock.advance(DAY * 6);
    assert_eq!(sent(&world.app, 0).await, [], "it is disconnected");
}

#[tokio::test]
async fn who_has_both_is_told_of_both() {
    let (world, clock) = alice().await;
    going_on(&world, clock.now()).await;
    clock.advance(DAY * 23);
    let letter = sent(&world.app, 1).await.remove(0);
    let subject = &letter.subject;
    assert!(
        subject.ends_with("or mail programs and websites stop"),
        "{subject}"
    );
    for part in [
        "mail programs and phones, and websites",
        "app passwords stay",
    ] {
        assert!(letter.text.contains(part), "{part} in {}", letter.text);
    }
    is_narrow(&letter);
}

#[tokio::test]
async fn a_whole_company_is_told_in_batches() {
    let (world, clock) = on_one_clock().await;
    world.domain(|form| form.confirm_within = Some(30)).await;
    let made = 1200;
    crowd(&world, "p", made, clock.now()).await;
    clock.advance(DAY * 24);
    for left in [500, 1000, made, made] {
        world.app.sweep().await.unwrap();
        let waiting = waiting(&world).await;
        assert_eq!(
            waiting.len(),
            left,
            "a bounded number each minute, each person once"
        );
    }
}

#[tokio::test]
async fn without_a_way_to_send_the_administrator_is_told_and_nothing_piles_up() {
    let (world, clock) = alice().await;
    clock.advance(DAY * 24);
    let mute = world.app_without_mail(Hands(Arc::clone(&clock)));
    mute.sweep().await.unwrap();
    assert_eq!(waiting(&world).await, [] as [Value; 0]);
    assert!(mute.cannot_warn().await.unwrap());
    assert!(!world.app.cannot_warn().await.unwrap());
    assert_eq!(sent(&world.app, 1).await.len(), 1, "once there is a way");
    world.domain(|form| form.confirm_within = None).await;
    assert!(!mute.cannot_warn().await.unwrap(), "nobody is to be warned");
}

#[tokio::test]
async fn days_begin_where_a_provider_can_first_confirm() {
    let (world, clock) = alice().await;
    world
        .mailbox("bob", NewSignIn::Local(secret(PASSWORD)))
        .await;
    clock.advance(DAY * 100);
    let switch = MethodSwitch::Provider {
        provider: SLUG.to_owned(),
        expected_subject: Some(company(&world).person("bob").unwrap().subject),
        keep_password_until: None,
    };
    let bob = address("bob@example.org");
    world.app.switch_method(&ACTOR, &bob, switch).await.unwrap();
    let view = world.app.mailbox(&bob).await.unwrap();
    let deadline = view.standing.unwrap().deadline();
    assert_eq!(deadline, Some(clock.now().plus(DAY * 30)), "no surprise");
}
