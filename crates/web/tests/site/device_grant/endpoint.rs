//! The device authorization endpoint, and what a device gets in the end.

use super::{
    ERIN, SCOPE, add, allow, begin, change, erin, poll, poll_as, post, television, waits, world,
};
use crate::world::World;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request, StatusCode, header};
use model::audit::Actor;
use model::oauth_app::{AppAccess, AppKind, AppSettings, RefreshRule};
use model::outcome::Code;
use model::user_code::UserCode;
use serde_json::Value;
use std::collections::BTreeSet;

#[tokio::test]
async fn a_device_gets_two_codes_and_where_to_type_one() {
    let (world, _) = world().await;
    let answer = begin(&world, "client_id=tv&scope=openid+phone+email").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json);
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    let code = answer.member("user_code");
    assert_eq!(UserCode::parse(&code).unwrap().to_string(), code);
    assert_eq!(answer.member("device_code").len(), 43);
    assert_eq!(answer.member("verification_uri"), world.at("/connect"));
    let complete = world.at(&format!("/connect?user_code={code}"));
    assert_eq!(answer.member("verification_uri_complete"), complete);
    assert_eq!(answer.json["expires_in"], 600);
    assert_eq!(answer.json["interval"], 5);

    let again = begin(&world, "client_id=tv&scope=openid").await;
    for name in ["user_code", "device_code"] {
        assert_ne!(again.member(name), answer.member(name));
    }
    let path = "/.well-known/oauth-authorization-server";
    let metadata = world.send(Request::get(path), "").await;
    let metadata = axum::body::to_bytes(metadata.into_body(), 1 << 16).await;
    let metadata: Value = serde_json::from_slice(&metadata.unwrap()).unwrap();
    assert_eq!(
        metadata["device_authorization_endpoint"],
        world.at("/oauth/device_authorization")
    );
    let grants = metadata["grant_types_supported"].as_array().unwrap();
    let device = "urn:ietf:params:oauth:grant-type:device_code";
    assert!(grants.contains(&Value::from(device)), "{grants:?}");
}

#[tokio::test]
async fn codes_are_not_in_the_store() {
    let (world, _) = world().await;
    let tv = waits(&world).await;
    let file = world.picture().concat();
    assert!(!file.is_empty());
    for secret in [
        tv.device_code.as_str(),
        &tv.user_code,
        &tv.user_code.replace('-', ""),
    ] {
        let found = file
            .windows(secret.len())
            .any(|bytes| bytes == secret.as_bytes());
        assert!(!found, "{secret}");
    }
}

#[tokio::test]
async fn whoever_may_not_ask_is_told_why() {
    let (world, tv) = world().await;
    add(
        &world,
        "web",
        AppSettings {
            devices: false,
            ..television()
        },
    )
    .await;
    for (form, status, error) in [
        ("", 401, "invalid_client"),
        ("scope=openid", 401, "invalid_client"),
        ("client_id=nobody&scope=openid", 401, "invalid_client"),
        (
            "client_id=tv&client_secret=x&scope=openid",
            401,
            "invalid_client",
        ),
        ("client_id=web&scope=openid", 400, "unauthorized_client"),
        ("client_id=tv", 400, "invalid_scope"),
        ("client_id=tv&scope=phone", 400, "invalid_scope"),
        ("client_id=tv&scope=%22", 400, "invalid_scope"),
        (
            "client_id=tv&scope=openid&scope=openid",
            400,
            "invalid_request",
        ),
        (
            "client_id=tv&client_id=tv&scope=openid",
            400,
            "invalid_request",
        ),
        ("client_id=tv&scope=%00", 400, "invalid_request"),
        ("%ff=%ff&client_id=%ff", 400, "invalid_request"),
    ] {
        let answer = begin(&world, form).await;
        assert_eq!(answer.error(), (status, error.to_owned()), "{form}");
    }
    begin(&world, "client_id=web&scope=openid").await;
    let refusal = world.last_refusal().await;
    let (code, words) = (refusal.code, refusal.admin());
    assert_eq!(code, Code::AppDevices, "{words}");
    change(&world, tv, |tv| tv.active = false).await;
    let off = begin(&world, "client_id=tv&scope=openid").await;
    assert_eq!(off.error(), (400, "unauthorized_client".to_owned()));
    assert_eq!(world.last_refusal().await.code, Code::AppOff);

    let path = "/oauth/device_authorization";
    let get = world.send(Request::get(path), "").await;
    assert_eq!(get.status(), StatusCode::METHOD_NOT_ALLOWED);
    let json = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json");
    let json = world.send(json, r#"{"client_id":"tv"}"#).await;
    assert_eq!(json.status(), StatusCode::BAD_REQUEST);
    let long = format!("client_id=tv&scope=openid&x={}", "x".repeat(40_000));
    assert_eq!(begin(&world, &long).await.error().0, 400);
}

#[tokio::test]
async fn an_app_with_a_secret_proves_it() {
    let world = World::new().await;
    let settings = AppSettings {
        kind: AppKind::Confidential,
        mailcow: true,
        ..television()
    };
    let made = world
        .app
        .add_app(settings, &Actor::CommandLine)
        .await
        .unwrap();
    let id = made.app.client_id;
    let secret = made.secret.unwrap();
    let secret = secrecy::ExposeSecret::expose_secret(&secret);
    let send = async |secret: &str| {
        let pair = STANDARD.encode(format!("{id}:{secret}"));
        let request = Request::post("/oauth/device_authorization")
            .header(header::AUTHORIZATION, format!("Basic {pair}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        world.send(request, "").await.status()
    };
    // mailcow's clients have a scope without asking for one.
    assert_eq!(send(secret).await, StatusCode::OK);
    assert_eq!(send("wrong").await, StatusCode::BAD_REQUEST);
    let silent = begin(&world, &format!("client_id={id}")).await;
    assert_eq!(silent.error(), (400, "invalid_client".to_owned()));
}

#[tokio::test]
async fn the_whole_way_from_the_code_to_signed_in() {
    let (world, app) = world().await;
    let tv = waits(&world).await;
    assert_eq!(poll(&world, &tv).await, "authorization_pending");
    let mut tab = erin(&world).await;
    allow(&world, &mut tab, &tv).await;
    world.clock.advance(super::seconds(5));
    let answer = poll_as(&world, "tv", &tv).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json);
    assert_eq!(answer.member("scope"), SCOPE);
    assert_eq!(answer.member("token_type"), "Bearer");
    let said = crate::id_token::verified(&world, &answer.member("id_token")).await;
    assert_eq!(said["aud"], "tv");
    assert_eq!(said["iss"], world.url);
    assert!(said["auth_time"].is_number() && !said.contains_key("nonce"));

    let userinfo = Request::get("/oauth/userinfo").header(
        header::AUTHORIZATION,
        format!("Bearer {}", answer.member("access_token")),
    );
    let userinfo = world.send(userinfo, "").await;
    let body = axum::body::to_bytes(userinfo.into_body(), 1 << 16).await;
    let person: Value = serde_json::from_slice(&body.unwrap()).unwrap();
    assert_eq!(person["email"], ERIN);
    assert_eq!(person["sub"], said["sub"]);

    let refresh =
        |token: String| format!("grant_type=refresh_token&client_id=tv&refresh_token={token}");
    let first = refresh(answer.member("refresh_token"));
    let fresh = post(&world, "/oauth/token", &first).await;
    assert_eq!(fresh.status, StatusCode::OK, "{}", fresh.json);

    // Erin finds it, and so does the administrator.
    let list = tab.open(&world.at("/apps")).await.unwrap();
    assert!(list.text().contains("Television"), "{}", list.text());
    let mut karin = crate::admin::karin(&world).await;
    let path = world.at(&format!("/admin/apps/{app}/people"));
    let people = karin.open(&path).await.unwrap();
    assert!(people.text().contains(ERIN), "{}", people.text());
    let filter = app::attempts::AttemptFilter {
        app: Some(app),
        ..app::attempts::AttemptFilter::default()
    };
    let page = app::domains::Page::default();
    let attempts = world.app.attempts(filter, page).await.unwrap();
    let trace = format!("{:?}", attempts.rows[0].trace);
    assert!(
        trace.contains("Television on a device that asked from 192.0.2.7 may know"),
        "{trace}"
    );
    assert!(!trace.contains(&tv.user_code));

    // Disconnecting ends what rotated, too.
    let page = tab
        .open(&world.at(&format!("/apps/{app}/disconnect")))
        .await
        .unwrap();
    let form = page.form_with_button("Disconnect").unwrap();
    tab.submit(form).await.unwrap();
    let ended = post(
        &world,
        "/oauth/token",
        &refresh(fresh.member("refresh_token")),
    )
    .await;
    assert_eq!(ended.error(), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn without_offline_access_it_ends_with_the_browsers_session() {
    let (world, app) = world().await;
    let mut tab = erin(&world).await;
    for rule in [RefreshRule::OfflineAccess, RefreshRule::Always] {
        change(&world, app, |tv| tv.refresh = rule).await;
        let answer = begin(&world, "client_id=tv&scope=openid").await;
        let tv = super::Tv {
            device_code: answer.member("device_code"),
            user_code: answer.member("user_code"),
        };
        allow(&world, &mut tab, &tv).await;
        let tokens = poll_as(&world, "tv", &tv).await;
        let always = rule == RefreshRule::Always;
        assert_eq!(tokens.json.get("refresh_token").is_some(), always);
        let page = tab.open(&world.at("/home")).await.unwrap();
        let out = page.form("form[action='/sign-out']").unwrap();
        tab.submit(out).await.unwrap();
        let userinfo = Request::get("/oauth/userinfo").header(
            header::AUTHORIZATION,
            format!("Bearer {}", tokens.member("access_token")),
        );
        let status = world.send(userinfo, "").await.status();
        assert_eq!(status == StatusCode::OK, always, "{rule:?}");
        tab = erin(&world).await;
    }
}

#[tokio::test]
async fn whoever_is_switched_off_in_between_gets_nothing() {
    let (world, app) = world().await;
    let by = Actor::CommandLine;
    let address = ERIN.parse().unwrap();
    let mut tab = erin(&world).await;
    // What happens between the person's yes and the device's question; the error it is told then.
    let tv = waits(&world).await;
    allow(&world, &mut tab, &tv).await;
    world
        .app
        .disable_mailbox(&by, &address, "left")
        .await
        .unwrap();
    assert_eq!(poll(&world, &tv).await, "invalid_grant");
    world.app.enable_mailbox(&by, &address).await.unwrap();
    assert_eq!(poll(&world, &tv).await, "invalid_grant", "it stays so");

    let mut tab = erin(&world).await;
    let tv = waits(&world).await;
    allow(&world, &mut tab, &tv).await;
    let erin = world.app.mailbox(&address).await.unwrap().mailbox.id;
    world.app.disconnect(&by, erin, app).await.unwrap();
    assert_eq!(poll(&world, &tv).await, "invalid_grant");

    for (access, error) in [
        (
            AppAccess::Only {
                domains: BTreeSet::new(),
                tags: BTreeSet::from(["board".to_owned()]),
            },
            "invalid_grant",
        ),
        (AppAccess::All, "tokens"),
    ] {
        let tv = waits(&world).await;
        allow(&world, &mut tab, &tv).await;
        change(&world, app, |tv| tv.access = access).await;
        assert_eq!(poll(&world, &tv).await, error);
        change(&world, app, |tv| tv.access = AppAccess::All).await;
    }

    for change_it in [
        |tv: &mut AppSettings| tv.active = false,
        |tv: &mut AppSettings| tv.devices = false,
    ] {
        let tv = waits(&world).await;
        allow(&world, &mut tab, &tv).await;
        change(&world, app, change_it).await;
        assert_eq!(poll(&world, &tv).await, "unauthorized_client");
        change(&world, app, |tv| (tv.active, tv.devices) = (true, true)).await;
        assert_eq!(poll(&world, &tv).await, "tokens");
    }
}
