//! What the plans leave out: who may not, who is always asked, challenges, which way people sign
//! in, forged marks, taking back.

use super::round::{Round, is_invalid_grant};
use super::*;
use crate::admin::karin;
use http::Request;
use http::header::CONTENT_TYPE;
use model::oauth_app::{AppAccess, AppKind, Consent, PkceRule};
use model::outcome::Code;
use oidc::callback::Delivery;

#[tokio::test]
async fn an_unknown_app_and_one_that_is_off_lead_nowhere() {
    let world = world().await;
    add(&world, "off", |s| s.active = false).await;
    let mut tab = erin(&world).await;
    for (client, code) in [
        ("nobody", Code::AppUnknown),
        ("", Code::AppUnknown),
        ("off", Code::AppOff),
    ] {
        let page = open(
            &world,
            &mut tab,
            &[("client_id", client), ("prompt", "none")],
        )
        .await;
        assert_eq!(page.status().as_u16(), code.entry().status, "{client}");
        assert_eq!(page.text_of("h1").unwrap(), code.entry().title);
        assert_eq!(world.last_refusal().await.code, code);
    }
    let twice = format!("{}&client_id=files", request(&world, &[]));
    let page = tab.open(&twice).await.unwrap();
    assert_eq!(page.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn who_may_not_use_an_app_reads_so_and_the_app_is_told() {
    let world = world().await;
    add(&world, "board", |s| {
        s.access = AppAccess::Only {
            domains: [].into(),
            tags: ["board".to_owned()].into(),
        };
    })
    .await;
    let mut tab = erin(&world).await;
    let page = open(&world, &mut tab, &[("client_id", "board")]).await;
    assert_eq!(page.status(), StatusCode::FORBIDDEN);
    let back = page.link("Back to Files").unwrap();
    assert!(
        back.as_str().starts_with(BACK) && back.as_str().contains("access_denied"),
        "{back}"
    );
    assert_eq!(world.last_refusal().await.code, Code::AppNotForYou);
    let page = open(
        &world,
        &mut tab,
        &[("client_id", "board"), ("prompt", "none")],
    )
    .await;
    assert_eq!(error(&world, &page), "access_denied");
}

#[tokio::test]
async fn a_denial_goes_to_the_app() {
    let world = world().await;
    let mut tab = erin(&world).await;
    let page = open(&world, &mut tab, &[]).await;
    let form = page
        .form_with_button("Deny")
        .unwrap()
        .press("Deny")
        .unwrap();
    let page = tab.submit(form).await.unwrap();
    assert_eq!(error(&world, &page), "access_denied");
    assert_eq!(world.last_refusal().await.code, Code::AppDenied);
    // Nothing was allowed.
    let page = open(&world, &mut tab, &[("prompt", "none")]).await;
    assert_eq!(error(&world, &page), "consent_required");
}

#[tokio::test]
async fn scopes_and_pkce_are_refused_by_their_codes() {
    let world = world().await;
    add(&world, "strict", |s| s.pkce = PkceRule::Required).await;
    let mut tab = erin(&world).await;
    let page = open(&world, &mut tab, &[("scope", "address phone")]).await;
    assert_eq!(error(&world, &page), "invalid_scope");
    assert_eq!(world.last_refusal().await.code, Code::AppScope);
    for pkce in [
        vec![],
        vec![("code_challenge", CHALLENGE)],
        vec![
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "plain"),
        ],
    ] {
        let mut other = vec![("client_id", "strict")];
        other.extend(pkce);
        let page = open(&world, &mut tab, &other).await;
        assert_eq!(error(&world, &page), "invalid_request");
        assert_eq!(world.last_refusal().await.code, Code::AppPkce);
    }
}

#[tokio::test]
async fn mailcows_clients_ask_as_they_always_did() {
    let world = world().await;
    add(&world, "old", |s| s.mailcow = true).await;
    let mut tab = erin(&world).await;
    let old = [
        ("client_id", "old"),
        ("scope", "unheard"),
        ("nonce", ""),
        ("redirect_uri", ""),
    ];
    let page = open(&world, &mut tab, &old).await;
    assert!(page.text().contains("Your name"), "{}", page.text());
    let code = &answered(&allow(&mut tab, &page).await)["code"];
    assert!(code.len() == 40 && code.bytes().all(|b| b.is_ascii_hexdigit()));
    let page = open(&world, &mut tab, &[("client_id", "old"), ("state", "")]).await;
    assert_eq!(answered(&page)["error"], "invalid_request");
}

/// S5: `plain` is for mailcow's clients alone, and is held to.
#[tokio::test]
async fn mailcows_clients_may_use_plain_challenges() {
    const PLAIN: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let round = Round::with(Delivery::Query, |s| s.mailcow = true).await;
    let mut tab = erin(&round.world).await;
    for method in ["plain", ""] {
        let plain = [
            ("code_challenge", PLAIN),
            ("code_challenge_method", method),
            ("prompt", "consent"),
        ];
        let page = round.ask(&mut tab, &plain).await;
        let code = round.code(&allow(&mut tab, &page).await);
        is_invalid_grant(&round.redeem(&code, &[]).await);
        is_invalid_grant(&round.redeem(&code, &[("code_verifier", CHALLENGE)]).await);
        let (status, told) = round.redeem(&code, &[("code_verifier", PLAIN)]).await;
        assert_eq!(status, StatusCode::OK, "{told}");
    }
}

#[tokio::test]
async fn apps_that_cannot_prove_themselves_always_ask_and_trusted_ones_do_not() {
    let world = world().await;
    add(&world, "public", |s| s.kind = AppKind::Public).await;
    add(&world, "trusted", |s| s.consent = Consent::Trusted).await;
    let mut tab = erin(&world).await;
    is_code(
        &world,
        &open(&world, &mut tab, &[("client_id", "trusted")]).await,
    );
    let public = [
        ("client_id", "public"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for _ in 0..2 {
        let page = open(&world, &mut tab, &public).await;
        is_code(&world, &allow(&mut tab, &page).await);
    }
    // With a secret, and answers that stay on the person's own machine.
    let places = ["http://127.0.0.1/cb", "org.example.mail:/cb"];
    add(&world, "own", |s| {
        s.redirects = places.map(str::to_owned).into()
    })
    .await;
    for place in places {
        for _ in 0..2 {
            let own = [("client_id", "own"), ("redirect_uri", place)];
            let page = open(&world, &mut tab, &own).await;
            let form = page.form_with_button("Allow").unwrap();
            tab.stop_before(place);
            let page = tab.submit(form.press("Allow").unwrap()).await.unwrap();
            let to = page.location().unwrap().unwrap();
            assert!(to.as_str().contains("code="), "{to}");
        }
    }
}

#[tokio::test]
async fn the_consent_page_lets_its_form_lead_to_the_app_and_nowhere_else() {
    let world = world().await;
    add(&world, "own", |s| {
        s.redirects = vec![
            "http://127.0.0.1/cb".to_owned(),
            "org.example.mail:/cb".to_owned(),
        ];
    })
    .await;
    let mut tab = erin(&world).await;
    for (client, redirect, source) in [
        ("files", BACK, "https://files.example.com"),
        ("own", "http://127.0.0.1:4711/cb", "http://127.0.0.1:4711"),
        ("own", "org.example.mail:/cb", "org.example.mail:"),
    ] {
        let other = [("client_id", client), ("redirect_uri", redirect)];
        let page = open(&world, &mut tab, &other).await;
        let policy = page.header("content-security-policy").unwrap();
        let expected = web::headers::CONTENT_SECURITY_POLICY.replace(
            "form-action 'self'",
            &format!("form-action 'self' {source}"),
        );
        assert_eq!(policy, expected);
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    }
    let page = tab.open(&world.at("/home")).await.unwrap();
    let policy = page.header("content-security-policy");
    assert_eq!(policy, Some(web::headers::CONTENT_SECURITY_POLICY));
}

#[tokio::test]
async fn an_answer_by_form_is_a_page_with_a_button() {
    let world = world().await;
    let mut tab = erin(&world).await;
    let posted = [("response_mode", "form_post")];
    let page = open(&world, &mut tab, &posted).await;
    let page = allow(&mut tab, &page).await;
    let form = page.form("form[data-onward]").unwrap();
    assert_eq!(form.action().as_str(), BACK);
    assert_eq!(form.value("state").as_deref(), Some("st ate&1"));
    assert_eq!(form.value("code").unwrap().len(), 43);
    assert_eq!(form.value("iss"), Some(world.url.clone()));
}

#[tokio::test]
async fn consent_is_given_on_our_page_alone() {
    let world = world().await;
    let mut tab = erin(&world).await;
    let page = open(&world, &mut tab, &[]).await;
    let form = page
        .form_with_button("Allow")
        .unwrap()
        .press("Allow")
        .unwrap();
    let page = tab.submit(form.tamper("form_token", "x")).await.unwrap();
    assert_eq!(page.status(), StatusCode::FORBIDDEN);
    assert!(page.text().contains("One moment"), "{}", page.text());
    let page = tab.follow("Continue").await.unwrap();
    let form = page
        .form_with_button("Allow")
        .unwrap()
        .press("Allow")
        .unwrap();
    let other = request(&world, &[("redirect_uri", "https://evil.example/cb")]);
    let form = form.tamper("request", other.split_once('?').unwrap().1);
    let page = tab.submit(form).await.unwrap();
    assert_eq!(page.status(), StatusCode::BAD_REQUEST, "{}", page.text());
    let nobody =
        Request::post("/oauth/consent").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = world.send(nobody, "request=x&answer=allow").await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_mark_that_is_not_ours_answers_no_demand() {
    let world = world().await;
    let mut tab = erin(&world).await;
    let own = open(&world, &mut tab, &[("prompt", "login")]).await;
    let own = own.attribute("input[name=next]", "value").unwrap();
    let mark = own.split_once("gatepost_asked=").unwrap().1.to_owned();
    let parts: Vec<_> = mark.split('.').collect();
    let [kind, session, at, tag] = parts[..] else {
        panic!("{mark}");
    };
    let changed = format!("{kind}.0.{at}.{tag}");
    let weaker = format!("age.{session}.{at}.{tag}");
    let forged = format!("anew.0.0.{}", "0".repeat(64));
    for mark in [changed.as_str(), &weaker, &forged, "", "0", "w.x.y.z"] {
        let url = format!(
            "{}&gatepost_asked={mark}",
            request(&world, &[("prompt", "login")])
        );
        let page = tab.open(&url).await.unwrap();
        assert!(
            page.text().contains("Sign in again"),
            "{mark}: {}",
            page.text()
        );
    }
    // Another browser's mark says nothing either, nor does one for another request.
    let mut other = erin(&world).await;
    let page = other.open(&world.at(&own)).await.unwrap();
    assert!(page.text().contains("Sign in again"), "{}", page.text());
}

#[tokio::test]
async fn the_way_by_a_provider_comes_back_to_the_app() {
    let world = world().await;
    let straight = world.app.provider("example").await.unwrap().id;
    add(&world, "straight", |s| s.straight_to = Some(straight)).await;
    let mut tab = tab(&world);
    let page = open(&world, &mut tab, &[("client_id", "straight")]).await;
    assert!(
        page.url().as_str().starts_with(world.company.issuer()),
        "{}",
        page.url()
    );
    let page = world.as_person(&mut tab, &page, "alice").await;
    assert_eq!(page.text_of("h1").unwrap(), "You are signed in");
    let page = tab.follow("Continue").await.unwrap();
    assert!(page.text().contains("alice@example.org"), "{}", page.text());
    is_code(&world, &allow(&mut tab, &page).await);
    // The provider is to ask anew, too.
    let mut anew = super::tab(&world);
    let asked = [("client_id", "straight"), ("prompt", "login")];
    let page = open(&world, &mut anew, &asked).await;
    assert!(
        page.url().as_str().starts_with(world.company.issuer()),
        "{}",
        page.url()
    );
    assert!(
        anew.hops()
            .iter()
            .any(|hop| format!("{hop:?}").contains("prompt=login")),
        "{:?}",
        anew.hops()
    );
}

#[tokio::test]
async fn a_session_through_a_forbidden_provider_does_not_count() {
    let world = world().await;
    let never = world.app.provider("example").await.unwrap().id;
    add(&world, "loop", |s| s.never_through = [never].into()).await;
    let mut tab = tab(&world);
    let page = world
        .by_company(&mut tab, "/sso/example/start", "alice")
        .await;
    assert_eq!(page.url().path(), "/home", "{}", page.text());
    let page = open(&world, &mut tab, &[("client_id", "loop")]).await;
    let text = page.text();
    assert!(
        text.contains("Sign in another way") && !text.contains("example SSO"),
        "{text}"
    );
    let page = open(
        &world,
        &mut tab,
        &[("client_id", "loop"), ("prompt", "none")],
    )
    .await;
    assert_eq!(error(&world, &page), "login_required");
}

#[tokio::test]
async fn three_sign_ins_without_end_are_a_circle() {
    let world = world().await;
    let straight = world.app.provider("example").await.unwrap().id;
    add(&world, "straight", |s| s.straight_to = Some(straight)).await;
    let mut tab = tab(&world);
    let asked = [("client_id", "straight")];
    for _ in 0..3 {
        let page = open(&world, &mut tab, &asked).await;
        assert!(
            page.url().as_str().starts_with(world.company.issuer()),
            "{}",
            page.text()
        );
    }
    let page = open(&world, &mut tab, &asked).await;
    assert_eq!(page.status(), StatusCode::CONFLICT, "{}", page.text());
    let text = page.text();
    assert!(
        text.contains("Files") && text.contains("example SSO"),
        "{text}"
    );
    assert_eq!(world.last_refusal().await.code, Code::AppCircle);
    world.clock.advance(std::time::Duration::from_secs(301));
    let page = open(&world, &mut tab, &asked).await;
    assert!(
        page.url().as_str().starts_with(world.company.issuer()),
        "{}",
        page.text()
    );
}

#[tokio::test]
async fn an_administrator_reads_what_differs_and_is_sent_to_no_app() {
    let world = world().await;
    let mut tab = karin(&world).await;
    tab.stop_before("https://files.example.com");
    let page = open(
        &world,
        &mut tab,
        &[("redirect_uri", "https://files.example.com/cb/")],
    )
    .await;
    assert_eq!(page.text_of("ins").unwrap(), "/");
    let form = tab.follow("Add this URI").await.unwrap();
    let received = "https://files.example.com/cb/";
    assert!(form.body().contains(received), "{}", form.text());
    let page = open(&world, &mut tab, &[]).await;
    assert!(
        page.text().contains("owner of a mailbox"),
        "{}",
        page.text()
    );
}

#[tokio::test]
async fn people_see_their_apps_and_take_them_back() {
    let world = world().await;
    let mut tab = erin(&world).await;
    let page = tab.open(&world.at("/apps")).await.unwrap();
    assert!(
        page.text().contains("No connected websites yet"),
        "{}",
        page.text()
    );
    let page = open(&world, &mut tab, &[]).await;
    is_code(&world, &allow(&mut tab, &page).await);
    let page = tab.open(&world.at("/apps")).await.unwrap();
    assert!(
        page.text().contains("Files") && page.text().contains("Your address"),
        "{}",
        page.text()
    );
    let page = tab.follow("Disconnect").await.unwrap();
    let form = page.form_with_button("Disconnect").unwrap();
    let page = tab.submit(form).await.unwrap();
    assert!(
        page.text().contains("No connected websites yet"),
        "{}",
        page.text()
    );
    assert_eq!(world.grants("erin@example.org", OauthAppId(1)).await, []);
    let page = open(&world, &mut tab, &[("prompt", "none")]).await;
    assert_eq!(error(&world, &page), "consent_required");
    let gone = tab.open(&world.at("/apps/1/disconnect")).await.unwrap();
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn who_is_switched_off_loses_every_app() {
    let world = world().await;
    add(&world, "away", |s| s.consent = Consent::Trusted).await;
    let mut tab = erin(&world).await;
    let away = [("client_id", "away"), ("scope", "openid offline_access")];
    is_code(&world, &open(&world, &mut tab, &away).await);
    let erin = "erin@example.org".parse().unwrap();
    let held = async || world.grants("erin@example.org", OauthAppId(2)).await;
    let grants = held().await;
    assert_eq!(grants.len(), 1);
    assert_eq!(grants[0].session, None);
    let off = world
        .app
        .disable_mailbox(&model::audit::Actor::CommandLine, &erin, "left");
    off.await.unwrap();
    assert!(held().await.is_empty());
}

#[tokio::test]
async fn nobody_is_passed_off_as_the_person_an_app_asked_for() {
    let world = world().await;
    add(&world, "trusting", |s| s.consent = Consent::Trusted).await;
    let mut tab = erin(&world).await;
    let other = r#"{"id_token":{"sub":{"value":"somebody-else"}}}"#;
    let asked = [("client_id", "trusting"), ("claims", other)];
    let page = open(&world, &mut tab, &[asked[0], asked[1], ("prompt", "none")]).await;
    assert_eq!(error(&world, &page), "login_required");

    // She may be somebody else: she is asked to sign in, and it is her again.
    let page = open(&world, &mut tab, &asked).await;
    let form = page.form_with_button("Sign in").unwrap();
    let form = form.fill("name", "erin@example.org").unwrap();
    let form = form.fill("password", crate::world::PASSWORD).unwrap();
    tab.submit(form).await.unwrap();
    let page = tab.follow("Continue").await.unwrap();
    assert_eq!(error(&world, &page), "login_required");
}

#[tokio::test]
async fn what_an_app_was_trusted_with_is_asked_once_it_is_not() {
    let world = world().await;
    let id = add(&world, "app", |s| s.consent = Consent::Trusted).await;
    let mut tab = erin(&world).await;
    let wants = |scope| [("client_id", "app"), ("scope", scope)];
    is_code(
        &world,
        &open(&world, &mut tab, &wants("openid email")).await,
    );

    let mut settings = {
        let store = world.store();
        let mut read = store.read().unwrap();
        let app = store::oauth_apps::by_id(&mut read, id).await.unwrap();
        app.unwrap().settings
    };
    settings.consent = Consent::Ask;
    let now = world.app.now();
    let store = world.store();
    let changed = store.write(async move |tx: &mut store::Conn| {
        store::oauth_apps::update(tx, id, &settings, None, now).await
    });
    assert_eq!(changed.await, Ok::<_, store::StoreError>(true));

    let page = open(&world, &mut tab, &wants("openid")).await;
    is_code(&world, &allow(&mut tab, &page).await);
    let page = open(&world, &mut tab, &wants("openid email")).await;
    is_code(&world, &allow(&mut tab, &page).await);
    is_code(
        &world,
        &open(&world, &mut tab, &wants("openid email")).await,
    );
}
