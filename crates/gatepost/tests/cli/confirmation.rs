//! Whether people are still there, at the command line: days without confirmation, and background
//! checks that have stopped.

use super::support::Place;
use model::time::Timestamp;
use serde_json::Value;
use store::{Conn, Store, StoreError};

const PROVIDER: &str = "provider add Example --issuer https://sso.example.net --client-id mail \
    --domain example.org";

fn furnished() -> Place {
    let place = Place::new();
    place.done(&[
        "domain add example.org --role-target root@example.net",
        PROVIDER,
    ]);
    place
}

#[test]
fn days_without_confirmation() {
    let place = furnished();
    let within = || {
        let shown = place.document("domain show example.org --json");
        shown["confirm_within"].clone()
    };
    let mut session = place.session();
    session.run("domain edit example.org --confirm-within 30");
    assert_eq!(within(), 30);
    session
        .run("domain edit example.org --confirm-within 731")
        .run("domain edit example.org --confirm-within 70000")
        .run("domain edit example.org --confirm-within -1")
        .run("domain edit example.org --confirm-within soon")
        .run("domain edit example.org --confirm-within ''");
    assert_eq!(within(), 30, "what is refused changes nothing");
    session.run("domain edit example.org --max-mailboxes 5");
    assert_eq!(within(), 30, "what is not named stays");
    for (typed, kept) in [("14d", Value::from(14)), ("OFF", Value::Null)] {
        let line = format!("domain edit example.org --confirm-within {typed}");
        place.done(&[&line]);
        assert_eq!(within(), kept, "{typed}");
    }
    session
        .run("domain add school.example --role-target root@example.net --confirm-within 7 --json");
    insta::assert_snapshot!(session.transcript());
}

/// As after a provider that said of too many people at once that they are gone.
fn stop_checks(place: &Place) {
    let store = Store::open(&place.config().layout().database()).unwrap();
    let stop = store.write(async |sql: &mut Conn| {
        let provider = store::providers::by_slug(sql, "example").await?;
        let id = provider.ok_or(StoreError::Missing)?.id;
        store::providers::stop_checks(sql, id, Timestamp::from_secs(1_800_000_000)).await
    });
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(stop)
        .unwrap();
}

#[test]
fn background_checks_are_resumed() {
    let place = furnished();
    stop_checks(&place);
    let mut session = place.session();
    session
        .run("provider resume-checks")
        .run("provider resume-checks nobody")
        .run("provider show example")
        .run("provider resume-checks example")
        .run("provider resume-checks example")
        .run("provider show example --json");
    insta::assert_snapshot!(session.transcript());
}
