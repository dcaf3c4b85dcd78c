//! Apps are told that sessions ended: whatever ended them, however the app answers.

use crate::admin::karin;
use crate::ear::{Ear, Says, believed};
use crate::id_token::claims;
use crate::provider_conformance::client::{Client, client};
use crate::world::{PASSWORD, World};
use http::StatusCode;
use model::audit::Actor;
use model::oauth_app::{AppSettings, IdTokenAlg, SubjectKind};
use model::outcome::Code;
use model::session::Principal;
use std::time::Duration;
use testkit::browser::Tab;
use testkit::tls::Authority;

const ERIN: &str = "erin@example.org";

/// Has an app told at `ear`.
fn told_at(ear: &Ear) -> impl Fn(&mut AppSettings) + use<> {
    let url = ear.url.clone();
    move |settings| {
        settings.back_channel = Some(url.clone());
        settings.back_channel_private = true;
    }
}

/// Erin's tab, which stays before the app.
async fn erin(world: &World) -> Tab {
    let mut tab = world.browser().tab();
    tab.stop_before("https://files.example.com");
    world.sign_in(&mut tab, ERIN, PASSWORD).await;
    tab
}

async fn end_erins_sessions(world: &World) {
    let erin = world.app.mailbox(&ERIN.parse().unwrap()).await.unwrap();
    let sessions = Principal::Person(erin.mailbox.id);
    for session in world.app.sessions_of(sessions).await.unwrap() {
        world.app.end_session(sessions, session.id).await.unwrap();
    }
}

/// A world in which Erin signed in to the app `files`, which listens.
async fn listening() -> (World, Ear, Client, Tab) {
    let (world, ear) = (World::new().await, Ear::open().await);
    let files = client(&world, "files", told_at(&ear)).await;
    let mut tab = erin(&world).await;
    files.id_token(&world, &mut tab).await;
    (world, ear, files, tab)
}

async fn refusals(world: &World, app: &Client) -> Vec<model::outcome::Refusal> {
    let filter = app::attempts::AttemptFilter {
        refused: true,
        code: None,
        app: Some(app.app),
    };
    let found = world.app.attempts(filter, app::domains::Page::default());
    let found = found.await.unwrap().rows.into_iter();
    found.filter_map(|attempt| attempt.refusal).collect()
}

#[tokio::test]
async fn every_kind_of_app_is_told_in_its_own_words() {
    let (world, ear) = (World::new().await, Ear::open().await);
    let told = told_at(&ear);
    let mut tab = erin(&world).await;
    let mut subjects = std::collections::BTreeSet::new();
    for (id, alg, subject) in [
        ("plain", IdTokenAlg::Es256, SubjectKind::Public),
        ("older", IdTokenAlg::Rs256, SubjectKind::Public),
        ("apart", IdTokenAlg::Es256, SubjectKind::Pairwise),
    ] {
        let app = client(&world, id, |s| {
            told(s);
            s.id_token_alg = alg;
            s.subject = subject;
        })
        .await;
        let id_token = claims(&app.id_token(&world, &mut tab).await);
        end_erins_sessions(&world).await;
        world.app.tell_apps().await.unwrap();
        let [body] = ear.heard().try_into().unwrap();
        let told = believed(&world, id, &body).await;
        assert_eq!(told.subject.as_deref(), id_token["sub"].as_str(), "{id}");
        assert_eq!(told.sid.as_deref(), id_token["sid"].as_str(), "{id}");
        subjects.insert(told.subject);
        tab = erin(&world).await;
    }
    assert_eq!(subjects.len(), 2);
}

#[tokio::test]
async fn whatever_ends_a_session_is_told() {
    let (world, ear, files, mut tab) = listening().await;
    let actor = Actor::CommandLine;
    let again = async |tab: &mut Tab| {
        world.app.tell_apps().await.unwrap();
        let heard = ear.heard();
        *tab = erin(&world).await;
        files.id_token(&world, tab).await;
        heard.len()
    };
    // By the button.
    let home = tab.open(&world.at("/home")).await.unwrap();
    tab.submit(home.form_with_button("Sign out").unwrap())
        .await
        .unwrap();
    assert_eq!(again(&mut tab).await, 1, "the person signs out");
    // From here on of the session, and of all that she may have at the app since earlier ones.
    let erins = world.app.mailbox(&ERIN.parse().unwrap()).await.unwrap();
    world
        .app
        .disconnect(&actor, erins.mailbox.id, files.app)
        .await
        .unwrap();
    assert_eq!(again(&mut tab).await, 2, "the person disconnects it");
    world
        .app
        .disconnect_person(files.app, erins.mailbox.id, &actor)
        .await
        .unwrap();
    // Two web sessions of hers are alive by now, and one was told of already.
    assert_eq!(again(&mut tab).await, 2, "an administrator disconnects her");
    world
        .app
        .revoke_app_tokens(files.app, &actor)
        .await
        .unwrap();
    assert_eq!(again(&mut tab).await, 2, "all tokens of the app end");
    let address = ERIN.parse().unwrap();
    let off = world.app.disable_mailbox(&actor, &address, "gone");
    off.await.unwrap();
    world.app.tell_apps().await.unwrap();
    assert_eq!(ear.heard().len(), 2, "an administrator switches her off");
}

#[tokio::test]
async fn an_app_that_hangs_keeps_no_other_from_hearing() {
    let (world, ear, files, mut tab) = listening().await;
    let deaf = Ear::open().await;
    deaf.says(Says::Nothing);
    let other = client(&world, "hangs", told_at(&deaf)).await;
    other.id_token(&world, &mut tab).await;
    end_erins_sessions(&world).await;
    let telling = world.app.clone();
    let running = tokio::spawn(async move {
        telling.run_app_logouts(std::future::pending()).await;
    });
    let waited = Duration::from_secs(30);
    testkit::poll::until("the deaf app to be called", waited, async || {
        (deaf.calls() == 1).then_some(())
    })
    .await
    .unwrap();
    // While that call hangs, another session ends.
    let mut tab = erin(&world).await;
    files.id_token(&world, &mut tab).await;
    end_erins_sessions(&world).await;
    testkit::poll::until("the other app to hear of both", waited, async || {
        (ear.calls() == 2).then_some(())
    })
    .await
    .unwrap();
    let behind = world.app.not_told(other.app).await.unwrap();
    assert_eq!(behind, None, "the call has not even failed");
    running.abort();
}

#[tokio::test]
async fn what_fails_is_told_again_with_growing_pauses_and_given_up_after_a_day() {
    let (world, ear, files, _) = listening().await;
    ear.says(Says::Status(503, ""));
    end_erins_sessions(&world).await;
    let begun = world.app.now();
    let mut calls = Vec::new();
    // Every second for a minute, then every hour.
    let steps = [Duration::from_secs(1)].repeat(60);
    let steps = steps
        .into_iter()
        .chain([Duration::from_secs(3600)].repeat(30));
    for step in steps {
        world.app.tell_apps().await.unwrap();
        if !ear.heard().is_empty() {
            calls.push(world.app.now().since(begun).as_secs());
        }
        world.clock.set(world.app.now().plus(step));
    }
    assert_eq!(calls[..4], [0, 5, 15, 35]);
    assert!((10..30).contains(&calls.len()), "{calls:?}");
    assert!(*calls.last().unwrap() <= 26 * 3600, "{calls:?}");
    let [refusal] = refusals(&world, &files).await.try_into().unwrap();
    assert_eq!(refusal.code, Code::AppNotTold);
    assert!(
        refusal.admin().contains("status 503"),
        "{}",
        refusal.admin()
    );
    assert_eq!(world.app.not_told(files.app).await.unwrap(), None);
}

#[tokio::test]
async fn an_app_that_refuses_is_not_told_again() {
    let (world, ear, files, _) = listening().await;
    ear.says(Says::Status(
        400,
        r#"{"error":"invalid_request","error_description":"no <sid>"}"#,
    ));
    end_erins_sessions(&world).await;
    world.app.tell_apps().await.unwrap();
    world
        .clock
        .set(world.app.now().plus(Duration::from_secs(60)));
    world.app.tell_apps().await.unwrap();
    assert_eq!(ear.calls(), 1);
    let [refusal] = refusals(&world, &files).await.try_into().unwrap();
    assert_eq!(refusal.code, Code::AppNotTold);
    let words = refusal.admin();
    assert!(words.contains("invalid_request: no <sid>"), "{words}");
    let mut tab = karin(&world).await;
    let page = tab
        .open(&world.at(&format!("/admin/apps/{}/activity", files.app)))
        .await
        .unwrap();
    assert!(page.text().contains("OAUTH-714"), "{}", page.text());
    assert!(!page.body().contains("<sid>"));
}

#[tokio::test]
async fn the_administrator_reads_what_keeps_an_app_from_hearing() {
    let (world, ear, files, _) = listening().await;
    let elsewhere = Ear::open().await;
    ear.says(Says::Redirect(elsewhere.url.clone()));
    end_erins_sessions(&world).await;
    world.app.tell_apps().await.unwrap();
    assert_eq!((ear.calls(), elsewhere.calls()), (1, 0), "never followed");
    let mut tab = karin(&world).await;
    let page = tab
        .open(&world.at(&format!("/admin/apps/{}/activity", files.app)))
        .await
        .unwrap();
    let text = page.text();
    assert!(
        text.contains("It does not hear that people signed out"),
        "{text}"
    );
    assert!(text.contains("status 307"), "{text}");
    // Back again: it hears, and nothing is said any more.
    ear.says(Says::Status(204, ""));
    world
        .clock
        .set(world.app.now().plus(Duration::from_secs(5)));
    world.app.tell_apps().await.unwrap();
    assert_eq!(ear.calls(), 2);
    assert_eq!(world.app.not_told(files.app).await.unwrap(), None);
}

#[tokio::test]
async fn only_places_that_are_allowed_are_called() {
    let world = World::new().await;
    let ear = Ear::open().await;
    let mut tab = erin(&world).await;
    for (id, url, private, words) in [
        (
            "guarded",
            ear.url.clone(),
            false,
            "allow it in the app's settings",
        ),
        ("own", world.at("/oauth/end-session"), true, "itself"),
        (
            "cloud",
            "https://169.254.169.254/latest".to_owned(),
            true,
            "169.254.169.254",
        ),
        (
            "closed",
            "http://127.0.0.1:9/".to_owned(),
            true,
            "127.0.0.1:9",
        ),
    ] {
        let app = client(&world, id, |s| {
            s.back_channel = Some(url);
            s.back_channel_private = private;
        })
        .await;
        app.id_token(&world, &mut tab).await;
        end_erins_sessions(&world).await;
        world.app.tell_apps().await.unwrap();
        let behind = world.app.not_told(app.app).await.unwrap().unwrap();
        assert!(behind.problem.contains(words), "{id}: {}", behind.problem);
        tab = erin(&world).await;
    }
    assert_eq!(ear.calls(), 0);
}

#[tokio::test]
async fn an_app_is_told_whose_certificate_comes_from_an_authority_of_ones_own() {
    let world = World::new().await;
    let authority = Authority::new().unwrap();
    let certificate = authority.issue(&["localhost"]).unwrap();
    let ear = Ear::behind(&certificate).await;
    let files = client(&world, "files", told_at(&ear)).await;
    files.id_token(&world, &mut erin(&world).await).await;
    end_erins_sessions(&world).await;
    world.app.tell_apps().await.unwrap();
    let behind = world.app.not_told(files.app).await.unwrap().unwrap();
    let words = "which is not trusted";
    assert!(behind.problem.contains(words), "{}", behind.problem);
    let words = "add the CA certificate in the app's settings";
    assert!(behind.problem.ends_with(words), "{}", behind.problem);
    let mut tab = karin(&world).await;
    let at = world.at(&format!("/admin/apps/{}", files.app));
    // The server's own certificate does as well, and another authority does not.
    let other = Authority::new().unwrap();
    for (pem, heard) in [
        (other.pem(), 0),
        (authority.pem(), 1),
        (certificate.certificate_pem.clone(), 1),
        (format!("{}{}", other.pem(), authority.pem()), 1),
        (String::new(), 0),
    ] {
        let page = tab.open(&at).await.unwrap();
        let form = page.form_with_button("Save").unwrap();
        // As browsers send what stands in several lines.
        let typed = pem.replace('\n', "\r\n");
        tab.submit(form.fill("back_channel_ca", &typed).unwrap())
            .await
            .unwrap();
        let kept = world.app.oauth_app(files.app).await.unwrap().settings;
        let kept = kept.back_channel_ca.unwrap_or_default();
        assert_eq!(kept, pem.trim());
        files.id_token(&world, &mut erin(&world).await).await;
        end_erins_sessions(&world).await;
        world.app.tell_apps().await.unwrap();
        assert_eq!(usize::from(!ear.heard().is_empty()), heard, "{pem}");
    }
}

#[tokio::test]
async fn many_sessions_are_told_in_one_look_and_wait_together_when_nobody_answers() {
    let (world, ear, files, _) = listening().await;
    for _ in 0..9 {
        let mut tab = erin(&world).await;
        files.id_token(&world, &mut tab).await;
    }
    end_erins_sessions(&world).await;
    ear.says(Says::Status(503, ""));
    world.app.tell_apps().await.unwrap();
    assert_eq!(ear.heard().len(), 4, "the first few calls say so");
    world.app.tell_apps().await.unwrap();
    assert_eq!(ear.calls(), 0, "all of them wait");
    ear.says(Says::Status(200, ""));
    after(&world, 5);
    world.app.tell_apps().await.unwrap();
    assert_eq!(ear.heard().len(), 10);
    assert_eq!(world.app.not_told(files.app).await.unwrap(), None);
}

fn after(world: &World, seconds: u64) {
    let later = world.app.now().plus(Duration::from_secs(seconds));
    world.clock.set(later);
}

#[tokio::test]
async fn new_sessions_wait_for_the_next_try_of_an_app_that_fails() {
    let (world, ear, files, _) = listening().await;
    let deaf = [
        Says::Status(503, ""),
        Says::Status(502, ""),
        Says::Status(429, ""),
    ];
    ear.says(deaf[0].clone());
    end_erins_sessions(&world).await;
    let looked = async || {
        world.app.tell_apps().await.unwrap();
        ear.heard().len()
    };
    assert_eq!(looked().await, 1);
    let leaves = async || {
        files.id_token(&world, &mut erin(&world).await).await;
        end_erins_sessions(&world).await;
    };
    for (says, wait) in deaf.into_iter().zip([5, 10, 20]) {
        ear.says(says);
        for _ in 0..3 {
            leaves().await;
            assert_eq!(looked().await, 0, "it waits along");
        }
        let behind = world.app.not_told(files.app).await.unwrap().unwrap();
        assert_eq!(behind.again.since(world.app.now()).as_secs(), wait);
        after(&world, wait - 1);
        assert_eq!(looked().await, 0);
        after(&world, 1);
        assert_eq!(looked().await, 1, "one asks for all");
    }
    // It hears again, and all that waits goes out at once, what failed before too.
    ear.says(Says::Status(200, ""));
    leaves().await;
    after(&world, 40);
    assert_eq!(looked().await, 11);
    assert_eq!(world.app.not_told(files.app).await.unwrap(), None);
    leaves().await;
    assert_eq!(looked().await, 1, "as if nothing had been");
}

#[tokio::test]
async fn a_session_that_an_app_stumbles_over_keeps_no_other_waiting() {
    let (world, ear, files, _) = listening().await;
    let leaves = async || {
        files.id_token(&world, &mut erin(&world).await).await;
        end_erins_sessions(&world).await;
        world.app.tell_apps().await.unwrap();
        ear.heard().len()
    };
    for status in [500, 404] {
        ear.says(Says::Status(status, ""));
        assert!(leaves().await >= 1);
        ear.says(Says::Status(200, ""));
        assert_eq!(leaves().await, 1, "{status}: only the new one is due");
        let behind = world.app.not_told(files.app).await.unwrap().unwrap();
        let words = format!("status {status}");
        assert!(behind.problem.contains(&words), "{}", behind.problem);
        after(&world, 5);
        world.app.tell_apps().await.unwrap();
        assert!(!ear.heard().is_empty(), "it is tried again by itself");
        assert_eq!(world.app.not_told(files.app).await.unwrap(), None);
    }
}

#[tokio::test]
async fn what_waited_for_an_app_that_answers_again_is_not_given_up_untried() {
    let (world, ear, files, _) = listening().await;
    for _ in 0..9 {
        files.id_token(&world, &mut erin(&world).await).await;
    }
    end_erins_sessions(&world).await;
    ear.says(Says::Status(503, ""));
    world.app.tell_apps().await.unwrap();
    assert_eq!(ear.heard().len(), 4);
    // It is back after more than a day, but stumbles over all of them: what had no call before is
    // tried again.
    after(&world, 86_401);
    ear.says(Says::Status(500, ""));
    world.app.tell_apps().await.unwrap();
    assert_eq!(ear.heard().len(), 10);
    assert_eq!(
        refusals(&world, &files).await.len(),
        1,
        "of those that failed before"
    );
    ear.says(Says::Status(200, ""));
    after(&world, 5);
    world.app.tell_apps().await.unwrap();
    assert_eq!(ear.heard().len(), 6);
    assert_eq!(world.app.not_told(files.app).await.unwrap(), None);
}

#[tokio::test]
async fn what_an_administrator_saves_is_tried_at_once() {
    let (world, ear, files, _) = listening().await;
    let right = world.app.oauth_app(files.app).await.unwrap().settings;
    let gone = AppSettings {
        back_channel: Some("http://127.0.0.1:9/".to_owned()),
        ..right.clone()
    };
    let save = async |settings| {
        let actor = Actor::CommandLine;
        let saved = world.app.edit_app(files.app, settings, None, &actor);
        saved.await.unwrap();
        world.app.tell_apps().await.unwrap();
    };
    end_erins_sessions(&world).await;
    save(gone).await;
    assert!(world.app.not_told(files.app).await.unwrap().is_some());
    save(right).await;
    assert_eq!(ear.calls(), 1);
    assert_eq!(world.app.not_told(files.app).await.unwrap(), None);
}

#[tokio::test]
async fn what_waited_for_a_day_without_a_call_of_its_own_is_given_up_too() {
    let (world, ear, files, _) = listening().await;
    for _ in 0..9 {
        files.id_token(&world, &mut erin(&world).await).await;
    }
    end_erins_sessions(&world).await;
    ear.says(Says::Status(503, ""));
    world.app.tell_apps().await.unwrap();
    assert_eq!(ear.heard().len(), 4);
    after(&world, 86_400);
    world.app.tell_apps().await.unwrap();
    assert_eq!(ear.heard().len(), 1);
    let [refusal] = refusals(&world, &files).await.try_into().unwrap();
    assert_eq!(refusal.code, Code::AppNotTold);
    let words = refusal.admin();
    assert!(
        words.contains("status 503; 200 is right (10 sessions)"),
        "{words}"
    );
    assert_eq!(world.app.not_told(files.app).await.unwrap(), None);
    // Nothing is left to wait for, so the next one is told at once.
    ear.says(Says::Status(200, ""));
    files.id_token(&world, &mut erin(&world).await).await;
    end_erins_sessions(&world).await;
    world.app.tell_apps().await.unwrap();
    assert_eq!(ear.calls(), 1);
}

#[tokio::test]
async fn forms_say_what_is_wrong_with_the_places_of_signing_out() {
    let world = World::new().await;
    let files = client(&world, "files", |_| {}).await;
    let mut tab = karin(&world).await;
    let at = world.at(&format!("/admin/apps/{}", files.app));
    let form = async |tab: &mut Tab| {
        let page = tab.open(&at).await.unwrap();
        page.form_with_button("Save").unwrap()
    };
    let long = "+".repeat(70_000);
    for (field, value) in [
        ("back_channel", "http://a.example/out"),
        ("back_channel", "org.example.app:/out"),
        ("back_channel", "https://user:pass@a.example/out"),
        ("back_channel_ca", "my authority"),
        ("back_channel_ca", "-----BEGIN PRIVATE KEY-----"),
        ("back_channel_ca", long.as_str()),
        ("sign_out_redirects", "javascript:alert(1)"),
        ("sign_out_redirects", "https://*.a.example/"),
    ] {
        let filled = form(&mut tab).await.fill(field, value).unwrap();
        let page = tab.submit(filled).await.unwrap();
        assert_eq!(page.status(), StatusCode::UNPROCESSABLE_ENTITY, "{value}");
    }
    let filled = form(&mut tab)
        .await
        .fill(
            "sign_out_redirects",
            "https://a.example/1\nhttps://a.example/2",
        )
        .unwrap()
        .fill("back_channel", "https://a.example/told")
        .unwrap()
        .tick("back_channel_private", "true")
        .unwrap();
    tab.submit(filled).await.unwrap();
    let kept = world.app.oauth_app(files.app).await.unwrap().settings;
    assert_eq!(kept.sign_out_redirects.len(), 2);
    assert_eq!(kept.back_channel.as_deref(), Some("https://a.example/told"));
    assert!(kept.back_channel_private);
    // Saved again as it is shown, nothing changes; without the place the permission goes too.
    let same = form(&mut tab).await;
    tab.submit(same).await.unwrap();
    let again = world.app.oauth_app(files.app).await.unwrap().settings;
    assert_eq!(again, kept);
    let none = form(&mut tab).await.fill("back_channel", "").unwrap();
    tab.submit(none).await.unwrap();
    let after = world.app.oauth_app(files.app).await.unwrap().settings;
    assert!(after.back_channel.is_none() && !after.back_channel_private);
}
