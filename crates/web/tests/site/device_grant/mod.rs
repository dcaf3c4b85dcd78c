//! The device grant (RFC 8628): a television shows a code, Erin types it in a browser.

mod endpoint;
mod late;
mod limits;
mod page;
mod polling;

use crate::world::{PASSWORD, World};
use axum::body::to_bytes;
use http::{Method, Request, StatusCode, header};
use model::ids::OauthAppId;
use model::oauth_app::{AppCard, AppKind, AppSettings};
use serde_json::Value;
use std::net::IpAddr;
use std::time::Duration;
use store::Conn;
use testkit::browser::{Page, Tab};
use web::client_addr::PeerAddr;

const ERIN: &str = "erin@example.org";
const SCOPE: &str = "openid profile email offline_access";
/// Where televisions are, which is not where browsers of tests are.
const LIVING_ROOM: [u8; 4] = [192, 0, 2, 7];

/// An answer of an endpoint.
struct Answer {
    status: StatusCode,
    headers: http::HeaderMap,
    json: Value,
}

impl Answer {
    fn member(&self, name: &str) -> String {
        self.json[name].as_str().unwrap_or_default().to_owned()
    }

    /// The status with the code of the error.
    fn error(&self) -> (u16, String) {
        (self.status.as_u16(), self.member("error"))
    }
}

/// A device with its codes.
struct Tv {
    device_code: String,
    user_code: String,
}

/// An app on televisions: it has no secret and no redirect.
fn television() -> AppSettings {
    AppSettings {
        name: "Television".to_owned(),
        kind: AppKind::Public,
        devices: true,
        ..AppCard::Generic.settings()
    }
}

async fn add(world: &World, client: &'static str, settings: AppSettings) -> OauthAppId {
    let now = world.app.now();
    let store = world.store();
    let added = store.write(async move |tx: &mut Conn| {
        store::oauth_apps::insert(tx, client, &settings, now).await
    });
    added.await.unwrap()
}

/// A world with the app `tv`.
async fn world() -> (World, OauthAppId) {
    let world = World::new().await;
    let app = add(&world, "tv", television()).await;
    (world, app)
}

async fn change(world: &World, app: OauthAppId, change: impl FnOnce(&mut AppSettings)) {
    let mut settings = world.app.oauth_app(app).await.unwrap().settings;
    change(&mut settings);
    let now = world.app.now();
    let done = world
        .store()
        .write(async move |tx: &mut Conn| {
            store::oauth_apps::update(tx, app, &settings, None, now).await
        })
        .await;
    assert!(done.unwrap());
}

async fn post_from(world: &World, ip: [u8; 4], path: &str, form: &str) -> Answer {
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .extension(PeerAddr((IpAddr::from(ip), 4711).into()));
    let (parts, body) = world.send(request, form).await.into_parts();
    let bytes = to_bytes(body, 1 << 20).await.unwrap();
    Answer {
        status: parts.status,
        headers: parts.headers,
        json: serde_json::from_slice(&bytes).unwrap(),
    }
}

async fn post(world: &World, path: &str, form: &str) -> Answer {
    post_from(world, LIVING_ROOM, path, form).await
}

async fn begin(world: &World, form: &str) -> Answer {
    post(world, "/oauth/device_authorization", form).await
}

/// A television that waits.
async fn waits(world: &World) -> Tv {
    waits_from(world, LIVING_ROOM).await
}

async fn waits_from(world: &World, ip: [u8; 4]) -> Tv {
    let scope = SCOPE.replace(' ', "+");
    let form = format!("client_id=tv&scope={scope}");
    let answer = post_from(world, ip, "/oauth/device_authorization", &form).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json);
    Tv {
        device_code: answer.member("device_code"),
        user_code: answer.member("user_code"),
    }
}

async fn poll_as(world: &World, client: &str, tv: &Tv) -> Answer {
    let form = format!(
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id={client}&\
         device_code={}",
        tv.device_code
    );
    post(world, "/oauth/token", &form).await
}

/// What a television that asks is told: `pending` and so on, or `tokens`.
async fn poll(world: &World, tv: &Tv) -> String {
    let answer = poll_as(world, "tv", tv).await;
    if answer.status == StatusCode::OK {
        return "tokens".to_owned();
    }
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.json);
    answer.member("error")
}

/// A tab in which Erin is signed in.
async fn erin(world: &World) -> Tab {
    let mut tab = world.browser().tab();
    let page = world.sign_in(&mut tab, ERIN, PASSWORD).await;
    assert_eq!(page.url().path(), "/home", "{}", page.text());
    tab
}

/// Types a code on the page.
async fn type_code(world: &World, tab: &mut Tab, code: &str) -> Page {
    let page = tab.open(&world.at("/connect")).await.unwrap();
    let form = page.form_with_button("Continue").unwrap();
    tab.submit(form.fill("user_code", code).unwrap())
        .await
        .unwrap()
}

async fn press(tab: &mut Tab, page: &Page, button: &str) -> Page {
    assert_eq!(page.status(), StatusCode::OK, "{}", page.text());
    let form = page.form_with_button(button).unwrap();
    tab.submit(form.press(button).unwrap()).await.unwrap()
}

/// Erin types the code and allows.
async fn allow(world: &World, tab: &mut Tab, tv: &Tv) {
    let page = type_code(world, tab, &tv.user_code).await;
    let page = press(tab, &page, "Allow").await;
    assert!(
        page.text().contains("You can go back to your device."),
        "{}",
        page.text()
    );
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
