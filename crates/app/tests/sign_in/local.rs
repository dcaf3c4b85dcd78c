//! Local sign-in, set-up and sessions.

use crate::world::{ACTOR, PASSWORD, World, address, secret};
use app::admins::NewAdmin;
use app::mailboxes::NewSignIn;
use app::setup::SetupState;
use app::sign_in::Ended;
use app::{Client, Problem};
use model::attempt::StepState;
use model::outcome::Code;
use model::time::Timestamp;
use secrecy::ExposeSecret as _;
use std::net::IpAddr;

fn root() -> NewAdmin {
    NewAdmin {
        name: "root".into(),
        email: "root@example.net".into(),
        password: secret(PASSWORD),
    }
}

fn from(last: u8) -> Client {
    Client {
        ip: Some(IpAddr::from([192, 0, 2, last])),
        user_agent: "test".to_owned(),
    }
}

fn token(link: &secrecy::SecretString) -> String {
    link.expose_secret().split_once('#').unwrap().1.to_owned()
}

#[tokio::test]
async fn the_setup_link_makes_the_first_administrator_once() {
    let world = World::new().await;
    assert_eq!(world.app.setup_state().await.unwrap(), SetupState::Needed);
    let old = token(&world.app.issue_setup_link().await.unwrap());
    let link = token(&world.app.issue_setup_link().await.unwrap());
    let client = from(1);
    assert!(
        world
            .app
            .redeem_setup_link(&old, root(), &client)
            .await
            .is_err(),
        "replaced"
    );
    assert!(
        world
            .app
            .redeem_setup_link("guess", root(), &client)
            .await
            .is_err()
    );
    let short = NewAdmin {
        password: secret("short"),
        ..root()
    };
    let problem = world
        .app
        .redeem_setup_link(&link, short, &client)
        .await
        .unwrap_err();
    assert!(
        matches!(problem, Problem::Invalid(_)),
        "a bad form does not use the link up"
    );
    let signed_in = world
        .app
        .redeem_setup_link(&link, root(), &client)
        .await
        .unwrap();
    assert!(
        world
            .app
            .session(signed_in.token.expose_secret())
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(world.app.setup_state().await.unwrap(), SetupState::Done);
    assert!(
        world
            .app
            .redeem_setup_link(&link, root(), &client)
            .await
            .is_err()
    );
    assert!(matches!(
        world.app.issue_setup_link().await,
        Err(Problem::InUse(_))
    ));
    let problem = world.app.delete_admin(&ACTOR, "root").await.unwrap_err();
    assert!(
        matches!(problem, Problem::InUse(_)),
        "the last administrator stays"
    );
}

#[tokio::test]
async fn guessing_the_setup_link_is_throttled() {
    let world = World::new().await;
    for _ in 0..20 {
        let short = NewAdmin {
            password: secret("short"),
            ..root()
        };
        let problem = world.app.redeem_setup_link("guess", short, &from(1)).await;
        assert!(
            matches!(problem, Err(Problem::Invalid(_))),
            "a bad form is no guess"
        );
    }
    let mut last = None;
    for n in 0..11 {
        last = world
            .app
            .redeem_setup_link(&format!("guess-{n}"), root(), &from(1))
            .await
            .err();
    }
    assert!(matches!(last, Some(Problem::Throttled { .. })), "{last:?}");
}

#[tokio::test]
async fn one_text_for_every_wrong_name_or_password() {
    let world = World::new().await;
    world
        .mailbox("alice", NewSignIn::Local(secret(PASSWORD)))
        .await;
    world.app.create_admin(&ACTOR, root()).await.unwrap();
    let mut texts = Vec::new();
    for (name, password) in [
        ("alice@example.org", "wrong password"),
        ("nobody@example.org", "wrong password"),
        ("not an @ address", "wrong password"),
        ("root", "wrong password"),
        ("nobody", "wrong password"),
    ] {
        let ended = world
            .app
            .sign_in_local(name, secret(password), &from(1))
            .await;
        let Ended::Refused(refused) = ended else {
            panic!("{name} is in")
        };
        assert_eq!(world.recorded(&refused).await, Code::WrongPassword);
        texts.push(refused.refusal.person());
    }
    assert!(texts.windows(2).all(|pair| pair[0] == pair[1]), "{texts:?}");
    assert!(matches!(
        world
            .app
            .sign_in_local("ROOT", secret(PASSWORD), &from(1))
            .await,
        Ended::SignedIn(_)
    ));
}

/// A salted hash is checked in microseconds and an unknown name costs an Argon2: nobody sees it.
#[tokio::test(start_paused = true)]
async fn every_wrong_answer_comes_at_the_same_time() {
    let world = World::new().await;
    let imported = "{SSHA}rJFkc93wNloAyhvxKPUo8Lx5dbyzqw3p".to_owned();
    world
        .mailbox("alice", NewSignIn::Local(secret(PASSWORD)))
        .await;
    let store = store::Store::open(&world.dir.join("store.db")).unwrap();
    store
        .write(async move |tx: &mut store::Conn| {
            let row = store::mailboxes::by_address(tx, &address("alice@example.org")).await?;
            let (id, now) = (row.unwrap().id, Timestamp::from_secs(1));
            store::mailboxes::set_password(tx, id, Some(&imported), now).await
        })
        .await
        .unwrap();
    for name in ["alice@example.org", "nobody@example.org", "nobody"] {
        let asked = tokio::time::Instant::now();
        world
            .app
            .sign_in_local(name, secret("wrong password"), &from(1))
            .await;
        let took = asked.elapsed().as_millis();
        assert!((500..520).contains(&took), "{name}: {took} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn sso_503_too_many_tries_are_not_even_looked_at() {
    let world = World::new().await;
    world
        .mailbox("alice", NewSignIn::Local(secret(PASSWORD)))
        .await;
    for _ in 0..10 {
        world
            .app
            .sign_in_local("Alice@Example.org", secret("wrong password"), &from(1))
            .await;
    }
    let right = world
        .app
        .sign_in_local("alice@example.org", secret(PASSWORD), &from(1))
        .await;
    let Ended::Refused(refused) = right else {
        panic!("over budget, yet in")
    };
    assert_eq!(world.recorded(&refused).await, Code::TooManyTries);
    let elsewhere = world
        .app
        .sign_in_local("alice@example.org", secret(PASSWORD), &from(2))
        .await;
    assert!(matches!(elsewhere, Ended::SignedIn(_)));

    // The diagnosis knows what is counted, and counts nothing itself.
    let throttle = async || {
        let why = world.app.explain("alice@example.org").await.unwrap();
        let mut gates = why.gates.into_iter();
        gates.find(|step| step.gate == "not throttled").unwrap()
    };
    for _ in 0..20 {
        throttle().await;
    }
    let gate = throttle().await;
    assert_eq!(gate.state, StepState::Warn);
    assert!(gate.evidence.contains("from 192.0.2.1 are not"), "{gate:?}");
    assert!(!gate.evidence.contains("192.0.2.2"), "{gate:?}");

    // An administrator lets them try again: of such an attempt alone, and written down.
    let filter = app::attempts::AttemptFilter::default();
    let listed = world.app.attempts(filter, Default::default()).await;
    let others = listed.unwrap().rows.into_iter();
    let mut others = others.filter(|attempt| attempt.reference != refused.reference);
    let other = others.next().unwrap().reference;
    let wrong = world.app.clear_tries(&ACTOR, &other).await;
    assert!(matches!(wrong, Err(Problem::InUse(_))), "{wrong:?}");
    let cleared = world.app.clear_tries(&ACTOR, &refused.reference).await;
    cleared.unwrap();
    let gate = throttle().await;
    assert_eq!(gate.state, StepState::Ok, "{gate:?}");
    let (events, _) = world.app.events(None, 50).await.unwrap();
    assert!(format!("{events:?}").contains("tries.clear"));
    let right = world
        .app
        .sign_in_local("alice@example.org", secret(PASSWORD), &from(1))
        .await;
    assert!(matches!(right, Ended::SignedIn(_)));
}

#[tokio::test]
async fn signing_out_and_ending_sessions_is_at_once() {
    let world = World::new().await;
    let one = world.signed_in("alice").await.token;
    let two = world.signed_in("alice").await.token;
    let current = world
        .app
        .session(one.expose_secret())
        .await
        .unwrap()
        .unwrap();
    let principal = current.session.principal;
    assert_eq!(world.app.sessions_of(principal).await.unwrap().len(), 2);
    assert_eq!(
        world
            .app
            .end_other_sessions(principal, current.session.id)
            .await
            .unwrap(),
        1
    );
    assert!(
        world
            .app
            .session(two.expose_secret())
            .await
            .unwrap()
            .is_none()
    );
    world.app.sign_out(one.expose_secret()).await.unwrap();
    assert!(
        world
            .app
            .session(one.expose_secret())
            .await
            .unwrap()
            .is_none()
    );
    assert!(world.app.session("not a token").await.unwrap().is_none());
}

#[tokio::test]
async fn a_deleted_mailbox_leaves_its_mail_to_nobody() {
    let world = World::new().await;
    world.mailbox("alice", NewSignIn::None).await;
    let alice = address("alice@example.org");
    let before = world.app.mailbox(&alice).await.unwrap().mailbox;
    world.app.delete_mailbox(&ACTOR, &alice).await.unwrap();
    assert!(world.app.mailbox(&alice).await.is_err());
    world.mailbox("alice", NewSignIn::None).await;
    let after = world.app.mailbox(&alice).await.unwrap().mailbox;
    assert_ne!(before.directory(), after.directory());
    assert!(after.id > before.id);
}
