//! What people meet becomes one alert, and goes when an administrator has seen to it.

use crate::world::{ACTOR, PUBLIC, World, company};
use app::activity::Range;
use app::alerts::AlertAct;
use app::sign_in::Ended;
use model::alert::{About, Topic};
use model::outcome::Code;
use model::time::{Clock as _, SystemClock, Timestamp};
use testkit::clock::FixedClock;

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

/// Leaves for the provider, does not come back, and is swept up when time has run out.
async fn lost(world: &World, times: usize) -> Timestamp {
    for _ in 0..times {
        world.depart().await.unwrap();
    }
    let later = SystemClock.now().plus(app::sign_in::FLOW_LIFETIME);
    // With the minute in which the last answer may be judged.
    let later = later.plus(std::time::Duration::from_secs(61));
    world.app_by(FixedClock::at(later)).sweep().await.unwrap();
    later
}

#[tokio::test]
async fn people_who_leave_and_never_come_back_are_noticed_until_one_does() {
    let world = World::new().await;
    let provider = world.app.provider(crate::world::SLUG).await.unwrap().id;
    // The company knows another redirect URL and shows an error page of its own.
    let client = lab::Client::new("mail", crate::world::SECRET, "https://mail.example.com/old");
    company(&world).add_client(client);
    let mut tab = testkit::browser::Browser::new().unwrap().tab();
    let page = tab.open(&world.depart().await.unwrap()).await.unwrap();
    assert!(page.location().unwrap().is_none(), "{}", page.text());
    let line = world
        .app
        .test_provider(crate::world::SLUG, &mut |_| {})
        .await;
    let line = line
        .unwrap()
        .into_iter()
        .find(|line| line.name == "Redirect URL");
    assert_eq!(line.unwrap().code, Some(Code::RedirectRefused));

    lost(&world, 3).await;
    assert_eq!(world.app.alerts().await.unwrap(), [], "four are too few");
    lost(&world, 1).await;
    let alerts = world.app.alerts().await.unwrap();
    let [alert] = alerts.as_slice() else {
        panic!("{alerts:?}")
    };
    assert_eq!(alert.topic, Topic::NobodyReturns);
    assert_eq!(alert.about, About::Provider(provider));
    assert_eq!(alert.count, 5);
    let words = alert.sentence();
    assert!(
        words.starts_with("5 sign-ins left for Example SSO since "),
        "{words}"
    );
    assert!(words.contains("and none came back."), "{words}");
    // It is a guess, and told as one.
    let redirect = format!(
        "Most likely it does not know our redirect URL. Register exactly: {PUBLIC}/sso/example/callback"
    );
    assert!(words.ends_with(&redirect), "{words}");
    // It counts on, in one alert.
    lost(&world, 7).await;
    let alerts = world.app.alerts().await.unwrap();
    assert_eq!(
        (alerts.len(), alerts[0].count, alerts[0].id),
        (1, 12, alert.id)
    );

    // Registered: the next one who comes back ends it.
    let redirect = format!("{PUBLIC}/sso/example/callback");
    let client = lab::Client::new("mail", crate::world::SECRET, &redirect);
    company(&world).add_client(client);
    world.signed_in("alice").await;
    assert_eq!(world.app.alerts().await.unwrap(), []);
    // Who went away by themselves before that, or is alone now, is none.
    lost(&world, 4).await;
    assert_eq!(world.app.alerts().await.unwrap(), []);
}

#[tokio::test]
async fn after_an_administrator_closed_it_counting_begins_anew() {
    let world = World::new().await;
    lost(&world, 6).await;
    let alert = world.app.alerts().await.unwrap().remove(0);
    world
        .app
        .settle_alert(&ACTOR, alert.id, AlertAct::Close)
        .await
        .unwrap();
    lost(&world, 4).await;
    assert_eq!(world.app.alerts().await.unwrap(), []);
    lost(&world, 1).await;
    let next = world.app.alerts().await.unwrap().remove(0);
    assert_eq!(next.count, 5);
    assert_ne!(next.id, alert.id);
}
