//! What changes after the page has judged a yes, and before the yes is stored.

use super::{ERIN, Tv, add, seconds, television, waits};
use crate::world::World;
use app::Client;
use app::oauth::devices::{Connect, ConnectVisit};
use app::sessions::Current;
use model::grant::Grant;
use model::ids::OauthAppId;
use model::mailbox::Mailbox;
use model::oauth_app::{AppAccess, AppSettings};
use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::mpsc;
use std::task::Poll;
use store::{Conn, StoreError};

/// Something that an administrator changes.
type Change = Box<dyn FnOnce(&mut AppSettings)>;

/// Erin on the page of a television's code.
struct Late {
    world: World,
    app: OauthAppId,
    tv: Tv,
    current: Current,
    erin: Mailbox,
}

impl Late {
    async fn new() -> Self {
        let world = World::new().await;
        let app = add(&world, "tv", television()).await;
        let tv = waits(&world).await;
        let (_, current) = world.session_of(ERIN).await;
        let erin = world.app.mailbox(&ERIN.parse().unwrap()).await.unwrap();
        Self {
            world,
            app,
            tv,
            current,
            erin: erin.mailbox,
        }
    }

    async fn says_yes(&self) -> Connect {
        let visit = ConnectVisit {
            typed: &self.tv.user_code,
            current: Some(&self.current),
            client: &Client::default(),
            answer: Some(true),
        };
        self.world.app.connect(&visit).await.unwrap()
    }

    /// Says yes while another program holds the store's lock. What that one writes is there when the
    /// yes comes to its transaction, and was not there when the page was judged.
    async fn says_yes_before<F>(&self, change: F) -> Connect
    where
        F: AsyncFn(&mut Conn) -> Result<(), StoreError> + Send + 'static,
    {
        let (holds, mut held) = tokio::sync::mpsc::unbounded_channel();
        let (go, wait) = mpsc::channel();
        let store = self.world.store();
        let changed = tokio::spawn(async move {
            let job = async move |tx: &mut Conn| {
                holds.send(()).unwrap();
                wait.recv().unwrap();
                change(tx).await
            };
            store.write(job).await
        });
        held.recv().await.unwrap();
        let mut yes = pin!(self.says_yes());
        let waits = std::future::poll_fn(|context| {
            let polled = yes.as_mut().poll(context);
            Poll::Ready(polled.is_pending())
        });
        assert!(waits.await, "judged, and waits for the store");
        go.send(()).unwrap();
        changed.await.unwrap().unwrap();
        yes.await
    }

    async fn grants(&self) -> Vec<Grant> {
        self.world.grants(ERIN, self.app).await
    }

    async fn settings(&self) -> AppSettings {
        self.world.app.oauth_app(self.app).await.unwrap().settings
    }

    /// That nothing came of a yes.
    async fn left_nothing(&self, what: &str, answer: Connect) {
        let anew = matches!(&answer, Connect::SignIn(first) if first.why.is_none());
        assert!(anew, "{what}: {answer:?}");
        assert_eq!(self.grants().await, [], "{what}");
        let connected = self.world.app.connected(self.erin.id).await.unwrap();
        assert!(connected.is_empty(), "{what}");
        let page = app::domains::Page::default();
        let filter = app::attempts::AttemptFilter {
            app: Some(self.app),
            ..Default::default()
        };
        let recorded = self.world.app.attempts(filter, page).await.unwrap();
        assert!(recorded.rows.is_empty(), "{what}: {:?}", recorded.rows);
    }
}

#[tokio::test]
async fn a_yes_counts_when_nothing_changed_meanwhile() {
    let late = Late::new().await;
    let answer = late.says_yes_before(async |_: &mut Conn| Ok(())).await;
    assert!(
        matches!(&answer, Connect::Done(done) if done.allowed),
        "{answer:?}"
    );
    assert_eq!(late.grants().await.len(), 1);
    assert_eq!(super::poll(&late.world, &late.tv).await, "tokens");
}

#[tokio::test]
async fn an_app_that_changed_after_the_page_was_judged_gets_nothing() {
    let board = AppAccess::Only {
        domains: BTreeSet::new(),
        tags: BTreeSet::from(["board".to_owned()]),
    };
    let changes: [(&str, Change); 3] = [
        ("switched off", Box::new(|tv| tv.active = false)),
        ("for others", Box::new(|tv| tv.access = board)),
        ("not for devices", Box::new(|tv| tv.devices = false)),
    ];
    for (what, change) in changes {
        let late = Late::new().await;
        let (id, now, before) = (late.app, late.world.app.now(), late.settings().await);
        let mut settings = before.clone();
        change(&mut settings);
        let answer = late
            .says_yes_before(async move |tx: &mut Conn| {
                store::oauth_apps::update(tx, id, &settings, None, now)
                    .await
                    .map(drop)
            })
            .await;
        late.left_nothing(what, answer).await;
        // Where it was a mistake, the code is as good as before.
        super::change(&late.world, late.app, |tv| *tv = before).await;
        let answer = late.says_yes().await;
        assert!(matches!(answer, Connect::Done(_)), "{what}: {answer:?}");
    }
}

#[tokio::test]
async fn a_person_who_left_after_the_page_was_judged_connects_nothing() {
    let late = Late::new().await;
    let (mut off, then) = (late.erin.clone(), late.world.app.now().plus(seconds(1)));
    off.active = false;
    let answer = late
        .says_yes_before(async move |tx: &mut Conn| {
            store::mailboxes::update(tx, &off, None, then)
                .await
                .map(drop)
        })
        .await;
    late.left_nothing("mailbox", answer).await;

    let late = Late::new().await;
    let (id, then) = (late.erin.domain, late.world.app.now().plus(seconds(1)));
    let answer = late
        .says_yes_before(async move |tx: &mut Conn| {
            let mut domain = store::domains::by_id(tx, id).await?.unwrap();
            domain.active = false;
            store::domains::update(tx, &domain, None, then)
                .await
                .map(drop)
        })
        .await;
    late.left_nothing("domain", answer).await;

    let late = Late::new().await;
    let person = late.current.session.principal;
    let answer = late
        .says_yes_before(async move |tx: &mut Conn| {
            store::sessions::delete_all(tx, person).await.map(drop)
        })
        .await;
    late.left_nothing("session", answer).await;
    assert_eq!(
        super::poll(&late.world, &late.tv).await,
        "authorization_pending"
    );
}
