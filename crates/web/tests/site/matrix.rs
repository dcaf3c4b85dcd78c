//! Every route of the site, by every kind of caller.

use crate::world::{PASSWORD, World};
use axum::body::Body;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, LOCATION};
use http::{Request, StatusCode};
use web::headers::CONTENT_SECURITY_POLICY;
use web::route::{Policy, Row};

/// Sends the barest request to a route.
async fn knock(world: &World, row: &Row, cookie: Option<&str>) -> http::Response<Body> {
    let path = ["{id}", "{name}", "{provider}"]
        .iter()
        .fold(row.path.to_owned(), |path, part| path.replace(part, "1"));
    let mut request = Request::builder()
        .method(row.method.clone())
        .uri(path)
        .header(ACCEPT, "text/html");
    if let Some(cookie) = cookie {
        request = request.header(COOKIE, format!("gatepost={cookie}"));
    }
    world.send(request, "").await
}

#[tokio::test]
async fn each_policy_holds_for_every_route() {
    let world = World::new().await;
    let (person, admin) = (world.browser(), world.browser());
    world
        .sign_in(&mut person.tab(), "erin@example.org", PASSWORD)
        .await;
    world.sign_in(&mut admin.tab(), "karin", PASSWORD).await;
    let cookie = |browser: &testkit::browser::Browser| {
        browser.cookie(&world.url, "gatepost").unwrap().unwrap()
    };
    let (person, admin) = (cookie(&person), cookie(&admin));
    let routes = web::router::routes();
    for row in routes.rows() {
        for (who, session) in [
            ("nobody", None),
            ("person", Some(person.as_str())),
            ("administrator", Some(admin.as_str())),
        ] {
            let answer = knock(&world, row, session).await;
            let status = answer.status();
            let location = answer
                .headers()
                .get(LOCATION)
                .map(|to| to.to_str().unwrap());
            // A program is told in its own words that its credentials are missing.
            let unknown = status == StatusCode::UNAUTHORIZED && row.policy != Policy::Machine;
            let kept_out = unknown
                || location.is_some_and(|to| to.starts_with("/?next=") || to == "/admin")
                || (status == StatusCode::FORBIDDEN && !answer_is_about_the_form(row));
            let may = match row.policy {
                Policy::Public | Policy::Carried | Policy::Machine => true,
                Policy::Person => who == "person",
                Policy::Administrator => who == "administrator",
            };
            // Signed-in people are sent on from the sign-in page itself.
            let sent_home = row.path == "/" && session.is_some();
            assert!(
                kept_out != may || sent_home,
                "{who} at {} {} ({:?}): {status} {location:?}",
                row.method,
                row.path,
                row.policy,
            );
            assert_ne!(
                status,
                StatusCode::INTERNAL_SERVER_ERROR,
                "{who} at {}",
                row.path
            );
            assert_eq!(
                answer.headers().get("content-security-policy").unwrap(),
                CONTENT_SECURITY_POLICY
            );
        }
    }
}

/// Public forms answer 403 too, when their token is missing.
fn answer_is_about_the_form(row: &Row) -> bool {
    row.policy == Policy::Public
}

#[tokio::test]
async fn every_form_wants_its_token() {
    let world = World::new().await;
    let (person, admin) = (world.browser(), world.browser());
    world
        .sign_in(&mut person.tab(), "erin@example.org", PASSWORD)
        .await;
    world.sign_in(&mut admin.tab(), "karin", PASSWORD).await;
    let routes = web::router::routes();
    let posts = routes
        .rows()
        .iter()
        .filter(|row| row.method == http::Method::POST);
    for row in posts.filter(|row| {
        !matches!(row.policy, Policy::Machine | Policy::Carried) && row.path != "/appearance"
    }) {
        let browser = if row.policy == Policy::Administrator {
            &admin
        } else {
            &person
        };
        let cookie = browser.cookie(&world.url, "gatepost").unwrap().unwrap();
        let request = Request::post(row.path.replace("{id}", "1"))
            .header(COOKIE, format!("gatepost={cookie}"))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = world.send(request, "name=a&form_token=AAAA").await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{}", row.path);
    }
}

#[tokio::test]
async fn entries_of_the_navigation_lead_somewhere() {
    let world = World::new().await;
    let mut tab = world.browser().tab();
    let home = world.sign_in(&mut tab, "erin@example.org", PASSWORD).await;
    for name in ["Home", "Devices", "Security"] {
        let page = tab.open(home.link(name).unwrap().as_str()).await.unwrap();
        assert_eq!(page.status(), StatusCode::OK, "{name}");
        assert_eq!(page.text_of("a[aria-current=page]").unwrap(), name);
    }
}
