//! Sign-ins that a provider's portal begins.

use crate::world::World;
use http::header::{CONTENT_TYPE, LOCATION, SET_COOKIE};
use http::{Request, StatusCode};
use model::outcome::Code;
use testkit::browser::{Page, Tab};
use url::Url;

const INITIATE: &str = "/sso/example/initiate";

fn url(world: &World, said: &[(&str, &str)]) -> String {
    Url::parse_with_params(&world.at(INITIATE), said)
        .unwrap()
        .into()
}

/// Opens the address of initiation and goes on as Alice.
async fn initiated(world: &World, tab: &mut Tab, target: &str) -> Page {
    let said = [("iss", world.company.issuer()), ("target_link_uri", target)];
    let page = tab.open(&url(world, &said)).await.unwrap();
    world.as_person(tab, &page, "alice").await
}

#[tokio::test]
async fn a_target_elsewhere_ends_at_home() {
    let world = World::new().await;
    let here = world.at("/devices");
    let beyond = world.at("@evil.test/devices");
    for (target, path) in [
        (here.as_str(), "/devices"),
        ("/devices", "/devices"),
        ("https://evil.test/devices", "/home"),
        ("//evil.test/devices", "/home"),
        (beyond.as_str(), "/home"),
        ("/\\evil.test", "/home"),
        ("javascript:alert(1)", "/home"),
        ("/admin", "/home"),
        ("", "/home"),
    ] {
        let page = initiated(&world, &mut world.browser().tab(), target).await;
        assert_eq!(page.url().path(), path, "{target}");
        assert!(page.url().as_str().starts_with(&world.url), "{target}");
    }
}

#[tokio::test]
async fn only_the_providers_own_issuer_begins_anything() {
    let world = World::new().await;
    let own = world.company.issuer().to_owned();
    let slash = format!("{own}/");
    for said in [
        vec![],
        vec![("iss", "")],
        vec![("iss", "https://issuer.example")],
        vec![("iss", slash.as_str())],
        vec![("iss", own.as_str()), ("iss", own.as_str())],
    ] {
        let mut tab = world.browser().tab();
        let page = tab.open(&url(&world, &said)).await.unwrap();
        assert_eq!(page.status(), StatusCode::BAD_REQUEST, "{said:?}");
        let title = Code::ForeignState.entry().title;
        assert_eq!(page.text_of("h1").unwrap(), title, "{said:?}");
        assert!(!page.body().contains("issuer.example"));
    }
    assert_eq!(world.company.hits(lab::Endpoint::Authorize), 0);
    let mut tab = world.browser().tab();
    let nobody = world.at("/sso/nobody/initiate?iss=x");
    let page = tab.open(&nobody).await.unwrap();
    assert_eq!(page.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_provider_without_issuer_is_begun_by_nobody() {
    let world = World::new().await;
    let issuer = world.company.issuer().to_owned();
    world.endpoints_by_hand("example").await;
    let mut tab = world.browser().tab();
    let page = tab.open(&url(&world, &[("iss", &issuer)])).await.unwrap();
    assert_eq!(page.status(), StatusCode::BAD_REQUEST);
}

/// A provider that sends people back here in place of asking them would go on for ever.
#[tokio::test]
async fn a_browser_is_sent_there_by_itself_once_in_a_while() {
    let world = World::new().await;
    let issuer = world.company.issuer().to_owned();
    let mut tab = world.browser().tab();
    let first = tab.open(&url(&world, &[("iss", &issuer)])).await.unwrap();
    assert_eq!(first.url().path(), "/login");
    let again = tab.open(&url(&world, &[("iss", &issuer)])).await.unwrap();
    assert_eq!(again.url().as_str(), world.at("/"));
    assert!(
        again.link("Continue with example SSO").is_ok(),
        "a person may"
    );
    let mut other = world.browser().tab();
    let page = other.open(&url(&world, &[("iss", &issuer)])).await.unwrap();
    assert_eq!(page.url().path(), "/login", "others are not held up");
    world.clock.advance(std::time::Duration::from_secs(31));
    let page = tab.open(&url(&world, &[("iss", &issuer)])).await.unwrap();
    assert_eq!(page.url().path(), "/login");
}

#[tokio::test]
async fn a_hint_is_passed_on_if_it_could_be_one() {
    let world = World::new().await;
    let issuer = world.company.issuer().to_owned();
    let long = "a".repeat(255);
    for (hint, shown) in [
        ("alice@example.org", "alice@example.org"),
        ("\"><script>", "\"><script>"),
        ("a\r\nb", ""),
        (long.as_str(), ""),
    ] {
        let mut tab = world.browser().tab();
        let said = [("iss", issuer.as_str()), ("login_hint", hint)];
        let page = tab.open(&url(&world, &said)).await.unwrap();
        let form = page.form_with_button("Sign in").unwrap();
        assert_eq!(form.value("username").unwrap_or_default(), shown);
    }
}

/// A portal may send a form. Its request is nobody's: the browser is sent to ask by itself.
#[tokio::test]
async fn a_portals_form_is_turned_into_a_visit() {
    let world = World::new().await;
    let issuer = world.company.issuer().to_owned();
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("iss", &issuer)
        .append_pair("target_link_uri", &world.at("/devices"))
        .append_pair("next", "https://evil.test/")
        .finish();
    let form = || {
        Request::post(INITIATE)
            .header("origin", "https://portal.example.net")
            .header("sec-fetch-site", "cross-site")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
    };
    let answer = world.send(form(), &body).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers().get(SET_COOKIE), None);
    let visit = answer.headers().get(LOCATION).unwrap().to_str().unwrap();
    assert!(visit.starts_with("/sso/example/initiate?iss="), "{visit}");
    assert!(!visit.contains("evil"), "{visit}");
    let mut tab = world.browser().tab();
    let page = tab.open(&world.at(visit)).await.unwrap();
    let page = world.as_person(&mut tab, &page, "alice").await;
    assert_eq!(page.url().path(), "/devices", "{}", page.text());
    // What is too long for a URL of ours is left out, not sent to nowhere.
    let hint = format!("{body}&login_hint={}", "a".repeat(20 * 1024));
    let answer = world.send(form(), &hint).await;
    let onward = answer.headers().get(LOCATION).unwrap().to_str().unwrap();
    assert_eq!(onward, visit);
    let long = format!("iss={}", "a".repeat(40 * 1024));
    let answer = world.send(form(), &long).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let kind = Request::post(INITIATE).header(CONTENT_TYPE, "text/plain");
    let answer = world.send(kind, &body).await;
    assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}
