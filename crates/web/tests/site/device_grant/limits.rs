//! Nobody fills the store with codes, and nobody guesses them.

use super::{
    ERIN, LIVING_ROOM, allow, begin, erin, poll, post_from, seconds, type_code, waits, waits_from,
    world,
};
use crate::world::World;
use app::Client;
use app::oauth::devices::{Connect, ConnectVisit};
use http::{StatusCode, header};
use model::ids::OauthAppId;
use model::outcome::Code;
use store::Conn;
use store::app_devices::NewDevice;

const PATH: &str = "/oauth/device_authorization";
const FORM: &str = "client_id=tv&scope=openid";
/// Guesses at the same time, and how often.
const AT_ONCE: usize = 32;
const ROUNDS: usize = 40;

#[tokio::test]
async fn one_network_gets_so_many_codes() {
    let (world, _) = world().await;
    for n in 0..100 {
        let answer = begin(&world, FORM).await;
        assert_eq!(answer.status, StatusCode::OK, "{n}: {}", answer.json);
    }
    let answer = begin(&world, FORM).await;
    assert_eq!(answer.error(), (429, "slow_down".to_owned()));
    assert_eq!(answer.headers[header::RETRY_AFTER], "6");
    let neighbour = post_from(&world, [192, 0, 2, 8], PATH, FORM).await;
    assert_eq!(neighbour.status, StatusCode::OK);
    world.clock.advance(seconds(6));
    let later = post_from(&world, LIVING_ROOM, PATH, FORM).await;
    assert_eq!(later.status, StatusCode::OK);
}

/// Lets `count` devices wait, each from where `ip` says.
async fn fill(world: &World, app: OauthAppId, count: u32, ip: fn(u32) -> [u8; 4]) {
    let now = world.app.now();
    let store = world.store();
    let filled = store.write(async move |tx: &mut Conn| {
        for n in 0..count {
            let tag = n.to_be_bytes();
            let new = NewDevice {
                device_tag: &tag,
                user_tag: &tag,
                app,
                scopes: "openid",
                now,
                ends: now.plus(seconds(600)),
                ip: Some(ip(n).into()),
            };
            store::app_devices::insert(tx, &new).await?;
        }
        Ok::<_, store::StoreError>(())
    });
    filled.await.unwrap();
}

#[tokio::test]
async fn one_app_has_so_many_codes_that_wait() {
    let (world, app) = world().await;
    fill(&world, app, 1000, |n| {
        [198, 18, (n / 250) as u8, (n % 250) as u8]
    })
    .await;
    let answer = begin(&world, FORM).await;
    assert_eq!(answer.error(), (429, "slow_down".to_owned()));
    assert_eq!(answer.headers[header::RETRY_AFTER], "60");
    super::add(&world, "radio", super::television()).await;
    let other = begin(&world, "client_id=radio&scope=openid").await;
    assert_eq!(other.status, StatusCode::OK);
    world.clock.advance(seconds(600));
    assert_eq!(begin(&world, FORM).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_handful_of_networks_keeps_nobody_out() {
    let (world, app) = world().await;
    let oldest = waits_from(&world, [198, 51, 100, 1]).await;
    world.clock.advance(seconds(1));
    fill(&world, app, 999, |n| [198, 51, 100, (n % 5) as u8]).await;
    let tv = waits(&world).await;
    assert_eq!(poll(&world, &oldest).await, "expired_token");
    let mut tab = erin(&world).await;
    let page = type_code(&world, &mut tab, &oldest.user_code).await;
    assert_eq!(page.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(world.last_refusal().await.code, Code::DeviceEnded);

    // They may ask on; whoever has few codes keeps them.
    for last in (0..5).cycle().take(50) {
        let answer = post_from(&world, [198, 51, 100, last], PATH, FORM).await;
        assert!(matches!(answer.status.as_u16(), 200 | 429), "{last}");
    }
    for last in 0..100 {
        let answer = post_from(&world, [203, 0, 113, last], PATH, FORM).await;
        assert_eq!(answer.status, StatusCode::OK, "{last}: {}", answer.json);
    }
    allow(&world, &mut tab, &tv).await;
    assert_eq!(poll(&world, &tv).await, "tokens");
    let now = world.app.now();
    let store = world.store();
    let mut read = store.read().unwrap();
    let waiting = store::app_devices::waiting(&mut read, app, now, 2000).await;
    assert_eq!(waiting.unwrap().len(), 999, "1,000 and one was answered");
}

#[tokio::test]
async fn codes_are_not_guessed() {
    let (world, _) = world().await;
    let tv = waits(&world).await;
    let mut tab = erin(&world).await;
    // Mistyped ones are no guesses.
    for _ in 0..20 {
        let page = type_code(&world, &mut tab, "BCDF-GHJ").await;
        assert_eq!(page.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    for letter in "BCDFGHJKLM".chars() {
        let guess = format!("ZZZZ-ZZZ{letter}");
        let page = type_code(&world, &mut tab, &guess).await;
        assert_eq!(page.status(), StatusCode::UNPROCESSABLE_ENTITY, "{guess}");
        assert!(page.text().contains("No device waits with this code."));
    }
    let held = type_code(&world, &mut tab, &tv.user_code).await;
    assert_eq!(held.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(held.text().contains("Wait 60 seconds."), "{}", held.text());
    assert_eq!(world.last_refusal().await.code, Code::TooManyTries);
    let reference = held.text_of(".copy-row .value").unwrap();

    // An administrator lets her try again; time does too.
    let mut karin = crate::admin::karin(&world).await;
    let path = format!("/admin/sign-ins/{reference}/clear");
    let page = karin.open(&world.at(&path)).await.unwrap();
    let form = page.form_with_button("Clear").unwrap();
    karin.submit(form).await.unwrap();
    let page = type_code(&world, &mut tab, &tv.user_code).await;
    assert_eq!(page.status(), StatusCode::OK, "{}", page.text());
    for letter in "BCDFGHJKLM".chars() {
        type_code(&world, &mut tab, &format!("ZZZZ-ZZZ{letter}")).await;
    }
    world.clock.advance(seconds(60));
    let page = type_code(&world, &mut tab, &tv.user_code).await;
    assert_eq!(page.status(), StatusCode::OK, "{}", page.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_guesses_at_once_ten_are_looked_up() {
    let (world, _) = world().await;
    let (_, current) = world.session_of(ERIN).await;
    for round in 0..ROUNDS {
        let guesses = (0..AT_ONCE).map(|n| {
            let (app, current) = (world.app.clone(), current.clone());
            tokio::spawn(async move {
                let letter = ["B", "C", "D", "F", "G", "H", "J", "K"][n % 8];
                let visit = ConnectVisit {
                    typed: &format!("ZZZZ-ZZZ{letter}"),
                    current: Some(&current),
                    client: &Client::default(),
                    answer: None,
                };
                match app.connect(&visit).await.unwrap() {
                    Connect::Type(Some(refused)) => refused.refusal.code,
                    Connect::Refused(refused) => refused.refusal.code,
                    other => panic!("{other:?}"),
                }
            })
        });
        let guesses: Vec<_> = guesses.collect();
        let told = futures_util::future::join_all(guesses).await;
        let told: Vec<_> = told.into_iter().map(Result::unwrap).collect();
        let count = |code| told.iter().filter(|told| **told == code).count();
        assert_eq!(count(Code::DeviceUnknown), 10, "round {round}");
        assert_eq!(count(Code::TooManyTries), AT_ONCE - 10, "round {round}");
        world.clock.advance(seconds(600));
    }
}
