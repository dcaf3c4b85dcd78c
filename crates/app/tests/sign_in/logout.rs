//! Signing out at the provider and being signed out by it. Tests are named after the modules of the
//! OpenID relying-party plans (`oidcc-client-test-…`) that they stand for.

use crate::world::{BROWSER, PUBLIC, SLUG, World, company};
use app::Problem;
use app::provider_logout::ProviderLogout;
use app::sign_in::SignedIn;
use app::sign_out::SignOutThere;
use lab::logout::{EVENT, Leaving};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::time::Duration;
use testkit::clock::FixedClock;
use url::Url;

async fn is_in(world: &World, signed_in: &SignedIn) -> bool {
    let token = signed_in.token.expose_secret();
    world.app.session(token).await.unwrap().is_some()
}

/// The provider signs people out on our behalf.
async fn signing_out_there() -> World {
    let world = World::new().await;
    let client = company(&world).client("mail").unwrap();
    let back = format!("{PUBLIC}/sso/{SLUG}/signed-out");
    company(&world).add_client(client.with_post_logout_redirect_uri(&back));
    world
        .provider(|settings| settings.leavers.sign_out_there = true)
        .await;
    world
}

async fn leave(world: &World, signed_in: &SignedIn) -> Option<SignOutThere> {
    let token = signed_in.token.expose_secret();
    let left = world
        .app
        .sign_out_there_too(token, BROWSER, None)
        .await
        .unwrap();
    assert!(!is_in(world, signed_in).await, "ended here in any case");
    left
}

fn query(url: &str) -> HashMap<String, String> {
    Url::parse(url)
        .unwrap()
        .query_pairs()
        .into_owned()
        .collect()
}

/// `oidcc-client-test-rp-init-logout`
#[tokio::test]
async fn oidcc_client_test_rp_init_logout() {
    let world = signing_out_there().await;
    let signed_in = world.signed_in("alice").await;
    assert_eq!(world.lab.sids("alice").len(), 1);
    let there = leave(&world, &signed_in).await.unwrap();
    assert_eq!(there.provider, "Example SSO");
    let sent = query(&there.url);
    assert_eq!(sent["client_id"], "mail");
    let back = format!("{PUBLIC}/sso/{SLUG}/signed-out");
    assert_eq!(sent["post_logout_redirect_uri"], back);
    assert_eq!(sent["id_token_hint"].split('.').count(), 3);

    let mut tab = testkit::browser::Browser::new().unwrap().tab();
    tab.stop_before(PUBLIC);
    let page = tab.open(&there.url).await.unwrap();
    let returned = page.location().unwrap().unwrap();
    let state = query(returned.as_str()).remove("state").unwrap();
    assert_eq!(state, sent["state"]);
    let back = world
        .app
        .back_from_sign_out(SLUG, Some(&state), Some(BROWSER))
        .await
        .unwrap();
    assert!(back.known, "{back:?}");
    assert_eq!(back.provider.as_deref(), Some("Example SSO"));
}

/// `oidcc-client-test-rp-init-logout-other-state`
#[tokio::test]
async fn oidcc_client_test_rp_init_logout_other_state() {
    let world = signing_out_there().await;
    let signed_in = world.signed_in("alice").await;
    let there = leave(&world, &signed_in).await.unwrap();
    let state = query(&there.url).remove("state").unwrap();
    let known = async |slug: &str, state: &str, browser: &str| {
        let back = world
            .app
            .back_from_sign_out(slug, Some(state), Some(browser));
        back.await.unwrap().known
    };
    assert!(known(SLUG, &state, BROWSER).await);
    let longer = format!("{state}0");
    for other in ["", "x", "1.2.3", "..", longer.as_str(), &state[1..]] {
        assert!(!known(SLUG, other, BROWSER).await, "{other:?}");
    }
    assert!(!known(SLUG, &state, "another-browser").await);
    assert!(!known("another", &state, BROWSER).await);
    let later = world.app.now().plus(Duration::from_secs(601));
    let later = world.app_by(FixedClock::at(later));
    let back = later.back_from_sign_out(SLUG, Some(&state), Some(BROWSER));
    assert!(!back.await.unwrap().known, "too long ago");
}

/// `oidcc-client-test-rp-init-logout-no-state`
#[tokio::test]
async fn oidcc_client_test_rp_init_logout_no_state() {
    let world = signing_out_there().await;
    let signed_in = world.signed_in("alice").await;
    let there = leave(&world, &signed_in).await.unwrap();
    let state = query(&there.url).remove("state");
    for (state, browser) in [
        (None, Some(BROWSER)),
        (state.as_deref(), None),
        (None, None),
    ] {
        let back = world.app.back_from_sign_out(SLUG, state, browser);
        assert!(!back.await.unwrap().known, "{state:?} {browser:?}");
    }
}

#[tokio::test]
async fn nobody_is_sent_there_unless_an_administrator_wants_it_and_there_is_a_page() {
    let world = World::new().await;
    let signed_in = world.signed_in("alice").await;
    assert_eq!(leave(&world, &signed_in).await, None, "off by default");

    world
        .provider(|settings| settings.leavers.sign_out_there = true)
        .await;
    let signed_in = world.signed_in("alice").await;
    world.provider(|settings| settings.active = false).await;
    assert_eq!(leave(&world, &signed_in).await, None, "switched off");
    world.provider(|settings| settings.active = true).await;

    // A session made before the option was on has no hint, and needs none.
    world
        .provider(|settings| settings.leavers.sign_out_there = false)
        .await;
    let signed_in = world.signed_in("alice").await;
    world
        .provider(|settings| settings.leavers.sign_out_there = true)
        .await;
    let there = leave(&world, &signed_in).await.unwrap();
    assert!(!query(&there.url).contains_key("id_token_hint"));
}

#[tokio::test]
async fn a_provider_that_is_down_keeps_nobody_signed_in() {
    let world = signing_out_there().await;
    let signed_in = world.signed_in("alice").await;
    company(&world).misbehave(lab::misbehave::Misbehaviour::DiscoveryMissing);
    // Nothing is remembered of the provider by a server that was just started.
    let app = world.app_by(FixedClock::at(world.app.now()));
    let token = signed_in.token.expose_secret();
    assert_eq!(app.sign_out_there_too(token, BROWSER, None).await, Ok(None));
    assert!(!is_in(&world, &signed_in).await);
}

/// Alice is signed in in two browsers, Bob in one.
struct Office {
    world: World,
    alice: [SignedIn; 2],
    bob: SignedIn,
    subject: String,
    sid: String,
}

impl Office {
    async fn new() -> Self {
        let world = World::new().await;
        let first = world.signed_in("alice").await;
        let [sid] = <[String; 1]>::try_from(world.lab.sids("alice")).unwrap();
        let second = world.signed_in("alice").await;
        let bob = world.signed_in("bob").await;
        let subject = company(&world).person("alice").unwrap().subject;
        Self {
            world,
            alice: [first, second],
            bob,
            subject,
            sid,
        }
    }

    const fn leaving(&self) -> Leaving<'_> {
        Leaving {
            client: "mail",
            subject: Some(self.subject.as_str()),
            sid: Some(self.sid.as_str()),
        }
    }

    fn token(&self, leaving: Leaving<'_>) -> String {
        self.world.lab.logout_token(leaving).unwrap()
    }

    async fn post(&self, token: &str) -> Result<ProviderLogout, Problem> {
        self.world.app.provider_logout(SLUG, token).await
    }

    /// Who is still in: Alice here and there, Bob.
    async fn inside(&self) -> [bool; 3] {
        let [first, second] = &self.alice;
        [
            is_in(&self.world, first).await,
            is_in(&self.world, second).await,
            is_in(&self.world, &self.bob).await,
        ]
    }

    /// The words of a refusal that ended nothing.
    async fn refused(
        &self,
        spoil: impl FnOnce(&mut Map<String, Value>, &mut Map<String, Value>),
    ) -> String {
        let lab = &self.world.lab;
        let token = lab.spoiled_logout_token(self.leaving(), spoil).unwrap();
        let answer = self.post(&token).await.unwrap();
        assert_eq!(self.inside().await, [true; 3], "{answer:?}");
        match answer {
            ProviderLogout::Refused(why) => why,
            ended => panic!("{ended:?}"),
        }
    }
}

/// `oidcc-client-test-rp-backchannel-rpinitlogout`
#[tokio::test]
async fn oidcc_client_test_rp_backchannel_rpinitlogout() {
    let office = Office::new().await;
    let token = office.token(office.leaving());
    let ended = Ok(ProviderLogout::Ended { sessions: 1 });
    assert_eq!(office.post(&token).await, ended);
    assert_eq!(office.inside().await, [false, true, true]);
}

/// `oidcc-client-test-rp-backchannel-rpinitlogout-alg-none`
#[tokio::test]
async fn oidcc_client_test_rp_backchannel_rpinitlogout_alg_none() {
    let office = Office::new().await;
    let why = office
        .refused(|header, _| drop(header.insert("alg".to_owned(), json!("none"))))
        .await;
    assert!(why.contains("\"none\""), "{why}");
}

/// `oidcc-client-test-rp-backchannel-rpinitlogout-no-event`
#[tokio::test]
async fn oidcc_client_test_rp_backchannel_rpinitlogout_no_event() {
    let office = Office::new().await;
    let why = office
        .refused(|_, claims| drop(claims.remove("events")))
        .await;
    assert!(why.contains("events"), "{why}");
}

/// `oidcc-client-test-rp-backchannel-rpinitlogout-with-nonce`
#[tokio::test]
async fn oidcc_client_test_rp_backchannel_rpinitlogout_with_nonce() {
    let office = Office::new().await;
    for nonce in [json!("n"), json!(null), json!(1)] {
        let why = office
            .refused(|_, claims| drop(claims.insert("nonce".to_owned(), nonce)))
            .await;
        assert!(why.contains("nonce"), "{why}");
    }
}

/// `oidcc-client-test-rp-backchannel-rpinitlogout-wrong-alg`
#[tokio::test]
async fn oidcc_client_test_rp_backchannel_rpinitlogout_wrong_alg() {
    let office = Office::new().await;
    // Keyed with the client's secret, and signed properly under another name.
    for alg in ["HS256", "ES256", "RS512"] {
        office
            .refused(|header, _| drop(header.insert("alg".to_owned(), json!(alg))))
            .await;
    }
}

/// `oidcc-client-test-rp-backchannel-rpinitlogout-wrong-aud`
#[tokio::test]
async fn oidcc_client_test_rp_backchannel_rpinitlogout_wrong_aud() {
    let office = Office::new().await;
    for aud in [json!(["other"]), json!([]), json!(["mail", "other"])] {
        let why = office
            .refused(|_, claims| drop(claims.insert("aud".to_owned(), aud)))
            .await;
        assert!(why.contains("audience") || why.contains("azp"), "{why}");
    }
}

/// `oidcc-client-test-rp-backchannel-rpinitlogout-wrong-event`
#[tokio::test]
async fn oidcc_client_test_rp_backchannel_rpinitlogout_wrong_event() {
    let office = Office::new().await;
    let other = "http://schemas.openid.net/event/other";
    for events in [json!({ other: {} }), json!({ EVENT: "yes" }), json!(EVENT)] {
        let why = office
            .refused(|_, claims| drop(claims.insert("events".to_owned(), events)))
            .await;
        assert!(why.contains("events"), "{why}");
    }
}

/// `oidcc-client-test-rp-backchannel-rpinitlogout-wrong-iss`
#[tokio::test]
async fn oidcc_client_test_rp_backchannel_rpinitlogout_wrong_iss() {
    let office = Office::new().await;
    let why = office
        .refused(|_, claims| drop(claims.insert("iss".to_owned(), json!("https://other"))))
        .await;
    assert!(why.contains("issuer"), "{why}");
}

#[tokio::test]
async fn other_spoiled_logout_tokens_end_nothing_either() {
    let office = Office::new().await;
    let now = office.world.app.now().secs();
    let set = |name: &'static str, value: Value| {
        move |_: &mut Map<String, Value>, claims: &mut Map<String, Value>| {
            claims.insert(name.to_owned(), value);
        }
    };
    for (name, value) in [
        ("jti", json!(null)),
        ("jti", json!("")),
        ("jti", json!("j".repeat(513))),
        ("sid", json!(7)),
        ("sub", json!("")),
        ("exp", json!(null)),
        ("exp", json!(now - 300)),
        ("iat", json!(now + 600)),
        ("iat", json!(now - 7200)),
    ] {
        let words = format!("{name} {value}");
        let why = office.refused(set(name, value)).await;
        assert!(!why.is_empty(), "{words}");
    }
    let nobody = |_: &mut Map<String, Value>, claims: &mut Map<String, Value>| {
        claims.remove("sub");
        claims.remove("sid");
    };
    assert!(office.refused(nobody).await.contains("neither"));
    let access = |header: &mut Map<String, Value>, _: &mut Map<String, Value>| {
        header.insert("typ".to_owned(), json!("at+jwt"));
    };
    assert!(office.refused(access).await.contains("at+jwt"));
    for garbage in ["", "a.b.c", "not a token"] {
        let answer = office.post(garbage).await.unwrap();
        assert!(matches!(answer, ProviderLogout::Refused(_)), "{garbage}");
    }
}

#[tokio::test]
async fn a_logout_token_counts_once_also_after_a_restart() {
    let office = Office::new().await;
    let token = office.token(office.leaving());
    let ended = Ok(ProviderLogout::Ended { sessions: 1 });
    assert_eq!(office.post(&token).await, ended);
    let restarted = office.world.app_by(FixedClock::at(office.world.app.now()));
    for app in [&office.world.app, &restarted] {
        let again = app.provider_logout(SLUG, &token).await.unwrap();
        assert!(
            matches!(&again, ProviderLogout::Refused(why) if why.contains("before")),
            "{again:?}"
        );
    }
}

#[tokio::test]
async fn sessions_are_found_by_person_by_session_or_by_both() {
    let office = Office::new().await;
    let by_sid = Leaving {
        subject: None,
        ..office.leaving()
    };
    let other = company(&office.world).person("bob").unwrap().subject;
    let mixed_up = Leaving {
        subject: Some(other.as_str()),
        ..office.leaving()
    };
    for (leaving, sessions, inside) in [
        (mixed_up, 0, [true, true, true]),
        (by_sid, 1, [false, true, true]),
        (by_sid, 0, [false, true, true]),
        (
            Leaving {
                sid: None,
                ..office.leaving()
            },
            1,
            [false, false, true],
        ),
    ] {
        let answer = office.post(&office.token(leaving)).await;
        assert_eq!(answer, Ok(ProviderLogout::Ended { sessions }));
        assert_eq!(office.inside().await, inside, "{leaving:?}");
    }
}

#[tokio::test]
async fn a_provider_that_is_switched_off_or_unknown_ends_nothing() {
    let office = Office::new().await;
    let token = office.token(office.leaving());
    let nowhere = office.world.app.provider_logout("nowhere", &token).await;
    assert!(matches!(nowhere, Ok(ProviderLogout::Refused(_))));
    office
        .world
        .provider(|settings| settings.active = false)
        .await;
    let answer = office.post(&token).await.unwrap();
    assert!(matches!(answer, ProviderLogout::Refused(_)), "{answer:?}");
    assert_eq!(office.inside().await, [true; 3]);
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_no_refusal() {
    let office = Office::new().await;
    let token = office.token(office.leaving());
    company(&office.world).misbehave(lab::misbehave::Misbehaviour::KeySetMissing);
    let restarted = office.world.app_by(FixedClock::at(office.world.app.now()));
    let answer = restarted.provider_logout(SLUG, &token).await;
    assert!(matches!(answer, Err(Problem::Unavailable(_))), "{answer:?}");
    assert_eq!(office.inside().await, [true; 3]);
    company(&office.world).behave();
    // The same token counts once the keys are there: it was not taken.
    let ended = Ok(ProviderLogout::Ended { sessions: 1 });
    assert_eq!(office.post(&token).await, ended);
}

#[tokio::test]
async fn mail_programs_go_on_when_a_browser_was_signed_out() {
    let office = Office::new().await;
    let everywhere = Leaving {
        sid: None,
        ..office.leaving()
    };
    let answer = office.post(&office.token(everywhere)).await;
    assert_eq!(answer, Ok(ProviderLogout::Ended { sessions: 2 }));
    let address = crate::world::address("alice@example.org");
    let view = office.world.app.mailbox(&address).await.unwrap();
    assert!(view.mailbox.active);
    assert!(
        world_effects(&office.world).await.is_empty(),
        "nobody is kicked"
    );
}

/// What the outbox holds.
async fn world_effects(world: &World) -> Vec<Value> {
    let store = store::Store::open_read_only(&world.dir.join("store.db"));
    let mut read = store.read().unwrap();
    let now = world.app.now();
    let due = store::outbox::due::<Value>(&mut read, store::outbox::Lane::Engines, now, 10).await;
    due.unwrap().into_iter().map(|row| row.effect).collect()
}
