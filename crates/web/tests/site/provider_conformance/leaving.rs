//! What the plans for signing out leave out: who is asked, whose word counts, the provider behind, and
//! requests that are no good.

use super::client::client;
use super::signed_in::{OUT, end_session, is_in};
use super::*;
use crate::world::PASSWORD;
use http::Request;
use http::header::{CONTENT_TYPE, HOST};
use model::outcome::Code;
use std::time::Duration;

const ANSWER: &str = "/oauth/end-session/answer";

/// Whether a page asks before anything ends.
fn asks(page: &Page) -> bool {
    page.status() == StatusCode::OK && page.form_with_button("Sign out").is_ok()
}

#[tokio::test]
async fn an_id_token_counts_in_its_session_long_after_its_end_and_is_asked_about_elsewhere() {
    let world = World::new().await;
    let files = client(&world, "files", |_| {}).await;
    let mut tab = erin(&world).await;
    let token = files.id_token(&world, &mut tab).await;
    let request = [
        ("id_token_hint", token.as_str()),
        ("post_logout_redirect_uri", OUT),
    ];
    // Another browser of hers, in which she opened nothing, or another sign-in to the same app.
    let mut other = erin(&world).await;
    for opened in [false, true] {
        if opened {
            files.id_token(&world, &mut other).await;
        }
        let page = other.open(&end_session(&world, &request)).await.unwrap();
        assert!(asks(&page), "{}", page.text());
        assert!(is_in(&world, &mut other).await);
    }
    let page = other.open(&end_session(&world, &request)).await.unwrap();
    let yes = page.form_with_button("Sign out").unwrap();
    let page = other.submit(yes).await.unwrap();
    assert_eq!(page.link("Back to Files").unwrap().as_str(), OUT);
    assert!(!is_in(&world, &mut other).await);

    // The token is good for an hour.
    for _ in 0..2 {
        let later = world.app.now().plus(Duration::from_secs(40 * 60));
        world.clock.set(later);
        assert!(is_in(&world, &mut tab).await, "hers goes on");
    }
    // Signing in anew is no end of what she opened before.
    let page = open(
        &world,
        &mut tab,
        &[("client_id", "files"), ("prompt", "login")],
    )
    .await;
    is_code(&world, &basic::signs_in(&mut tab, &page).await);
    let page = tab.open(&end_session(&world, &request)).await.unwrap();
    assert_eq!(page.location().unwrap().unwrap().as_str(), OUT);
    assert!(!is_in(&world, &mut tab).await);
}

#[tokio::test]
async fn an_id_token_of_a_key_that_signs_no_more_counts_and_of_a_switched_off_app_too() {
    let world = World::new().await;
    let files = client(&world, "files", |_| {}).await;
    let passes = async |hours: u32| {
        let later = world.app.now().plus(Duration::from_secs(3600) * hours);
        world.clock.set(later);
        world.app.sweep().await.unwrap();
    };
    world.app.signing().await.unwrap();
    // The next key is announced; this one still signs for an hour.
    passes(89 * 24).await;
    passes(23).await;
    let mut tab = erin(&world).await;
    let token = files.id_token(&world, &mut tab).await;
    passes(2).await;
    let next = files.id_token(&world, &mut tab).await;
    let key = |token: &str| token.split('.').next().map(str::to_owned);
    assert_ne!(key(&token), key(&next));
    let actor = model::audit::Actor::CommandLine;
    world
        .app
        .switch_app(files.app, false, &actor)
        .await
        .unwrap();
    let request = [
        ("id_token_hint", token.as_str()),
        ("post_logout_redirect_uri", OUT),
    ];
    let page = tab.open(&end_session(&world, &request)).await.unwrap();
    assert_eq!(page.location().unwrap().unwrap().as_str(), OUT);
    assert!(!is_in(&world, &mut tab).await);
}

#[tokio::test]
async fn somebody_else_and_an_administrator_are_asked() {
    let world = World::new().await;
    world.local_mailbox("frida@example.org").await;
    let files = client(&world, "files", |_| {}).await;
    let token = files.id_token(&world, &mut erin(&world).await).await;
    let request = [
        ("id_token_hint", token.as_str()),
        ("post_logout_redirect_uri", OUT),
    ];
    for (name, page) in [("frida@example.org", "/home"), ("karin", "/admin")] {
        let mut tab = tab(&world);
        world.sign_in(&mut tab, name, PASSWORD).await;
        let asked = tab.open(&end_session(&world, &request)).await.unwrap();
        assert!(
            asks(&asked) && asked.text().contains(name),
            "{}",
            asked.text()
        );
        let still = tab.open(&world.at(page)).await.unwrap();
        assert_eq!(still.url().path(), page);
        // The app showed an ID token of ours, so the way back is taken without a click, but by a
        // page: our policy lets no form lead elsewhere.
        let yes = asked.form_with_button("Sign out").unwrap();
        let out = tab.submit(yes).await.unwrap();
        assert_eq!(out.status(), StatusCode::OK);
        assert_eq!(out.header("refresh"), Some(format!("0;url={OUT}").as_str()));
        assert_eq!(
            out.header("content-security-policy"),
            Some(web::headers::CONTENT_SECURITY_POLICY)
        );
        let gone = tab.open(&world.at(page)).await.unwrap();
        assert_eq!(gone.url().path(), "/");
    }
}

#[tokio::test]
async fn whoever_stays_signed_in_goes_back_to_the_app() {
    let world = World::new().await;
    world.local_mailbox("frida@example.org").await;
    let files = client(&world, "files", |_| {}).await;
    let token = files.id_token(&world, &mut erin(&world).await).await;
    let mut tab = tab(&world);
    world.sign_in(&mut tab, "frida@example.org", PASSWORD).await;
    let back = ("post_logout_redirect_uri", OUT);
    for who in [("client_id", "files"), ("id_token_hint", token.as_str())] {
        let request = [who, back, ("state", "s")];
        let page = tab.open(&end_session(&world, &request)).await.unwrap();
        let stay = page.link("Stay signed in, back to Files").unwrap();
        // Without the state: what it stands for was not done.
        assert_eq!(stay.as_str(), OUT);
        assert!(is_in(&world, &mut tab).await);
        // Where no way back is known, the person's own page is.
        let page = tab.open(&end_session(&world, &[who])).await.unwrap();
        let stay = page.link("Stay signed in").unwrap();
        assert_eq!(stay.as_str(), world.at("/"));
    }
}

#[tokio::test]
async fn a_logout_token_is_no_id_token() {
    let world = World::new().await;
    let ear = crate::ear::Ear::open().await;
    let files = client(&world, "files", |s| {
        s.back_channel = Some(ear.url.clone());
        s.back_channel_private = true;
    })
    .await;
    let mut tab = erin(&world).await;
    let token = files.id_token(&world, &mut tab).await;
    let request = [("id_token_hint", token.as_str())];
    tab.open(&end_session(&world, &request)).await.unwrap();
    world.app.tell_apps().await.unwrap();
    let [body] = ear.heard().try_into().unwrap();
    let logout = body.strip_prefix("logout_token=").unwrap();
    let mut tab = erin(&world).await;
    let request = [("id_token_hint", logout)];
    let page = tab.open(&end_session(&world, &request)).await.unwrap();
    assert_eq!(page.status(), StatusCode::BAD_REQUEST);
    assert!(is_in(&world, &mut tab).await);
}

#[tokio::test]
async fn a_refusal_is_recorded_for_the_administrator_and_still_lets_the_person_out() {
    let world = World::new().await;
    let files = client(&world, "files", |_| {}).await;
    let mut tab = erin(&world).await;
    for (request, code, app) in [
        (
            vec![
                ("client_id", "files"),
                ("post_logout_redirect_uri", "https://evil.example/<b>"),
            ],
            Code::AppSignOut,
            Some(files.app),
        ),
        (vec![("client_id", "nobody")], Code::AppUnknown, None),
        (vec![("id_token_hint", "x")], Code::AppSignOut, None),
    ] {
        let page = tab.open(&end_session(&world, &request)).await.unwrap();
        assert_eq!(page.status(), StatusCode::BAD_REQUEST);
        assert_eq!(page.text_of("h1").unwrap(), code.entry().title);
        assert!(!page.body().contains("<b>") && !page.text().contains("evil"));
        let attempt = world.last_refused().await;
        let refusal = attempt.refusal.unwrap();
        assert_eq!((refusal.code, attempt.app), (code, app));
        assert!(!refusal.admin().contains('–'), "{}", refusal.admin());
    }
    let page = tab.page().unwrap();
    let yes = page.form_with_button("Sign out").unwrap();
    let page = tab.submit(yes).await.unwrap();
    assert_eq!(page.url().path(), "/signed-out");
    assert!(!is_in(&world, &mut tab).await);
}

#[tokio::test]
async fn a_form_of_the_app_carries_the_request_here() {
    let world = World::new().await;
    let files = client(&world, "files", |_| {}).await;
    let token = files.id_token(&world, &mut erin(&world).await).await;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("id_token_hint", &token)
        .append_pair("state", "a\r\nb: c")
        .finish();
    let post = |kind: &str| {
        Request::post("/oauth/end-session")
            .header(CONTENT_TYPE, kind)
            .header("origin", "https://files.example.com")
            .header("sec-fetch-site", "cross-site")
    };
    let answer = world
        .send(post("application/x-www-form-urlencoded"), &form)
        .await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let to = location(&answer);
    assert!(to.starts_with("/oauth/end-session?id_token_hint="), "{to}");
    assert!(to.contains("state=a%0D%0Ab"), "{to}");
    let long = format!("state={}", "a".repeat(70_000));
    for (kind, body, status) in [
        ("application/json", "{}", 415),
        ("application/x-www-form-urlencoded", "state=\u{0}", 303),
        ("application/x-www-form-urlencoded", long.as_str(), 413),
    ] {
        let answer = world.send(post(kind), body).await;
        assert_eq!(answer.status().as_u16(), status, "{kind}");
    }
}

/// What becomes of a form of an app that is sent here.
async fn carried(world: &World, tab: &mut Tab, parameters: &[(&str, &str)]) -> Page {
    let page = tab.open(&world.at("/home")).await.unwrap();
    let mut form = page
        .form_with_button("Sign out")
        .unwrap()
        .without("form_token")
        .with_action(&end_session(world, &[]))
        .unwrap();
    for (name, value) in parameters {
        form = form.tamper(name, value);
    }
    let page = tab.submit(form).await.unwrap();
    assert_eq!(page.text_of("h1").unwrap(), "Signing out");
    // Another site's form comes without cookies, and must not have them made anew.
    assert_eq!(page.header("set-cookie"), None);
    let on = page.form_with_button("Continue").unwrap();
    tab.submit(on).await.unwrap()
}

#[tokio::test]
async fn a_request_too_long_for_a_query_is_carried_by_a_form_of_ours() {
    let world = World::new().await;
    let files = client(&world, "files", |_| {}).await;
    let mut tab = erin(&world).await;
    let token = files.id_token(&world, &mut tab).await;
    // A long state: each of its characters takes three.
    let state = "/".repeat(4096);
    let rest = "x".repeat(5000);
    let request = [
        ("id_token_hint", token.as_str()),
        ("post_logout_redirect_uri", OUT),
        ("state", state.as_str()),
        ("logout_hint", rest.as_str()),
    ];
    let page = carried(&world, &mut tab, &request).await;
    assert_eq!(page.status(), StatusCode::OK, "{}", page.text());
    let onward = format!("{OUT}&state={}", "%2F".repeat(4096));
    assert_eq!(page.link("Back to Files").unwrap().as_str(), onward);
    assert!(!is_in(&world, &mut tab).await);
    // An app that only says which one it is: the person is asked.
    let mut tab = erin(&world).await;
    let request = [("client_id", "files"), request[1], request[2], request[3]];
    let page = carried(&world, &mut tab, &request).await;
    assert!(asks(&page), "{}", page.text());
    assert!(page.text().contains("erin@example.org"));
    let page = tab
        .submit(page.form_with_button("Sign out").unwrap())
        .await
        .unwrap();
    assert_eq!(page.link("Back to Files").unwrap().as_str(), onward);
    assert!(!is_in(&world, &mut tab).await);
}

#[tokio::test]
async fn a_request_too_long_to_be_read_is_refused_in_words() {
    let world = World::new().await;
    let mut tab = erin(&world).await;
    let long = "x".repeat(40_000);
    let request = [("client_id", "files"), ("id_token_hint", long.as_str())];
    let page = carried(&world, &mut tab, &request).await;
    assert_eq!(page.status(), StatusCode::BAD_REQUEST);
    assert_eq!(page.text_of("h1").unwrap(), Code::AppSignOut.entry().title);
    assert!(is_in(&world, &mut tab).await);
    let refusal = world.last_refusal().await;
    assert_eq!(refusal.code, Code::AppSignOut);
    assert!(
        refusal.admin().contains("more than 32768 bytes"),
        "{}",
        refusal.admin()
    );
    let page = tab
        .submit(page.form_with_button("Sign out").unwrap())
        .await
        .unwrap();
    assert_eq!(page.url().path(), "/signed-out");
}

#[tokio::test]
async fn nobody_else_brings_a_long_request() {
    let world = World::new().await;
    for (site, kind, body, status) in [
        (
            "cross-site",
            "application/x-www-form-urlencoded",
            "request=",
            403,
        ),
        ("same-origin", "application/json", "{}", 415),
        // A form that is no form of ours, and one without its field.
        (
            "same-origin",
            "application/x-www-form-urlencoded",
            "request=a&request=b",
            403,
        ),
        ("same-origin", "application/x-www-form-urlencoded", "", 403),
        (
            "same-origin",
            "application/x-www-form-urlencoded",
            "request=%00",
            303,
        ),
    ] {
        let post = Request::post("/oauth/end-session/brought")
            .header(CONTENT_TYPE, kind)
            .header("sec-fetch-site", site);
        let answer = world.send(post, body).await;
        assert_eq!(answer.status().as_u16(), status, "{site} {body}");
    }
}

#[tokio::test]
async fn requests_that_are_no_good_end_nothing() {
    let world = World::new().await;
    let files = client(&world, "files", |_| {}).await;
    let mut tab = erin(&world).await;
    let token = files.id_token(&world, &mut tab).await;
    let good = end_session(
        &world,
        &[
            ("id_token_hint", &token),
            ("post_logout_redirect_uri", OUT),
            ("state", "s"),
        ],
    );
    for (more, status) in [
        ("&id_token_hint=", 400),
        (&*format!("&id_token_hint={token}"), 400),
        ("&post_logout_redirect_uri=https%3A%2F%2Fevil.example", 400),
        ("&state=t", 400),
        ("&client_id=files&client_id=files", 400),
        ("&client_id=%00", 400),
        ("&client_id=FILES", 400),
        (&*format!("&logout_hint={}", "x".repeat(20_000)), 414),
    ] {
        let page = tab.open(&format!("{good}{more}")).await.unwrap();
        assert_eq!(page.status().as_u16(), status, "{more}");
        assert_eq!(page.location().unwrap(), None, "{more}");
        assert!(is_in(&world, &mut tab).await, "{more}");
    }
    let long = "s".repeat(5000);
    let request = [("client_id", "files"), ("state", long.as_str())];
    let page = tab.open(&end_session(&world, &request)).await.unwrap();
    assert_ne!(page.status(), StatusCode::SEE_OTHER);
    // What changes nothing may say anything, once.
    let more = format!("{good}&ui_locales=%0a&logout_hint=%00&other=1&other=2");
    let page = tab.open(&more).await.unwrap();
    assert_eq!(page.status(), StatusCode::SEE_OTHER, "{}", page.text());
    // Another name for this server changes nothing about where its pages lead.
    let foreign = Request::get("/oauth/end-session").header(HOST, "evil.example");
    let answer = world.send(foreign, "").await;
    if let Some(to) = answer.headers().get(LOCATION) {
        assert!(!to.to_str().unwrap().contains("evil"), "{to:?}");
    }
}

#[tokio::test]
async fn the_answer_is_given_on_our_page_alone() {
    let world = World::new().await;
    client(&world, "files", |_| {}).await;
    let mut tab = erin(&world).await;
    let request = [("client_id", "files"), ("post_logout_redirect_uri", OUT)];
    let page = tab.open(&end_session(&world, &request)).await.unwrap();
    let yes = page.form_with_button("Sign out").unwrap();
    let page = tab.submit(yes.tamper("form_token", "x")).await.unwrap();
    assert_eq!(page.status(), StatusCode::FORBIDDEN);
    assert!(is_in(&world, &mut tab).await);
    // What the form carries is judged anew.
    let page = tab.open(&end_session(&world, &request)).await.unwrap();
    let yes = page.form_with_button("Sign out").unwrap();
    let other = "client_id=files&post_logout_redirect_uri=https://evil.example";
    let page = tab.submit(yes.tamper("request", other)).await.unwrap();
    assert_eq!(page.status(), StatusCode::BAD_REQUEST);
    assert!(is_in(&world, &mut tab).await);
    let cross = Request::post(ANSWER)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "cross-site");
    let answer = world.send(cross, "request=").await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn by_the_providers_sign_out_page_and_back_to_the_app() {
    let world = crate::logout::signing_out_there().await;
    let files = client(&world, "files", |_| {}).await;
    let mut tab = world.browser().tab();
    world
        .by_company(&mut tab, "/sso/example/start", "alice")
        .await;
    tab.stop_before("https://files.example.com");
    let token = files.id_token(&world, &mut tab).await;
    let request = [
        ("id_token_hint", token.as_str()),
        ("post_logout_redirect_uri", OUT),
        ("state", "s"),
    ];
    let page = tab.open(&end_session(&world, &request)).await.unwrap();
    let there = page.link("Sign out at example SSO").unwrap();
    assert!(page.header("refresh").unwrap().ends_with(there.as_str()));
    assert!(!page.body().contains("files.example.com"));
    let back = tab.follow("Sign out at example SSO").await.unwrap();
    assert_eq!(back.url().path(), "/sso/example/signed-out");
    let onward = format!("{OUT}&state=s");
    assert_eq!(back.link("Back to Files").unwrap().as_str(), onward);
    assert_eq!(
        back.header("refresh"),
        Some(format!("0;url={onward}").as_str())
    );
    // An app that showed no ID token is gone back to by a link alone, on this way too.
    world
        .by_company(&mut tab, "/sso/example/start", "alice")
        .await;
    let request = [("client_id", "files"), ("post_logout_redirect_uri", OUT)];
    let asked = tab.open(&end_session(&world, &request)).await.unwrap();
    let yes = asked.form_with_button("Sign out").unwrap();
    tab.submit(yes).await.unwrap();
    let linked = tab.follow("Sign out at example SSO").await.unwrap();
    assert_eq!(linked.link("Back to Files").unwrap().as_str(), OUT);
    assert_eq!(linked.header("refresh"), None);
    // A second visit leads nowhere.
    let again = tab.open(back.url().as_str()).await.unwrap();
    assert!(again.link("Back to Files").is_err() && again.header("refresh").is_none());
}
