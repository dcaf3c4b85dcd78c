//! How the codes of apps are met: by the requests that apps send, in a browser or by themselves.

use crate::ear::{Ear, Says};
use crate::world::{PASSWORD, World};
use http::{Request, StatusCode, header};
use lab::misbehave::Misbehaviour;
use model::audit::Actor;
use model::oauth_app::{AppAccess, AppCard, AppSettings, PkceRule};
use model::outcome::Code;
use std::collections::BTreeSet;
use std::time::Duration;
use testkit::browser::{Page, Tab};
use url::Url;

const ACTOR: Actor = Actor::CommandLine;
const BACK: &str = "https://app.example.net/cb";
const CLIENT: &str = "an-app";
const FORM: &str = "application/x-www-form-urlencoded";

/// Sends what ends in `code`; the page that the person sees, where there is one.
pub async fn meet(world: &World, code: Code) -> Option<Page> {
    let mut tab = world.browser().tab();
    tab.stop_before(match code {
        Code::AppCircle => world.company.issuer(),
        _ => "https://app.example.net",
    });
    match code {
        Code::AppUnknown => {
            let page = ask(world, &mut tab, ("client_id", "nobody")).await;
            return Some(page);
        }
        Code::AppRedirect => {
            app(world, |_| {}).await;
            let other = ("redirect_uri", "https://app.example.net/cb/");
            return Some(ask(world, &mut tab, other).await);
        }
        Code::AppOff => {
            app(world, |s| s.active = false).await;
            return Some(ask(world, &mut tab, AS_IT_IS).await);
        }
        Code::AppNotForYou => {
            let board = AppAccess::Only {
                domains: BTreeSet::new(),
                tags: ["board".to_owned()].into(),
            };
            app(world, |s| s.access = board).await;
            erin(world, &mut tab).await;
            return Some(ask(world, &mut tab, AS_IT_IS).await);
        }
        Code::AppScope => {
            app(world, |_| {}).await;
            let page = ask(world, &mut tab, ("scope", "everything")).await;
            is_told(&page, "invalid_scope");
        }
        Code::AppDenied => {
            app(world, |_| {}).await;
            erin(world, &mut tab).await;
            let page = ask(world, &mut tab, AS_IT_IS).await;
            let form = page.form_with_button("Deny").unwrap();
            let page = tab.submit(form.press("Deny").unwrap()).await.unwrap();
            is_told(&page, "access_denied");
        }
        Code::AppPkce => {
            app(world, |s| s.pkce = PkceRule::Required).await;
            let page = ask(world, &mut tab, AS_IT_IS).await;
            is_told(&page, "invalid_request");
        }
        Code::AppCode => {
            let secret = app(world, |_| {}).await;
            redeem(world, &secret, "never-given", StatusCode::BAD_REQUEST).await;
        }
        Code::AppSecret => {
            app(world, |_| {}).await;
            redeem(world, "a guess", "never-given", StatusCode::UNAUTHORIZED).await;
        }
        Code::AppUsedAgain => {
            let secret = app(world, |_| {}).await;
            erin(world, &mut tab).await;
            let given = allowed(world, &mut tab).await;
            for status in [StatusCode::OK, StatusCode::BAD_REQUEST] {
                redeem(world, &secret, &given, status).await;
            }
        }
        Code::AppCircle => {
            let example = world.app.provider("example").await.unwrap().id;
            app(world, |s| s.straight_to = Some(example)).await;
            // The provider sends them back to the app each time, and the app here.
            for _ in 0..3 {
                let page = ask(world, &mut tab, AS_IT_IS).await;
                let to = page.location().unwrap().unwrap();
                assert!(to.as_str().starts_with(world.company.issuer()), "{to}");
            }
            return Some(ask(world, &mut tab, AS_IT_IS).await);
        }
        Code::AppNotAnew => {
            let example = world.app.provider("example").await.unwrap().id;
            app(world, |s| s.straight_to = Some(example)).await;
            let page = ask(world, &mut tab, AS_IT_IS).await;
            world.as_person(&mut tab, &page, "alice").await;
            world.company.company().misbehave(Misbehaviour::AuthTimeOld);
            world.clock.advance(Duration::from_secs(3600));
            ask(world, &mut tab, ("prompt", "login")).await;
            let page = tab.follow("Continue with example SSO").await.unwrap();
            if page.url().as_str().starts_with(world.company.issuer()) {
                world.as_person(&mut tab, &page, "alice").await;
            }
            return Some(tab.follow("Continue").await.unwrap());
        }
        Code::AppSignOut => {
            app(world, |_| {}).await;
            let wrong =
                format!("?client_id={CLIENT}&post_logout_redirect_uri=https://evil.example");
            let wrong = world.at(&format!("/oauth/end-session{wrong}"));
            return Some(tab.open(&wrong).await.unwrap());
        }
        Code::AppNotTold => {
            let ear = Ear::open().await;
            ear.says(Says::Status(400, ""));
            app(world, |s| {
                s.back_channel = Some(ear.url.clone());
                s.back_channel_private = true;
            })
            .await;
            erin(world, &mut tab).await;
            allowed(world, &mut tab).await;
            let page = tab.open(&world.at("/home")).await.unwrap();
            let form = page.form_with_button("Sign out").unwrap();
            tab.submit(form).await.unwrap();
            world.app.tell_apps().await.unwrap();
        }
        Code::DeviceUnknown => {
            erin(world, &mut tab).await;
            return Some(types(world, &mut tab, "ZZZZ-ZZZZ").await);
        }
        Code::DeviceEnded => {
            let shown = device(world, true, StatusCode::OK).await;
            world.clock.advance(Duration::from_secs(600));
            erin(world, &mut tab).await;
            return Some(types(world, &mut tab, &shown).await);
        }
        Code::DeviceAnswered => {
            let shown = device(world, true, StatusCode::OK).await;
            erin(world, &mut tab).await;
            let page = types(world, &mut tab, &shown).await;
            let form = page.form_with_button("Deny").unwrap();
            tab.submit(form.press("Deny").unwrap()).await.unwrap();
            return Some(types(world, &mut tab, &shown).await);
        }
        Code::AppDevices => {
            device(world, false, StatusCode::BAD_REQUEST).await;
        }
        other => unreachable!("{other} is not about apps"),
    }
    None
}

/// Adds an app, and tells its secret.
async fn app(world: &World, change: impl FnOnce(&mut AppSettings)) -> String {
    use secrecy::ExposeSecret as _;
    let mut settings = AppSettings {
        name: "Files".to_owned(),
        redirects: vec![BACK.to_owned()],
        pkce: PkceRule::IfSent,
        ..AppCard::Generic.settings()
    };
    change(&mut settings);
    let made = world.app.add_app_as(CLIENT, settings, &ACTOR).await;
    made.unwrap().secret.unwrap().expose_secret().to_owned()
}

/// Nothing else than what the app asks usually.
const AS_IT_IS: (&str, &str) = ("response_type", "code");

/// The app asks, with one parameter in another way.
async fn ask(world: &World, tab: &mut Tab, other: (&str, &str)) -> Page {
    let mut all = vec![
        ("client_id", CLIENT),
        ("redirect_uri", BACK),
        ("scope", "openid email"),
        ("state", "s"),
        ("response_type", "code"),
    ];
    all.retain(|(name, _)| *name != other.0);
    all.push(other);
    let url = Url::parse_with_params(&world.at("/oauth/authorize"), all).unwrap();
    tab.open(url.as_str()).await.unwrap()
}

async fn erin(world: &World, tab: &mut Tab) {
    let page = world.sign_in(tab, "erin@example.org", PASSWORD).await;
    assert_eq!(page.url().path(), "/home", "{}", page.text());
}

/// The code for an app that whoever is signed in allows.
async fn allowed(world: &World, tab: &mut Tab) -> String {
    let page = ask(world, tab, AS_IT_IS).await;
    let form = page.form_with_button("Allow").unwrap();
    let page = tab.submit(form.press("Allow").unwrap()).await.unwrap();
    let to = page.location().unwrap().unwrap();
    let code = to.query_pairs().find(|(name, _)| name == "code");
    code.unwrap().1.into_owned()
}

/// A device of an app asks for its code, which is told.
async fn device(world: &World, may: bool, status: StatusCode) -> String {
    let secret = app(world, |s| s.devices = may).await;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", CLIENT)
        .append_pair("client_secret", &secret)
        .append_pair("scope", "openid")
        .finish();
    let request = Request::post("/oauth/device_authorization").header(header::CONTENT_TYPE, FORM);
    let answer = world.send(request, &form).await;
    assert_eq!(answer.status(), status);
    let bytes = axum::body::to_bytes(answer.into_body(), 1 << 16).await;
    let answer: serde_json::Value = serde_json::from_slice(&bytes.unwrap()).unwrap();
    let code = answer["user_code"].as_str();
    code.unwrap_or_default().to_owned()
}

/// Somebody types the code of a device.
async fn types(world: &World, tab: &mut Tab, code: &str) -> Page {
    let page = tab.open(&world.at("/connect")).await.unwrap();
    let form = page.form_with_button("Continue").unwrap();
    let form = form.fill("user_code", code).unwrap();
    tab.submit(form).await.unwrap()
}

/// The app is told, by way of the browser.
fn is_told(page: &Page, error: &str) {
    let to = page.location().unwrap().unwrap();
    assert!(to.as_str().starts_with(BACK), "{to}");
    let said = to.query_pairs().find(|(name, _)| name == "error");
    assert_eq!(said.unwrap().1, error);
}

/// The app offers a code.
async fn redeem(world: &World, secret: &str, code: &str, status: StatusCode) {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", BACK)
        .append_pair("client_id", CLIENT)
        .append_pair("client_secret", secret)
        .finish();
    let request = Request::post("/oauth/token").header(header::CONTENT_TYPE, FORM);
    let answer = world.send(request, &form).await;
    assert_eq!(answer.status(), status);
}
