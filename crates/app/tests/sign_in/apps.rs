//! Apps as administrators keep them: made, changed, their secrets replaced, removed.

use crate::world::{ACTOR, SLUG, World, address};
use app::Problem;
use app::domains::Page;
use app::mailboxes::NewSignIn;
use app::oauth::apps::{MOST_SECRETS, Overlap};
use model::ids::{DomainId, MailboxId, OauthAppId, ProviderId};
use model::oauth_app::{AppAccess, AppCard, AppKind, AppSettings};
use model::time::Timestamp;
use secrecy::ExposeSecret as _;
use std::collections::BTreeSet;
use store::app_grants::{self, NewGrant};
use store::{Conn, Store, StoreError, app_connections, audit};

fn settings(name: &str) -> AppSettings {
    AppSettings {
        name: name.to_owned(),
        redirects: vec!["https://cloud.example.org/callback".to_owned()],
        ..AppCard::Generic.settings()
    }
}

fn fields<T: std::fmt::Debug>(answer: Result<T, Problem>) -> Vec<String> {
    match answer.unwrap_err() {
        Problem::Invalid(fields) => fields.into_iter().map(|one| one.field).collect(),
        Problem::Exists(field) => vec![field.field],
        other => panic!("{other:?}"),
    }
}

/// Has a person sign in to an app, and allow it.
async fn connect(world: &World, app: OauthAppId, address: &str) -> MailboxId {
    let mailbox = world.app.mailbox(&crate::world::address(address)).await;
    let (id, storage) = mailbox
        .map(|view| (view.mailbox.id, view.mailbox.storage))
        .unwrap();
    let now = world.app.now();
    store(world)
        .write(async move |tx: &mut Conn| {
            app_connections::put(tx, id, app, "openid", true, now).await?;
            let grant = NewGrant {
                app,
                mailbox: id,
                session: None,
                begun_in: None,
                sid: "sid",
                storage,
                scopes: "openid",
                auth_time: now,
                claims: None,
                now,
                ends: now.plus(std::time::Duration::from_secs(60)),
            };
            app_grants::insert(tx, &grant).await?;
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    id
}

fn store(world: &World) -> Store {
    Store::open(&world.dir.join("store.db")).unwrap()
}

async fn grants(world: &World, mailbox: MailboxId, app: OauthAppId) -> usize {
    let store = store(world);
    let mut read = store.read().unwrap();
    let found = app_grants::of_person(&mut read, mailbox, app).await;
    found.unwrap().len()
}

/// Every change that was remembered, as one text.
async fn remembered(world: &World) -> String {
    let store = store(world);
    let mut read = store.read().unwrap();
    format!("{:?}", audit::latest(&mut read, 200).await.unwrap())
}

#[tokio::test]
async fn an_app_is_made_with_a_secret_that_is_kept_nowhere() {
    let world = World::new().await;
    let app = &world.app;
    let made = app.add_app(settings("Cloud"), &ACTOR).await.unwrap();
    assert_eq!(made.app.id, OauthAppId(1));
    let id = &made.app.client_id;
    assert!(id.len() == 12 && id.bytes().all(|b| b.is_ascii_hexdigit()));
    let secret = made.secret.unwrap();
    let secret = secret.expose_secret();
    assert_eq!(secret.len(), 43);
    let kept = app.app_secrets(made.app.id).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert!(secret.ends_with(&kept[0].hint) && kept[0].hint.len() == 4);
    assert!(!format!("{kept:?}").contains(secret));
    let remembered = remembered(&world).await;
    assert!(remembered.contains("app.create") && !remembered.contains(secret));

    let public = AppSettings {
        kind: AppKind::Public,
        redirects: vec!["org.example.app:/callback".to_owned()],
        ..settings("Phone")
    };
    let made = app.add_app(public, &ACTOR).await.unwrap();
    assert!(made.secret.is_none());
    assert!(app.app_secrets(made.app.id).await.unwrap().is_empty());
    let no_secret = app.rotate_app_secret(made.app.id, Overlap::Day, &ACTOR);
    assert!(matches!(no_secret.await, Err(Problem::InUse(_))));

    let listed = app.oauth_apps(Page::default()).await.unwrap();
    let names: Vec<_> = listed.rows.iter().map(|one| &one.settings.name).collect();
    assert_eq!(names, ["Phone", "Cloud"]);
    assert_eq!(app.named_app("1").await.unwrap().settings.name, "Cloud");
    assert_eq!(app.named_app(id).await.unwrap().settings.name, "Cloud");
    for nobody in ["3", "cloud", ""] {
        let missing = app.named_app(nobody).await;
        assert!(matches!(missing, Err(Problem::NotFound(_))), "{nobody}");
    }
}

#[tokio::test]
async fn nothing_is_saved_unless_all_of_it_is_right() {
    let world = World::new().await;
    let app = &world.app;
    let bad = AppSettings {
        redirects: vec!["http://cloud.example.org/".to_owned()],
        ..settings("")
    };
    assert_eq!(
        fields(app.add_app(bad, &ACTOR).await),
        ["name", "redirects"]
    );
    let nowhere = AppSettings {
        straight_to: Some(ProviderId(77)),
        never_through: BTreeSet::from([ProviderId(78)]),
        access: AppAccess::Only {
            domains: BTreeSet::from([DomainId(79)]),
            tags: BTreeSet::new(),
        },
        ..settings("Cloud")
    };
    assert_eq!(
        fields(app.add_app(nowhere, &ACTOR).await),
        ["straight_to", "never_through", "access"]
    );
    for client_id in ["7", "a b"] {
        let named = app.add_app_as(client_id, settings("Cloud"), &ACTOR).await;
        assert_eq!(fields(named), ["client_id"]);
    }
    assert!(
        app.oauth_apps(Page::default())
            .await
            .unwrap()
            .rows
            .is_empty()
    );

    let made = app.add_app_as("cloud", settings("Cloud"), &ACTOR).await;
    let made = made.unwrap().app;
    let again = app.add_app_as("cloud", settings("Cloud"), &ACTOR).await;
    assert_eq!(fields(again), ["client_id"]);
    let public = AppSettings {
        kind: AppKind::Public,
        ..settings("Cloud")
    };
    assert_eq!(
        fields(app.edit_app(made.id, public, None, &ACTOR).await),
        ["kind"]
    );
    assert_eq!(app.oauth_app(made.id).await.unwrap(), made);
}

#[tokio::test]
async fn an_app_is_changed_unless_somebody_was_faster() {
    let world = World::new().await;
    let app = &world.app;
    let made = app.add_app(settings("Cloud"), &ACTOR).await.unwrap().app;
    let provider = app.provider(SLUG).await.unwrap();
    let changed = AppSettings {
        straight_to: Some(provider.id),
        ..settings("Files")
    };
    let seen = Some(made.modified);
    let after = app.edit_app(made.id, changed.clone(), seen, &ACTOR).await;
    let after = after.unwrap();
    assert_eq!(
        (&after.settings, &after.client_id),
        (&changed, &made.client_id)
    );
    let late = app.edit_app(made.id, settings("Other"), seen, &ACTOR).await;
    assert!(matches!(late, Err(Problem::Stale)));

    let off = app.switch_app(made.id, false, &ACTOR).await.unwrap();
    assert!(!off.settings.active && off.settings.name == "Files");
    let same = app.switch_app(made.id, false, &ACTOR).await.unwrap();
    assert_eq!(same.modified, off.modified);
    let missing = app.switch_app(OauthAppId(9), false, &ACTOR).await;
    assert!(matches!(missing, Err(Problem::NotFound(_))));
}

#[tokio::test]
async fn secrets_are_replaced_with_an_overlap() {
    let world = World::new().await;
    let app = &world.app;
    let made = app.add_app(settings("Cloud"), &ACTOR).await.unwrap();
    let (id, first) = (made.app.id, made.secret.unwrap());
    let ends = async |world: &World| -> Vec<Option<Timestamp>> {
        let secrets = world.app.app_secrets(id).await.unwrap();
        secrets.into_iter().map(|one| one.ends).collect()
    };
    let second = app.rotate_app_secret(id, Overlap::Week, &ACTOR).await;
    let second = second.unwrap().secret.unwrap();
    assert_ne!(first.expose_secret(), second.expose_secret());
    let week = ends(&world).await;
    assert!(week.len() == 2 && week[0].is_none() && week[1].unwrap() > app.now());

    app.rotate_app_secret(id, Overlap::Hour, &ACTOR)
        .await
        .unwrap();
    let hour = ends(&world).await;
    assert_eq!(hour.len(), 3);
    assert!(hour[0].is_none() && hour[2] == hour[1] && hour[1] < week[1]);

    let secrets = app.app_secrets(id).await.unwrap();
    let last = app.drop_app_secret(id, secrets[0].id, &ACTOR).await;
    assert!(matches!(last, Err(Problem::InUse(_))));
    app.drop_app_secret(id, secrets[2].id, &ACTOR)
        .await
        .unwrap();
    let twice = app.drop_app_secret(id, secrets[2].id, &ACTOR).await;
    assert!(matches!(twice, Err(Problem::NotFound(_))));
    assert_eq!(ends(&world).await.len(), 2);

    for _ in 2..MOST_SECRETS {
        app.rotate_app_secret(id, Overlap::Day, &ACTOR)
            .await
            .unwrap();
    }
    let more = app.rotate_app_secret(id, Overlap::Day, &ACTOR).await;
    assert!(matches!(more, Err(Problem::InUse(_))));
    app.rotate_app_secret(id, Overlap::AtOnce, &ACTOR)
        .await
        .unwrap();
    assert_eq!(ends(&world).await, [None]);
    let remembered = remembered(&world).await;
    assert!(remembered.contains("app.rotate") && remembered.contains("app.drop_secret"));
    for secret in [first, second] {
        assert!(!remembered.contains(secret.expose_secret()));
    }
}

#[tokio::test]
async fn people_are_listed_and_disconnected() {
    let world = World::new().await;
    let app = &world.app;
    world.mailbox("alice", NewSignIn::None).await;
    world.mailbox("bob", NewSignIn::None).await;
    let id = app.add_app(settings("Cloud"), &ACTOR).await.unwrap().app.id;
    let other = app.add_app(settings("Other"), &ACTOR).await.unwrap().app.id;
    let alice = connect(&world, id, "alice@example.org").await;
    connect(&world, other, "alice@example.org").await;
    let bob = connect(&world, id, "bob@example.org").await;
    let people = async || -> Vec<String> {
        let listed = world.app.app_people(id, Page::default()).await.unwrap();
        let rows = listed.rows.into_iter();
        rows.map(|one| one.address.to_string()).collect()
    };
    assert_eq!(people().await, ["bob@example.org", "alice@example.org"]);

    app.disconnect_person(id, alice, &ACTOR).await.unwrap();
    assert_eq!(people().await, ["bob@example.org"]);
    assert_eq!(grants(&world, alice, id).await, 0);
    assert_eq!(grants(&world, alice, other).await, 1);
    let twice = app.disconnect_person(id, alice, &ACTOR).await;
    assert!(matches!(twice, Err(Problem::NotFound(_))));

    assert_eq!(app.revoke_app_tokens(id, &ACTOR).await.unwrap(), 1);
    assert_eq!(grants(&world, bob, id).await, 0);
    assert_eq!(
        people().await,
        ["bob@example.org"],
        "what they allowed stays"
    );

    connect(&world, id, "bob@example.org").await;
    app.delete_app(id, &ACTOR).await.unwrap();
    assert_eq!(grants(&world, bob, id).await, 0);
    assert!(matches!(app.oauth_app(id).await, Err(Problem::NotFound(_))));
    let twice = app.delete_app(id, &ACTOR).await;
    assert!(matches!(twice, Err(Problem::NotFound(_))));
    assert_eq!(grants(&world, alice, other).await, 1);
    let kept = app.mailbox(&address("bob@example.org")).await;
    assert!(kept.is_ok(), "people stay");
}
