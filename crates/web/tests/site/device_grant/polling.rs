//! A device asks again and again (RFC 8628 section 3.5).

use super::{
    Tv, add, allow, begin, erin, poll, poll_as, post, press, seconds, television, type_code, waits,
    world,
};
use http::StatusCode;
use model::outcome::Code;

const AT_ONCE: usize = 64;
const TRIALS: usize = 20;

#[tokio::test]
async fn a_hasty_device_is_slowed_down_and_served_all_the_same() {
    let (world, _) = world().await;
    let tv = waits(&world).await;
    for (after, told) in [
        (0, "authorization_pending"),
        (5, "authorization_pending"),
        (1, "slow_down"),
        (5, "slow_down"),
        (15, "authorization_pending"),
        (15, "authorization_pending"),
    ] {
        world.clock.advance(seconds(after));
        assert_eq!(poll(&world, &tv).await, told, "after {after}");
    }
    let mut tab = erin(&world).await;
    allow(&world, &mut tab, &tv).await;
    assert_eq!(poll(&world, &tv).await, "tokens", "however early it asks");
}

#[tokio::test]
async fn asking_writes_nothing() {
    let (world, _) = world().await;
    let tv = waits(&world).await;
    poll(&world, &tv).await;
    let before = world.picture();
    for _ in 0..50 {
        world.clock.advance(seconds(5));
        assert_eq!(poll(&world, &tv).await, "authorization_pending");
    }
    assert!(world.picture() == before, "something was written");
}

#[tokio::test]
async fn a_no_is_told_and_stays() {
    let (world, _) = world().await;
    let tv = waits(&world).await;
    let mut tab = erin(&world).await;
    let page = type_code(&world, &mut tab, &tv.user_code).await;
    let page = press(&mut tab, &page, "Deny").await;
    assert!(
        page.text().contains("Nothing was allowed"),
        "{}",
        page.text()
    );
    for _ in 0..2 {
        assert_eq!(poll(&world, &tv).await, "access_denied");
    }
    let list = tab.open(&world.at("/apps")).await.unwrap();
    assert!(list.text().contains("No connected websites yet"));
}

#[tokio::test]
async fn a_code_ends_after_ten_minutes_answered_or_not() {
    let (world, _) = world().await;
    let mut tab = erin(&world).await;
    let (silent, allowed) = (waits(&world).await, waits(&world).await);
    allow(&world, &mut tab, &allowed).await;
    world.clock.advance(seconds(599));
    assert_eq!(poll(&world, &silent).await, "authorization_pending");
    world.clock.advance(seconds(1));
    assert_eq!(poll(&world, &silent).await, "expired_token");
    assert_eq!(poll(&world, &allowed).await, "expired_token");
    world.app.sweep().await.unwrap();
    assert_eq!(poll(&world, &silent).await, "expired_token");
    world.clock.advance(seconds(600));
    world.app.sweep().await.unwrap();
    assert_eq!(poll(&world, &silent).await, "invalid_grant");
}

#[tokio::test]
async fn a_code_is_one_apps_alone() {
    let (world, _) = world().await;
    add(&world, "radio", television()).await;
    let tv = waits(&world).await;
    let mut tab = erin(&world).await;
    allow(&world, &mut tab, &tv).await;
    let refused = |error: &str| (400, error.to_owned());
    let radio = poll_as(&world, "radio", &tv).await;
    assert_eq!(radio.error(), refused("invalid_grant"));
    let unknown = Tv {
        device_code: "never".to_owned(),
        user_code: String::new(),
    };
    let answer = poll_as(&world, "tv", &unknown).await;
    assert_eq!(answer.error(), refused("invalid_grant"));
    // What the person types is not what the device asks with.
    let typed = Tv {
        device_code: tv.user_code.clone(),
        user_code: String::new(),
    };
    let answer = poll_as(&world, "tv", &typed).await;
    assert_eq!(answer.error(), refused("invalid_grant"));
    let nobody = poll_as(&world, "nobody", &tv).await;
    assert_eq!(nobody.error(), (401, "invalid_client".to_owned()));
    for (form, error) in [
        ("client_id=tv", "invalid_request"),
        (
            "client_id=tv&device_code=a&device_code=a",
            "invalid_request",
        ),
        ("client_id=tv&device_code=%00", "invalid_request"),
        ("client_id=tv&code=a", "invalid_request"),
    ] {
        let grant = "grant_type=urn:ietf:params:oauth:grant-type:device_code";
        let answer = post(&world, "/oauth/token", &format!("{grant}&{form}")).await;
        assert_eq!(answer.error(), refused(error), "{form}");
    }
    assert_eq!(poll(&world, &tv).await, "tokens", "none of it used it up");
}

#[tokio::test]
async fn a_second_use_ends_what_the_first_one_got() {
    let (world, _) = world().await;
    let tv = waits(&world).await;
    let mut tab = erin(&world).await;
    allow(&world, &mut tab, &tv).await;
    let first = poll_as(&world, "tv", &tv).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.json);
    assert_eq!(poll(&world, &tv).await, "invalid_grant");
    let refusal = world.last_refusal().await;
    let (code, words) = (refusal.code, refusal.admin());
    assert_eq!(code, Code::AppUsedAgain);
    assert!(
        words.contains("a device code that had been used"),
        "{words}"
    );
    let form = format!(
        "grant_type=refresh_token&client_id=tv&refresh_token={}",
        first.member("refresh_token")
    );
    let refreshed = post(&world, "/oauth/token", &form).await;
    assert_eq!(refreshed.error(), (400, "invalid_grant".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_code_asked_for_by_64_gives_tokens_once() {
    let (world, _) = world().await;
    let mut tab = erin(&world).await;
    for trial in 0..TRIALS {
        let tv = waits(&world).await;
        let page = type_code(&world, &mut tab, &tv.user_code).await;
        let asks = (0..AT_ONCE).map(|_| poll_as(&world, "tv", &tv));
        let (_, answers) = tokio::join!(
            press(&mut tab, &page, "Allow"),
            futures_util::future::join_all(asks)
        );
        let mut given = 0;
        for answer in answers {
            match (answer.status, answer.member("error").as_str()) {
                (StatusCode::OK, _) => given += 1,
                (_, "authorization_pending" | "slow_down" | "invalid_grant") => {}
                (status, error) => panic!("{status} {error}"),
            }
        }
        if given == 0 {
            // All of them were faster than the person.
            let asks = (0..AT_ONCE).map(|_| poll_as(&world, "tv", &tv));
            let answers = futures_util::future::join_all(asks).await;
            given = answers
                .iter()
                .filter(|a| a.status == StatusCode::OK)
                .count();
        }
        assert_eq!(given, 1, "{trial}");
    }
}

#[tokio::test]
async fn of_two_answers_one_counts() {
    let (world, _) = world().await;
    let tv = waits(&world).await;
    let (mut one, mut other) = (erin(&world).await, erin(&world).await);
    let first = type_code(&world, &mut one, &tv.user_code).await;
    let second = type_code(&world, &mut other, &tv.user_code).await;
    press(&mut one, &first, "Deny").await;
    let late = press(&mut other, &second, "Allow").await;
    assert_eq!(late.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(late.text().contains("counts once"), "{}", late.text());
    assert_eq!(poll(&world, &tv).await, "access_denied");
    let again = begin(&world, "client_id=tv&scope=openid").await;
    assert_eq!(again.status, StatusCode::OK);
}
