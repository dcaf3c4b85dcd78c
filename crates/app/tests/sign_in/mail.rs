//! Logins of mail programs: app passwords, local passwords, and what changes do to them at once.

use crate::world::{ACTOR, PASSWORD, SLUG, World, address, secret};
use app::devices::NewDevice;
use app::mail::{Coalescer, Credential, Login, LoginAnswer, MailApp, MailConfig, MailParts};
use app::mailboxes::{MailboxEdit, MethodSwitch, NewSignIn};
use app::ports::{Learned, Recorder};
use model::address::DomainName;
use model::outcome::Code;
use model::protocol::{Protocol, Protocols};
use model::time::{Clock, DAY, SystemClock};
use parking_lot::Mutex;
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;
use std::time::Duration;
use store::outbox::Lane;
use store::{OsRandom, Store};
use testkit::clock::FixedClock;

#[derive(Default)]
struct Heard(Mutex<Vec<Learned>>);

impl Recorder for Heard {
    fn record(&self, learned: Learned) {
        self.0.lock().push(learned);
    }
}

pub struct Edge {
    pub mail: MailApp,
    heard: Arc<Heard>,
    coalescer: Arc<Coalescer>,
}

fn edge(world: &World) -> Edge {
    edge_by(world, Arc::new(SystemClock))
}

/// The same at another time.
pub fn edge_by(world: &World, clock: Arc<dyn Clock>) -> Edge {
    let heard = Arc::new(Heard::default());
    let coalescer = Arc::new(Coalescer::new(heard.clone()));
    let mail = MailApp::new(MailParts {
        store: Store::open_read_only(&world.dir.join("store.db")),
        app_password_key: world.master.auth_keys().unwrap().app_password,
        desk: world.desk.clone(),
        coalescer: coalescer.clone(),
        clock,
        random: Arc::new(OsRandom),
        config: MailConfig {
            devices_url: "https://mail.example.com/devices".to_owned(),
            mail_root: "/mail".to_owned(),
            uid: 5000,
            gid: 5000,
            hostname: DomainName::parse("mail.example.org").ok(),
        },
    });
    Edge {
        mail,
        heard,
        coalescer,
    }
}

pub async fn try_login(
    edge: &Edge,
    name: &str,
    password: &SecretString,
    protocol: Protocol,
) -> LoginAnswer {
    let ip = Some(std::net::IpAddr::from([192, 0, 2, 9]));
    let login = Login {
        protocol,
        name,
        secret: password,
        ip,
        secured: true,
    };
    edge.mail.login(login).await
}

pub fn code(answer: &LoginAnswer) -> Code {
    match answer {
        LoginAnswer::Refused(turned) => turned.refusal.code,
        other => panic!("not refused: {other:?}"),
    }
}

pub async fn device(
    world: &World,
    protocols: Protocols,
) -> (SecretString, model::ids::AppPasswordId) {
    let mailbox = world
        .app
        .mailbox(&address("alice@example.org"))
        .await
        .unwrap()
        .mailbox;
    let new = NewDevice {
        name: "phone".to_owned(),
        protocols,
        ends: None,
    };
    let made = world
        .app
        .create_device(&ACTOR, mailbox.id, new)
        .await
        .unwrap();
    (made.secret, made.device.id)
}

const NAME: &str = "Alice@Example.ORG";

#[tokio::test]
async fn an_app_password_opens_what_it_may_and_is_dead_at_once_when_revoked() {
    let world = World::new().await;
    world.signed_in("alice").await;
    let (password, id) = device(&world, [Protocol::Imap].into_iter().collect()).await;
    let edge = edge(&world);
    let typed = model::app_password::grouped(&password);
    let LoginAnswer::Ok(grant) = try_login(&edge, NAME, &typed, Protocol::Imap).await else {
        panic!("not in")
    };
    assert_eq!(grant.credential, Credential::AppPassword(id));
    assert!(edge.mail.recheck(&grant).await.is_ok());
    let pop = try_login(&edge, NAME, &password, Protocol::Pop3).await;
    assert_eq!(code(&pop), Code::MailProtocol);
    let other = try_login(&edge, "bob@example.org", &password, Protocol::Imap).await;
    assert_eq!(code(&other), Code::MailWrong);
    let mailbox = world
        .app
        .mailbox(&address("alice@example.org"))
        .await
        .unwrap()
        .mailbox
        .id;
    world.app.revoke_device(&ACTOR, mailbox, id).await.unwrap();
    assert_eq!(
        code(&try_login(&edge, NAME, &password, Protocol::Imap).await),
        Code::MailEnded
    );
    assert!(edge.mail.recheck(&grant).await.is_err());
}

#[tokio::test]
async fn uses_and_failures_are_gathered_and_shown() {
    let world = World::new().await;
    world.signed_in("alice").await;
    let (password, _) = device(&world, Protocols::ALL).await;
    let edge = edge(&world);
    for _ in 0..5 {
        try_login(&edge, NAME, &password, Protocol::Imap).await;
        try_login(&edge, NAME, &secret("wrong"), Protocol::Imap).await;
    }
    edge.coalescer.flush(SystemClock.now());
    let heard: Vec<_> = edge.heard.0.lock().drain(..).collect();
    assert_eq!(
        heard.len(),
        2,
        "one use and one bucket of failures: {heard:?}"
    );
    world.app.store_learned(heard).await.unwrap();
    let alice = address("alice@example.org");
    let view = world.app.mailbox(&alice).await.unwrap();
    assert_eq!(
        view.devices[0].last_used.as_ref().unwrap().protocol,
        Protocol::Imap
    );
    let why = world.app.explain("alice@example.org").await.unwrap();
    assert_eq!(why.attempts[0].count, 5);
}

#[tokio::test]
async fn a_disabled_mailbox_a_switched_off_protocol_and_plain_text_are_refused() {
    let world = World::new().await;
    world.signed_in("alice").await;
    let (password, _) = device(&world, Protocols::ALL).await;
    let edge = edge(&world);
    let alice = address("alice@example.org");
    let login = Login {
        protocol: Protocol::Imap,
        name: NAME,
        secret: &password,
        ip: None,
        secured: false,
    };
    assert_eq!(code(&edge.mail.login(login).await), Code::MailEncryption);
    let no_imap = MailboxEdit {
        protocols: Some(Protocols::ALL.with(Protocol::Imap, false)),
        ..MailboxEdit::default()
    };
    world
        .app
        .edit_mailbox(&ACTOR, &alice, no_imap, None)
        .await
        .unwrap();
    assert_eq!(
        code(&try_login(&edge, NAME, &password, Protocol::Imap).await),
        Code::MailProtocol
    );
    world.app.disable_mailbox(&ACTOR, &alice, "").await.unwrap();
    assert_eq!(
        code(&try_login(&edge, NAME, &password, Protocol::Smtp).await),
        Code::MailInactive
    );
    assert!(
        edge.mail.receives(&alice).await.unwrap(),
        "it still receives mail"
    );
    let user = edge.mail.user(&alice).await.unwrap().unwrap();
    assert!(!user.active);
}

#[tokio::test]
async fn a_local_password_opens_mail_while_it_may_and_keeps_its_grace() {
    let world = World::new().await;
    let alice = address("alice@example.org");
    world
        .mailbox("alice", NewSignIn::Local(secret(PASSWORD)))
        .await;
    let edge = edge(&world);
    let login = |protocol| {
        let edge = &edge;
        async move { try_login(edge, NAME, &secret(PASSWORD), protocol).await }
    };
    assert!(matches!(login(Protocol::Imap).await, LoginAnswer::Ok(_)));
    let switch = |until| MethodSwitch::Provider {
        provider: SLUG.to_owned(),
        expected_subject: None,
        keep_password_until: until,
    };
    let grace = SystemClock.now().plus(DAY);
    world
        .app
        .switch_method(&ACTOR, &alice, switch(Some(grace)))
        .await
        .unwrap();
    assert!(matches!(login(Protocol::Imap).await, LoginAnswer::Ok(_)));
    world
        .app
        .switch_method(&ACTOR, &alice, switch(None))
        .await
        .unwrap();
    assert_eq!(code(&login(Protocol::Imap).await), Code::MailWrong);
    world
        .app
        .switch_method(&ACTOR, &alice, MethodSwitch::Local)
        .await
        .unwrap();
    let LoginAnswer::Ok(grant) = login(Protocol::Imap).await else {
        panic!("the password is right");
    };
    assert!(edge.mail.recheck(&grant).await.is_ok());
    world
        .app
        .set_mailbox_password(&ACTOR, &alice, secret("another long password"))
        .await
        .unwrap();
    assert_eq!(
        code(&login(Protocol::Imap).await),
        Code::MailWrong,
        "no remembered verdict"
    );
    assert!(
        edge.mail.recheck(&grant).await.is_err(),
        "what the old password opened does not stand"
    );
}

#[tokio::test]
async fn guesses_are_slowed_and_stopped_while_a_right_app_password_passes() {
    let world = World::new().await;
    world
        .mailbox("alice", NewSignIn::Local(secret(PASSWORD)))
        .await;
    let (password, _) = device(&world, Protocols::ALL).await;
    let edge = edge(&world);
    for _ in 0..10 {
        let answer = try_login(&edge, NAME, &secret("wrong password"), Protocol::Imap).await;
        assert_eq!(code(&answer), Code::MailWrong);
    }
    let throttled = try_login(&edge, NAME, &secret(PASSWORD), Protocol::Smtp).await;
    assert_eq!(code(&throttled), Code::MailThrottled);
    assert!(matches!(
        try_login(&edge, NAME, &password, Protocol::Imap).await,
        LoginAnswer::Ok(_)
    ));
}

/// Whatever was found out about a wrong name or secret, and whatever that took: the same words, at
/// the same moment.
#[tokio::test]
async fn nothing_tells_what_is_wrong_with_a_name_or_secret() {
    let world = World::new().await;
    // Signs in by the provider, so that no password opens mail and none is hashed.
    world.signed_in("alice").await;
    for name in ["erin", "frank", "gina"] {
        let password = NewSignIn::Local(secret(PASSWORD));
        world.mailbox(name, password).await;
    }
    let (of_alice, _) = device(&world, Protocols::ALL).await;
    let made_up = model::app_password::generate(&OsRandom);
    let mistyped = secret(&made_up.expose_secret().replace(['2', '3', '4', '5'], "6"));
    let guess = secret("wrong password");
    // It stands still: what is left of the delay is all of it, however long the judging took.
    let edge = edge_by(&world, Arc::new(FixedClock::at(SystemClock.now())));
    let mut heard = Vec::new();
    for (n, (name, tried)) in [
        ("alice@example.org", &guess),
        ("erin@example.org", &guess),
        ("nobody@example.org", &guess),
        ("nobody@nowhere.example", &guess),
        ("nobody", &guess),
        ("frank@example.org", &made_up),
        ("made-up@example.org", &made_up),
        ("made-up", &made_up),
        ("gina@example.org", &of_alice),
        ("another@example.org", &of_alice),
        ("mistyped@example.org", &mistyped),
    ]
    .into_iter()
    .enumerate()
    {
        let login = Login {
            protocol: Protocol::Imap,
            name,
            secret: tried,
            ip: Some([198, 51, 100, u8::try_from(n).unwrap()].into()),
            secured: true,
        };
        let LoginAnswer::Refused(turned) = edge.mail.login(login).await else {
            panic!("{name}: not refused")
        };
        assert_eq!(turned.refusal.code, Code::MailWrong, "{name}");
        heard.push((turned.refusal.person(), turned.delay, name));
    }
    let first = (heard[0].0.clone(), Duration::from_millis(500));
    for (words, delay, name) in heard {
        assert_eq!((words, delay), first, "{name}");
    }
}

#[tokio::test]
async fn role_addresses_are_delivered_somewhere() {
    let world = World::new().await;
    let edge = edge(&world);
    let postmaster = address("postmaster@example.org");
    assert_eq!(
        edge.mail.alias(&postmaster).await.unwrap(),
        [address("root@example.net")]
    );
    assert!(
        edge.mail
            .alias(&address("webmaster@example.org"))
            .await
            .unwrap()
            .is_empty()
    );
    // The server's own name, whose domain is served here, and only its postmaster.
    let own = |local: &str| address(&format!("{local}@mail.example.org"));
    assert_eq!(
        edge.mail.alias(&own("postmaster")).await.unwrap(),
        [address("root@example.net")]
    );
    assert!(edge.mail.alias(&own("abuse")).await.unwrap().is_empty());
    let other = address("postmaster@mx.example.org");
    assert!(edge.mail.alias(&other).await.unwrap().is_empty());
    world.mailbox("postmaster", NewSignIn::None).await;
    assert!(edge.mail.alias(&postmaster).await.unwrap().is_empty());
    assert!(edge.mail.receives(&postmaster).await.unwrap());
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_never_a_wrong_password() {
    let world = World::new().await;
    let mut edge = edge(&world);
    edge.mail = MailApp::new(MailParts {
        store: Store::open_read_only(&world.dir.join("missing.db")),
        app_password_key: world.master.auth_keys().unwrap().app_password,
        desk: world.desk.clone(),
        coalescer: edge.coalescer.clone(),
        clock: Arc::new(SystemClock),
        random: Arc::new(OsRandom),
        config: MailConfig {
            devices_url: String::new(),
            mail_root: "/mail".to_owned(),
            uid: 1,
            gid: 1,
            hostname: None,
        },
    });
    let password = model::app_password::generate(&OsRandom);
    assert!(!password.expose_secret().is_empty());
    let answer = try_login(&edge, NAME, &password, Protocol::Imap).await;
    assert_eq!(answer, LoginAnswer::Unavailable);
}

#[tokio::test]
async fn an_extension_leads_to_the_mailbox_or_alias_without_it() {
    let world = World::new().await;
    world.mailbox("alice", NewSignIn::None).await;
    let alias = app::aliases::AliasForm {
        address: address("sales@example.org"),
        targets: vec![address("alice@example.org")],
        active: true,
    };
    world.app.create_alias(&ACTOR, alias).await.unwrap();
    let edge = edge(&world);
    let alice = address("alice@example.org");
    assert!(
        edge.mail
            .receives(&address("alice+shop@example.org"))
            .await
            .unwrap()
    );
    assert!(
        !edge
            .mail
            .receives(&address("bob+shop@example.org"))
            .await
            .unwrap()
    );
    assert_eq!(
        edge.mail
            .alias(&address("sales+x@example.org"))
            .await
            .unwrap(),
        std::slice::from_ref(&alice)
    );
    for sender in [
        "alice+shop@example.org",
        "sales@example.org",
        "sales+x@example.org",
    ] {
        assert_eq!(
            edge.mail.senders(&address(sender)).await.unwrap(),
            std::slice::from_ref(&alice),
            "{sender}"
        );
    }
    assert!(
        edge.mail
            .senders(&address("bob@example.org"))
            .await
            .unwrap()
            .is_empty()
    );
}

/// The addresses whose live sessions are about to be ended.
async fn kicks(world: &World) -> Vec<serde_json::Value> {
    let store = Store::open_read_only(&world.dir.join("store.db"));
    let mut read = store.read().unwrap();
    let due =
        store::outbox::due::<serde_json::Value>(&mut read, Lane::Engines, SystemClock.now(), 100)
            .await;
    let due = due.unwrap().into_iter();
    due.map(|row| row.effect["address"].clone()).collect()
}

#[tokio::test]
async fn a_date_that_passes_ends_live_sessions_once() {
    let world = World::new().await;
    world.signed_in("alice").await;
    let grace = NewSignIn::Local(secret(PASSWORD));
    world.mailbox("bob", grace).await;
    let mailbox = async |name| world.app.mailbox(&address(name)).await.unwrap().mailbox;
    let alice = mailbox("alice@example.org").await;
    let soon = SystemClock.now().plus(Duration::from_millis(200));
    for ends in [Some(soon), Some(soon.plus(DAY)), None] {
        let new = NewDevice {
            name: "phone".to_owned(),
            protocols: Protocols::ALL,
            ends,
        };
        let made = world.app.create_device(&ACTOR, alice.id, new).await;
        made.unwrap();
    }
    let switch = MethodSwitch::Provider {
        provider: SLUG.to_owned(),
        expected_subject: None,
        keep_password_until: Some(soon),
    };
    let bob = address("bob@example.org");
    world.app.switch_method(&ACTOR, &bob, switch).await.unwrap();
    world.app.sweep().await.unwrap();
    if SystemClock.now() < soon {
        assert!(kicks(&world).await.is_empty(), "nothing has ended yet");
    }
    let both = ["alice@example.org", "bob@example.org"];
    testkit::poll::until("the ends", Duration::from_secs(10), async || {
        world.app.sweep().await.unwrap();
        (kicks(&world).await == both).then_some(())
    })
    .await
    .unwrap();
    world.app.sweep().await.unwrap();
    assert_eq!(kicks(&world).await, both, "once");
}
