//! What people meet becomes one alert, and goes when an administrator has seen to it.

use crate::world::{ACTOR, World, company};
use app::activity::Range;
use app::alerts::AlertAct;
use app::sign_in::Ended;
use model::alert::{About, Topic};
use model::outcome::Code;

#[tokio::test]
async fn whoever_read_that_the_helpdesk_was_told_is_in_an_alert() {
    let world = World::new().await;
    let provider = world.provider(|p| p.rules.clear()).await.provider.id;
    for login in ["alice", "bob", "alice"] {
        assert_eq!(world.refused(login).await, Code::NoMapping);
    }
    let alerts = world.app.alerts().await.unwrap();
    let [alert] = alerts.as_slice() else {
        panic!("{alerts:?}")
    };
    assert_eq!(alert.topic, Topic::Refusals(Code::NoMapping));
    assert_eq!(alert.about, About::Provider(provider));
    assert_eq!(alert.count, 3);
    assert_eq!(
        alert.details.people,
        ["alice@example.org", "bob@example.org"]
    );
    assert!(
        alert
            .sentence()
            .starts_with("2 people could not sign in. No rule"),
        "{}",
        alert.sentence()
    );

    let settle = async |act| world.app.settle_alert(&ACTOR, alert.id, act).await;
    settle(AlertAct::Acknowledge).await.unwrap();
    world.refused("alice").await;
    let noted = &world.app.alerts().await.unwrap()[0];
    assert!(noted.acknowledged.is_some());
    assert_eq!((noted.count, noted.id), (4, alert.id));
    settle(AlertAct::Close).await.unwrap();
    assert_eq!(world.app.alerts().await.unwrap(), []);
    assert!(settle(AlertAct::Close).await.is_err());
    world.refused("alice").await;
    let next = &world.app.alerts().await.unwrap()[0];
    assert_ne!(next.id, alert.id);
    assert_eq!(next.count, 1);
}

#[tokio::test]
async fn a_full_domain_is_an_alert_about_the_domain() {
    let world = World::new().await;
    world.domain(|d| d.limits.max_mailboxes = 1).await;
    world.signed_in("bob").await;
    assert_eq!(world.refused("alice").await, Code::DomainFull);
    let alerts = world.app.alerts().await.unwrap();
    assert_eq!(alerts.len(), 1);
    let domain = About::Domain("example.org".parse().unwrap());
    assert_eq!(alerts[0].about, domain);

    let activity = world.app.activity(Range::Day).await.unwrap();
    let (ok, refused) = activity
        .bars
        .iter()
        .fold((0, 0), |(ok, no), bar| (ok + bar.ok, no + bar.refused));
    assert_eq!((ok, refused), (1, 1));
    assert_eq!(activity.reasons.len(), 1);
    assert_eq!(activity.reasons[0].code, Code::DomainFull);
}

#[tokio::test]
async fn what_only_one_person_meets_once_is_no_alert() {
    let world = World::new().await;
    company(&world)
        .change("alice", |p| "a@elsewhere.test".clone_into(&mut p.email))
        .unwrap();
    assert!(matches!(world.sign_in("alice").await, Ended::Refused(_)));
    assert_eq!(world.app.alerts().await.unwrap(), []);
}
