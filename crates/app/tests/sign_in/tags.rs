//! Tags: who has which, and what the record of changes says of it.

use crate::world::{ACTOR, PASSWORD, World, address, secret};
use app::domains::Page;
use app::mailboxes::{MailboxEdit, MailboxFilter, NewMailboxForm, NewSignIn};
use app::sign_in::Ended;
use app::{Client, Problem};
use model::mailbox::Mailbox;
use model::tag::{Tag, Tags};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use store::{Store, audit};

fn tags(list: &str) -> Tags {
    Tags::parse(list).unwrap()
}

async fn add(world: &World, local: &str, list: &str) {
    let form = NewMailboxForm {
        address: address(&format!("{local}@example.org")),
        name: String::new(),
        quota: None,
        protocols: None,
        template: None,
        tags: tags(list),
        sign_in: NewSignIn::Local(secret(PASSWORD)),
    };
    world.app.create_mailbox(&ACTOR, form).await.unwrap();
}

async fn edit(world: &World, edit: MailboxEdit) {
    let alice = address("alice@example.org");
    let edited = world.app.edit_mailbox(&ACTOR, &alice, edit, None);
    edited.await.unwrap();
}

async fn of_alice(world: &World) -> String {
    let alice = world.app.mailbox(&address("alice@example.org")).await;
    alice.unwrap().mailbox.tags.to_string()
}

async fn changes(world: &World) -> Vec<(String, Value)> {
    let store = Store::open_read_only(&world.dir.join("store.db"));
    let listed = audit::list(&mut store.read().unwrap(), &store::Page::first(50), None).await;
    let rows = listed.unwrap().rows.into_iter();
    rows.map(|change| (change.action, change.details)).collect()
}

#[tokio::test]
async fn tags_are_set_kept_and_taken_away() {
    let world = World::new().await;
    add(&world, "alice", "Staff, vip").await;
    assert_eq!(of_alice(&world).await, "staff, vip");
    let renamed = MailboxEdit {
        name: Some("Alice".to_owned()),
        ..MailboxEdit::default()
    };
    edit(&world, renamed).await;
    assert_eq!(
        of_alice(&world).await,
        "staff, vip",
        "not named, not changed"
    );
    for list in ["sales", ""] {
        let change = MailboxEdit {
            tags: Some(tags(list)),
            ..MailboxEdit::default()
        };
        edit(&world, change).await;
        assert_eq!(of_alice(&world).await, list);
    }
}

#[tokio::test]
async fn the_record_of_changes_has_the_tags_before_and_after() {
    let world = World::new().await;
    add(&world, "alice", "vip").await;
    let change = MailboxEdit {
        tags: Some(tags("staff, vip")),
        ..MailboxEdit::default()
    };
    edit(&world, change).await;
    let changes = changes(&world).await;
    let of = |action: &str| {
        let mut all = changes.iter().filter(|(name, _)| name == action);
        &all.next().unwrap().1
    };
    assert_eq!(of("mailbox.create")["tags"], json!(["vip"]));
    let edited = of("mailbox.edit");
    assert_eq!(edited["before"]["tags"], json!(["vip"]));
    assert_eq!(edited["after"]["tags"], json!(["staff", "vip"]));
    assert_eq!(edited["after"]["address"], "alice@example.org");
}

#[tokio::test]
async fn a_change_made_from_an_old_form_changes_no_tags() {
    let world = World::new().await;
    add(&world, "alice", "vip").await;
    let alice = address("alice@example.org");
    let seen = world.app.mailbox(&alice).await.unwrap().mailbox.modified;
    let to = |list: &str| MailboxEdit {
        tags: Some(tags(list)),
        ..MailboxEdit::default()
    };
    edit(&world, to("staff")).await;
    let late = world
        .app
        .edit_mailbox(&ACTOR, &alice, to("sales"), Some(seen))
        .await;
    assert_eq!(late.unwrap_err(), Problem::Stale);
    assert_eq!(of_alice(&world).await, "staff");
}

#[tokio::test]
async fn a_tag_that_is_taken_away_ends_no_session() {
    let world = World::new().await;
    add(&world, "alice", "vip").await;
    let name = "alice@example.org";
    let ended = world
        .app
        .sign_in_local(name, secret(PASSWORD), &Client::default())
        .await;
    let Ended::SignedIn(signed_in) = ended else {
        panic!("not signed in");
    };
    let change = MailboxEdit {
        tags: Some(Tags::default()),
        ..MailboxEdit::default()
    };
    edit(&world, change).await;
    let session = world.app.session(signed_in.token.expose_secret()).await;
    assert!(session.unwrap().is_some());
}

#[tokio::test]
async fn mailboxes_are_listed_by_tag_with_the_tags_they_have() {
    let world = World::new().await;
    add(&world, "alice", "staff, vip").await;
    add(&world, "bob", "staff").await;
    add(&world, "carol", "").await;
    let listed = async |tag: &str| {
        let filter = MailboxFilter {
            tag: Some(Tag::parse(tag).unwrap()),
            ..MailboxFilter::default()
        };
        let listed = world.app.mailboxes(filter, Page::default()).await;
        let rows = listed.unwrap().rows.into_iter();
        let words = |one: Mailbox| format!("{}: {}", one.address.local(), one.tags);
        rows.map(words).collect::<Vec<_>>()
    };
    assert_eq!(listed("Staff").await, ["alice: staff, vip", "bob: staff"]);
    assert_eq!(listed("vip").await, ["alice: staff, vip"]);
    assert!(listed("nobody").await.is_empty());
    let in_use = world.app.tags_in_use("", 10).await.unwrap();
    assert_eq!(Tags::try_from(in_use), Ok(tags("staff, vip")));
}

#[tokio::test]
async fn a_file_brings_tags_and_a_line_with_something_else_fails_alone() {
    let world = World::new().await;
    let long = "x".repeat(65);
    let csv = format!(
        "address,tags\nalice@example.org,\"Staff, vip\"\nbob@example.org,\n\
         carol@example.org,{long}\n"
    );
    for dry_run in [true, false] {
        let mut unheard = |_: &app::import::ImportLine| ();
        let imported = world
            .app
            .import_mailboxes(&ACTOR, csv.as_bytes(), dry_run, &mut unheard);
        let report = imported.await.unwrap();
        assert_eq!(
            (report.created, report.failed),
            (2, 1),
            "dry run: {dry_run}"
        );
        let app::import::ImportFate::Failed(Problem::Invalid(fields)) = &report.lines[2].fate
        else {
            panic!("{:?}", report.lines[2]);
        };
        assert_eq!(fields[0].field, "tags");
    }
    assert_eq!(of_alice(&world).await, "staff, vip");
}
