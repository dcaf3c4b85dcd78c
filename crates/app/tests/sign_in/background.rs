//! Asking the provider in the background whether people are still there. Tests named
//! `oidcc_client_test_…` stand for the modules of the refresh-token plan.

use crate::world::{ACTOR, SLUG, World, address, company};
use app::Problem;
use app::confirmation::Checked;
use app::provider_logout::ProviderLogout;
use app::sign_in::SignedIn;
use lab::logout::Leaving;
use lab::misbehave::Misbehaviour;
use lab::{Endpoint, Options};
use model::link::Link;
use model::provider::TlsTrust;
use model::time::{Clock, Timestamp};
use secrecy::ExposeSecret as _;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use testkit::clock::FixedClock;

const HOUR: Duration = Duration::from_secs(3600);

/// One clock for the provider and for us.
struct Hands(Arc<FixedClock>);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// A provider that gives refresh tokens, and an installation that uses them.
pub struct Shift {
    pub world: World,
    pub clock: Arc<FixedClock>,
}

/// A provider that gives refresh tokens, on our clock.
pub fn offline(clock: &Arc<FixedClock>) -> Options {
    let mut options = Options {
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        ..Options::default()
    };
    options.scopes.push("offline_access".to_owned());
    options
}

impl Shift {
    pub async fn new() -> Self {
        let clock = Arc::new(FixedClock::at(model::time::SystemClock.now()));
        let mut world = World::with(offline(&clock)).await;
        world.app = world.app_by(Hands(Arc::clone(&clock)));
        world
            .provider(|settings| settings.leavers.background_checks = true)
            .await;
        Self { world, clock }
    }

    /// Some hours later: what asking brought, in the order of the names.
    pub async fn asked(&self) -> Vec<Checked> {
        self.clock.advance(HOUR * 5);
        self.asked_now().await
    }

    pub async fn asked_now(&self) -> Vec<Checked> {
        let mut checked = self.world.app.check_people().await.unwrap();
        checked.sort_by_key(|(address, _)| address.to_string());
        checked.into_iter().map(|(_, checked)| checked).collect()
    }

    /// The domain holds as many mailboxes as come.
    pub async fn no_limits(&self) {
        let change = |form: &mut app::domains::DomainForm| {
            form.limits.max_mailboxes = 0;
            form.limits.domain_quota = 0;
        };
        self.world.domain(change).await;
    }

    /// Another worker takes over.
    pub fn restart(&mut self) {
        self.world.app = self.world.app_by(Hands(Arc::clone(&self.clock)));
    }

    /// Makes it everybody's turn.
    pub async fn hurry(&self) {
        let store = Store::open(&self.world.dir.join("store.db")).unwrap();
        let id = self.world.app.provider(SLUG).await.unwrap().id;
        let (ever, now) = (Timestamp(i64::MAX), self.clock.now());
        let due = store::refresh_tokens::due(&mut store.read().unwrap(), id, ever, 100).await;
        let due = due.unwrap();
        store
            .write(async move |tx: &mut store::Conn| {
                for row in &due {
                    let settled = row.asked.is_none();
                    store::refresh_tokens::postpone(tx, row.link, &row.sealed, now, settled)
                        .await?;
                }
                Ok::<_, store::StoreError>(())
            })
            .await
            .unwrap();
    }

    async fn link(&self, local: &str) -> Link {
        let address = address(&format!("{local}@example.org"));
        let mut view = self.world.app.mailbox(&address).await.unwrap();
        assert!(
            view.mailbox.active,
            "no mailbox is switched off by all this"
        );
        view.links.remove(0).0
    }

    async fn is_in(&self, signed_in: &SignedIn) -> bool {
        let token = signed_in.token.expose_secret();
        self.world.app.session(token).await.unwrap().is_some()
    }

    /// How many tokens are kept.
    async fn kept(&self) -> usize {
        let store = Store::open_read_only(&self.world.dir.join("store.db"));
        let id = self.world.app.provider(SLUG).await.unwrap().id;
        let mut read = store.read().unwrap();
        let ever = Timestamp(i64::MAX);
        let due = store::refresh_tokens::due(&mut read, id, ever, 100).await;
        due.unwrap().len()
    }
}

fn is_unknown(checked: &[Checked]) -> bool {
    matches!(checked, [Checked::Unknown(_)])
}

fn is_forgotten(checked: &[Checked]) -> bool {
    matches!(checked, [Checked::Forgotten(_)])
}

/// `oidcc-client-test-refresh-token`
#[tokio::test]
async fn oidcc_client_test_refresh_token() {
    let shift = Shift::new().await;
    let departure = shift.world.depart().await.unwrap();
    assert!(departure.contains("offline_access"), "{departure}");
    assert!(departure.contains("prompt=consent"), "{departure}");
    let signed_in = shift.world.signed_in("alice").await;
    let first = shift.link("alice").await;
    assert_eq!(first.confirmed, Some(shift.clock.now()));
    assert_eq!(shift.asked_now().await, [], "nobody's turn yet");
    let lab = &shift.world.lab;
    for turn in 1..=3 {
        let (tokens, userinfo) = (lab.hits(Endpoint::Token), lab.hits(Endpoint::Userinfo));
        assert_eq!(shift.asked().await, [Checked::Confirmed], "turn {turn}");
        assert_eq!(lab.hits(Endpoint::Token), tokens + 1);
        // The new access token was used.
        assert_eq!(lab.hits(Endpoint::Userinfo), userinfo + 1);
        assert_eq!(shift.asked_now().await, [], "asked once");
        assert_eq!(shift.link("alice").await.confirmed, Some(shift.clock.now()));
    }
    // Only time ended the session.
    shift.clock.turn_back(HOUR * 15);
    assert!(shift.is_in(&signed_in).await);
}

/// `oidcc-client-test-refresh-token-invalid-issuer`
#[tokio::test]
async fn oidcc_client_test_refresh_token_invalid_issuer() {
    let shift = Shift::new().await;
    shift.world.signed_in("alice").await;
    let before = shift.link("alice").await;
    company(&shift.world).misbehave(Misbehaviour::IssuerOther);
    let checked = shift.asked().await;
    assert!(is_forgotten(&checked), "{checked:?}");
    assert_eq!(
        shift.link("alice").await,
        before,
        "it says nothing about her"
    );
    assert_eq!(shift.kept().await, 0);
}

/// `oidcc-client-test-refresh-token-invalid-sub`
#[tokio::test]
async fn oidcc_client_test_refresh_token_invalid_sub() {
    let shift = Shift::new().await;
    shift.world.signed_in("alice").await;
    let before = shift.link("alice").await;
    let other = |person: &mut lab::Person| person.subject = "somebody-else".to_owned();
    company(&shift.world).change("alice", other).unwrap();
    let checked = shift.asked().await;
    assert!(is_forgotten(&checked), "{checked:?}");
    assert_eq!(shift.link("alice").await, before);

    // The same where only userinfo is of somebody else.
    let shift = Shift::new().await;
    shift.world.signed_in("alice").await;
    company(&shift.world).misbehave(Misbehaviour::UserinfoSubjectOther);
    let checked = shift.asked().await;
    assert!(is_forgotten(&checked), "{checked:?}");
}

#[tokio::test]
async fn who_is_gone_there_is_signed_out_and_unconfirmed_until_the_next_sign_in() {
    let shift = Shift::new().await;
    let (alice, bob) = (
        shift.world.signed_in("alice").await,
        shift.world.signed_in("bob").await,
    );
    let before = shift.link("alice").await;
    company(&shift.world).disable("alice").unwrap();
    shift.clock.advance(HOUR * 9 / 2);
    assert_eq!(shift.asked_now().await, [Checked::Gone, Checked::Confirmed]);
    let left = shift.link("alice").await;
    assert_eq!(left.unconfirmed, Some(shift.clock.now()));
    assert_eq!(left.confirmed, before.confirmed, "it is known since when");
    // An hour at which neither session had ended for want of use.
    shift.clock.turn_back(HOUR * 5 / 2);
    assert!(!shift.is_in(&alice).await);
    assert!(shift.is_in(&bob).await);
    shift.clock.advance(HOUR * 5 / 2);
    assert_eq!(
        shift.asked().await,
        [Checked::Confirmed],
        "only Bob is asked about"
    );

    company(&shift.world).enable("alice").unwrap();
    shift.world.signed_in("alice").await;
    let back = shift.link("alice").await;
    assert_eq!(
        (back.unconfirmed, back.confirmed),
        (None, Some(shift.clock.now()))
    );
}

#[tokio::test]
async fn a_provider_that_is_out_of_order_says_nothing_about_anybody() {
    let shift = Shift::new().await;
    let alice = shift.world.signed_in("alice").await;
    let before = shift.link("alice").await;
    for how in [
        Misbehaviour::TokenFault,
        Misbehaviour::TokenHtml,
        Misbehaviour::TokenHuge,
        Misbehaviour::ClientRefused,
        Misbehaviour::ClientRefusedOddly,
        Misbehaviour::TokenRedirectLoop,
    ] {
        company(&shift.world).misbehave(how);
        shift.clock.advance(HOUR * 5);
        // Long after a pause that follows failures of the connection.
        let checked = shift.asked_now().await;
        assert!(is_unknown(&checked), "{}: {checked:?}", how.name());
        assert_eq!(shift.link("alice").await, before, "{}", how.name());
    }
    company(&shift.world).behave();
    assert_eq!(shift.asked().await, [Checked::Confirmed]);
    let before = shift.link("alice").await;

    // Here the token was used up, and the answer that brought another could not be read.
    company(&shift.world).misbehave(Misbehaviour::AccessTokenMissing);
    let checked = shift.asked().await;
    assert!(is_unknown(&checked), "{checked:?}");
    company(&shift.world).behave();
    let checked = shift.asked().await;
    assert!(is_forgotten(&checked), "{checked:?}");
    assert_eq!(shift.link("alice").await, before);
    shift.clock.set(before.created);
    assert!(shift.is_in(&alice).await);
}

#[tokio::test]
async fn a_token_whose_answer_was_lost_accuses_nobody() {
    let shift = Shift::new().await;
    shift.world.signed_in("alice").await;
    let before = shift.link("alice").await;
    shift.clock.advance(HOUR * 5);
    // As a crash between question and answer leaves it.
    let store = Store::open(&shift.world.dir.join("store.db")).unwrap();
    let id = shift.world.app.provider(SLUG).await.unwrap().id;
    let now = shift.clock.now();
    let due = store::refresh_tokens::due(&mut store.read().unwrap(), id, now, 9).await;
    let row = due.unwrap().remove(0);
    let marked = store
        .write(async move |tx: &mut store::Conn| {
            store::refresh_tokens::ask(tx, row.link, &row.sealed, row.asked, now).await
        })
        .await;
    assert_eq!(marked, Ok(true));
    company(&shift.world).disable("alice").unwrap();
    let checked = shift.asked_now().await;
    assert!(is_forgotten(&checked), "{checked:?}");
    assert_eq!(shift.link("alice").await, before);
}

#[tokio::test]
async fn too_many_at_once_stop_it_until_an_administrator_resumes_it() {
    let shift = Shift::new().await;
    let mut sessions = Vec::new();
    let logins = ["alice", "bob", "carol", "dave"];
    for login in logins {
        company(&shift.world)
            .set_claim(login, "mailcow_template", "staff")
            .unwrap();
        sessions.push(shift.world.signed_in(login).await);
    }
    company(&shift.world).misbehave(Misbehaviour::GrantRefused);
    let checked = shift.asked().await;
    let count = |wanted: &Checked| checked.iter().filter(|c| *c == wanted).count();
    assert_eq!(count(&Checked::Gone), 2, "{checked:?}");
    assert_eq!(count(&Checked::Stopped), 1, "{checked:?}");
    assert_eq!(count(&Checked::Overtaken), 1, "{checked:?}");
    let provider = shift.world.app.provider(SLUG).await.unwrap();
    assert_eq!(provider.checks_stopped, Some(shift.clock.now()));
    assert_eq!(shift.asked().await, [], "nobody is asked about");

    // It was the provider's fault. Those whom it touched sign in again; the others noticed nothing.
    company(&shift.world).behave();
    let app = &shift.world.app;
    let resumed = app.resume_checks(&ACTOR, SLUG).await.unwrap();
    assert_eq!(resumed.checks_stopped, None);
    assert_eq!(
        shift.asked_now().await,
        [Checked::Confirmed, Checked::Confirmed]
    );
    let again = app.resume_checks(&ACTOR, SLUG).await;
    assert!(matches!(again, Err(Problem::Invalid(_))), "{again:?}");
}

#[tokio::test]
async fn nothing_is_kept_unless_it_is_wanted_and_safe() {
    let shift = Shift::new().await;
    shift
        .world
        .provider(|settings| settings.leavers.background_checks = false)
        .await;
    let departure = shift.world.depart().await.unwrap();
    assert!(!departure.contains("offline_access"), "{departure}");
    shift.world.signed_in("alice").await;
    assert_eq!(shift.kept().await, 0, "off by default");

    let ignore = TlsTrust::Ignore { until: None };
    shift
        .world
        .provider(|settings| {
            settings.leavers.background_checks = true;
            settings.tls = ignore;
        })
        .await;
    shift.world.signed_in("alice").await;
    assert_eq!(shift.kept().await, 0, "while TLS errors are ignored");

    shift
        .world
        .provider(|settings| settings.tls = TlsTrust::Public)
        .await;
    shift.world.signed_in("alice").await;
    assert_eq!(shift.kept().await, 1);
    // The token itself is nowhere on the disk.
    for entry in std::fs::read_dir(shift.world.dir.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap_or_default();
        let plain = bytes.windows(11).any(|part| part == b"company_rt_");
        assert!(!plain, "a refresh token in the clear");
    }
    shift
        .world
        .provider(|settings| settings.leavers.background_checks = false)
        .await;
    assert_eq!(shift.kept().await, 0, "forgotten when it is turned off");
    shift
        .world
        .provider(|settings| settings.leavers.background_checks = true)
        .await;
    assert_eq!(shift.asked_now().await, [], "nobody before they come again");
    shift.world.signed_in("alice").await;
    assert_eq!(shift.kept().await, 1);
}

#[tokio::test]
async fn a_provider_that_is_switched_off_or_has_moved_is_not_asked() {
    let shift = Shift::new().await;
    shift.world.signed_in("alice").await;
    shift
        .world
        .provider(|settings| settings.active = false)
        .await;
    let hits = shift.world.lab.hits(Endpoint::Token);
    assert_eq!(shift.asked().await, []);
    shift
        .world
        .provider(|settings| settings.active = true)
        .await;
    shift
        .world
        .provider(|settings| settings.client_id = "another".to_owned())
        .await;
    let checked = shift.asked().await;
    assert!(is_forgotten(&checked), "{checked:?}");
    assert_eq!(shift.world.lab.hits(Endpoint::Token), hits);
}

#[tokio::test]
async fn a_logout_there_has_the_person_asked_about_at_once() {
    let shift = Shift::new().await;
    shift.world.signed_in("alice").await;
    let subject = company(&shift.world).person("alice").unwrap().subject;
    let leaving = Leaving {
        client: "mail",
        subject: Some(&subject),
        sid: None,
    };
    let token = shift.world.lab.logout_token(leaving).unwrap();
    let answer = shift.world.app.provider_logout(SLUG, &token).await;
    assert_eq!(answer, Ok(ProviderLogout::Ended { sessions: 1 }));
    assert_eq!(shift.asked_now().await, [Checked::Confirmed]);
}
