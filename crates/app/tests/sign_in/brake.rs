//! Where asking about people stops because too many are said to be gone, and how it goes on.

use crate::background::Shift;
use crate::crowd::crowd;
use crate::world::{ACTOR, SLUG, company};
use app::App;
use app::confirmation::Checked;
use lab::Person;
use lab::misbehave::Misbehaviour;
use model::alert::{About, Alert, Topic};
use model::time::Clock as _;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// `p0`, `p1`, … sign in.
pub async fn come(shift: &Shift, who: std::ops::Range<u32>) {
    for n in who {
        let login = format!("p{n}");
        let email = format!("{login}@example.org");
        let person = Person::new(&login, &login, &login, &email, lab::sample::PASSWORD);
        let person = person.with_claim("mailcow_template", "staff");
        company(&shift.world).add_person(person);
        shift.world.signed_in(&login).await;
    }
}

fn count(checked: &[Checked], wanted: &Checked) -> usize {
    checked.iter().filter(|one| *one == wanted).count()
}

async fn brake(app: &App) -> Option<Alert> {
    let about = About::Provider(app.provider(SLUG).await.unwrap().id);
    let mut alerts = app.alerts().await.unwrap();
    alerts.retain(|one| one.topic == Topic::Unconfirmed && one.about == about);
    assert!(alerts.len() <= 1, "{alerts:?}");
    alerts.pop()
}

#[tokio::test]
async fn ten_may_go_within_an_hour_and_the_eleventh_stops_it_until_it_is_resumed() {
    let mut shift = Shift::new().await;
    shift.no_limits().await;
    come(&shift, 0..13).await;
    // Two in a hundred of them are more than ten.
    crowd(&shift.world, "other", 600, shift.clock.now()).await;
    for n in 0..10 {
        company(&shift.world).disable(&format!("p{n}")).unwrap();
    }
    let checked = shift.asked().await;
    assert_eq!(count(&checked, &Checked::Gone), 10, "{checked:?}");
    assert_eq!(count(&checked, &Checked::Confirmed), 3, "{checked:?}");
    assert_eq!(brake(&shift.world.app).await, None, "ten are not too many");

    // One more within the hour, and another who must not be touched by it.
    shift.hurry().await;
    company(&shift.world).misbehave(Misbehaviour::GrantRefused);
    let checked = shift.asked_now().await;
    assert_eq!(count(&checked, &Checked::Gone), 0, "{checked:?}");
    assert!(count(&checked, &Checked::Stopped) >= 1, "{checked:?}");
    let alert = brake(&shift.world.app).await.unwrap();
    let words = alert.sentence();
    for part in [
        "Example SSO said of 11 people",
        "resume the background checks",
    ] {
        assert!(words.contains(part), "{words}");
    }
    assert_eq!(alert.details.people.len(), 11, "{:?}", alert.details.people);

    // Another worker knows of it, and asks nobody either.
    shift.restart();
    assert_eq!(shift.asked().await, []);
    assert!(brake(&shift.world.app).await.is_some());

    // Resumed: the alert is closed, who is left is asked about, and the ten count no more.
    company(&shift.world).behave();
    shift.world.app.resume_checks(&ACTOR, SLUG).await.unwrap();
    assert_eq!(brake(&shift.world.app).await, None);
    company(&shift.world).disable("p12").unwrap();
    let checked = shift.asked_now().await;
    assert_eq!(count(&checked, &Checked::Gone), 1, "{checked:?}");
    assert_eq!(count(&checked, &Checked::Confirmed), 2, "{checked:?}");
}

#[tokio::test]
async fn two_in_a_hundred_are_counted_among_all_people_of_the_provider() {
    for (others_there, stops) in [(149 - 3, true), (150 - 3, false)] {
        let shift = Shift::new().await;
        shift.no_limits().await;
        come(&shift, 0..3).await;
        crowd(&shift.world, "other", others_there, shift.clock.now()).await;
        company(&shift.world).misbehave(Misbehaviour::GrantRefused);
        let checked = shift.asked().await;
        let stopped = usize::from(stops);
        assert_eq!(count(&checked, &Checked::Stopped), stopped, "{checked:?}");
        assert_eq!(count(&checked, &Checked::Gone), 3 - stopped, "{checked:?}");
    }
}

#[tokio::test]
async fn an_hour_later_and_after_coming_back_nobody_counts_any_more() {
    let shift = Shift::new().await;
    shift.no_limits().await;
    come(&shift, 0..4).await;
    for login in ["p0", "p1"] {
        company(&shift.world).disable(login).unwrap();
    }
    let checked = shift.asked().await;
    assert_eq!(count(&checked, &Checked::Gone), 2, "{checked:?}");
    // One of them comes back at once: a third makes two again.
    company(&shift.world).enable("p0").unwrap();
    shift.world.signed_in("p0").await;
    shift.hurry().await;
    company(&shift.world).disable("p2").unwrap();
    let checked = shift.asked_now().await;
    assert_eq!(count(&checked, &Checked::Gone), 1, "{checked:?}");
    // And when the hour is over the next two.
    shift.clock.advance(HOUR);
    shift.hurry().await;
    for login in ["p0", "p3"] {
        company(&shift.world).disable(login).unwrap();
    }
    let checked = shift.asked_now().await;
    assert_eq!(count(&checked, &Checked::Gone), 2, "{checked:?}");
    assert_eq!(brake(&shift.world.app).await, None);
}
