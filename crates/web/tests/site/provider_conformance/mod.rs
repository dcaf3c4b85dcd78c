//! The OpenID Foundation's tests of providers, each named after its module, over the whole way from the
//! app's question to userinfo, and what they leave out. `docs/reference/app-endpoints.md` lists them.

mod anew;
mod at_rest;
mod basic;
mod beyond;
pub(crate) mod client;
mod fresh;
mod headers;
mod hints;
mod leaving;
mod plan;
mod round;
mod sign_out;
mod signed_in;
mod table;
mod ways;

use crate::world::World;
use http::header::LOCATION;
use http::{Response, StatusCode};
use model::ids::OauthAppId;
use model::oauth_app::{AppCard, AppSettings, PkceRule};
use std::collections::HashMap;
use testkit::browser::{Page, Tab};
use url::Url;

const BACK: &str = "https://files.example.com/cb";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A world with an app `files` that people are asked for.
async fn world() -> World {
    let world = World::new().await;
    add(&world, "files", |_| {}).await;
    world
}

async fn add(
    world: &World,
    client_id: &'static str,
    change: impl FnOnce(&mut AppSettings),
) -> OauthAppId {
    let mut settings = AppSettings {
        name: "Files".to_owned(),
        redirects: vec![BACK.to_owned()],
        pkce: PkceRule::IfSent,
        ..AppCard::Generic.settings()
    };
    change(&mut settings);
    let now = world.app.now();
    let store = world.store();
    let added = store.write(async move |tx: &mut store::Conn| {
        store::oauth_apps::insert(tx, client_id, &settings, now).await
    });
    added.await.unwrap()
}

/// A request with further or other parameters; an empty value takes one away.
fn request(world: &World, other: &[(&str, &str)]) -> String {
    let mut all = vec![
        ("client_id", "files"),
        ("redirect_uri", BACK),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("state", "st ate&1"),
        ("nonce", "n"),
    ];
    all.retain(|(name, _)| !other.iter().any(|(o, _)| o == name));
    all.extend(other.iter().filter(|(_, value)| !value.is_empty()));
    Url::parse_with_params(&world.at("/oauth/authorize"), all)
        .unwrap()
        .into()
}

/// A tab that stays at what leaves for the app.
fn tab(world: &World) -> Tab {
    let mut tab = world.browser().tab();
    tab.stop_before("https://files.example.com");
    tab
}

/// Erin, signed in.
async fn erin(world: &World) -> Tab {
    let mut tab = tab(world);
    let page = world
        .sign_in(&mut tab, "erin@example.org", crate::world::PASSWORD)
        .await;
    assert_eq!(page.url().path(), "/home", "{}", page.text());
    tab
}

async fn open(world: &World, tab: &mut Tab, other: &[(&str, &str)]) -> Page {
    tab.open(&request(world, other)).await.unwrap()
}

async fn allow(tab: &mut Tab, page: &Page) -> Page {
    assert_eq!(page.status(), StatusCode::OK, "{}", page.text());
    let form = page.form_with_button("Allow").unwrap();
    tab.submit(form.press("Allow").unwrap()).await.unwrap()
}

/// What the app is sent.
fn answered(page: &Page) -> HashMap<String, String> {
    assert_eq!(page.status(), StatusCode::SEE_OTHER, "{}", page.text());
    let to = page.location().unwrap().unwrap();
    assert!(to.as_str().starts_with(&format!("{BACK}?")), "{to}");
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    to.query_pairs().into_owned().collect()
}

/// The error the app is told, with everything that belongs to it.
fn error(world: &World, page: &Page) -> String {
    let said = answered(page);
    assert_eq!(
        said.get("iss").map(String::as_str),
        Some(world.url.as_str())
    );
    assert_eq!(said.get("state").map(String::as_str), Some("st ate&1"));
    assert!(!said.contains_key("code"));
    said["error"].clone()
}

/// That the app is sent a code, with everything that belongs to it.
fn is_code(world: &World, page: &Page) {
    let said = answered(page);
    assert_eq!(
        said.get("iss").map(String::as_str),
        Some(world.url.as_str())
    );
    assert_eq!(said.get("state").map(String::as_str), Some("st ate&1"));
    assert_eq!(said["code"].len(), 43, "{said:?}");
}

fn location(answer: &Response<axum::body::Body>) -> &str {
    answer.headers()[LOCATION].to_str().unwrap()
}
