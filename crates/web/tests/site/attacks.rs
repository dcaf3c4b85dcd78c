//! Attacks by somebody who has an account at the company, and by whoever meddles with its answers.

use crate::admin::karin;
use crate::world::World;
use http::StatusCode;
use lab::Person;
use model::foreign::is_plain;
use serde_json::json;
use std::collections::BTreeSet;
use testkit::browser::{Page, Tab};

const START: &str = "/sso/example/start";
/// Markup, quotes, and characters that turn, hide or colour the text around them.
const HOSTILE: &str = "<xss onx=1>\"'&\u{202e}gpj.exe\u{2066}\u{200b}\u{7}\u{1b}[31m";
/// More pages than the site of these tests has.
const MOST_PAGES: usize = 400;

/// Somebody whose claims, their name among them, are hostile.
fn hostile(login: &str) -> Person {
    let email = format!("{login}@example.org");
    Person::new(login, login, HOSTILE, &email, lab::sample::PASSWORD)
        .with_claim(HOSTILE, json!([HOSTILE, { HOSTILE: HOSTILE }]))
        .with_claim("groups", json!(vec![HOSTILE; 2000]))
        .with_claim("mailcow_template", "staff")
}

fn is_clean(page: &Page) {
    let path = page.url().path();
    assert!(!page.body().contains("<xss"), "{path}: {}", page.body());
    let hidden = |c: &char| !matches!(c, '\n' | '\r' | '\t') && !is_plain(&c.to_string());
    let found: String = page.body().chars().filter(hidden).collect();
    assert_eq!(found, "", "{path}: {}", page.body());
    assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
    assert!(page.header("content-security-policy").is_some(), "{path}");
}

/// Every page that links lead to from `begin`; returns how many there were.
async fn crawl(world: &World, tab: &mut Tab, begin: &str) -> usize {
    let (mut seen, mut todo) = (BTreeSet::new(), vec![begin.to_owned()]);
    while let Some(path) = todo.pop() {
        if seen.len() == MOST_PAGES || !seen.insert(path.clone()) {
            continue;
        }
        let page = tab.open(&world.at(&path)).await.unwrap();
        is_clean(&page);
        let links = page.body().split("href=\"").skip(1);
        let paths = links.filter_map(|rest| rest.split(['"', '#']).next());
        todo.extend(
            paths
                .map(|path| path.replace("&#38;", "&").replace("&amp;", "&"))
                // Those that lead to the provider, and what is no page.
                .filter(|path| !path.ends_with("/test") && !path.starts_with("/sso/"))
                .filter(|path| path.starts_with('/') && !path.starts_with("/assets")),
        );
    }
    seen.len()
}

/// S12: whatever a provider says of people, and whatever comes with an answer, is text on every page.
#[tokio::test]
async fn hostile_words_are_words_on_every_page() {
    let world = World::new().await;
    let company = world.company.company();
    let people = [
        hostile("mallory"),
        hostile("no-template").with_claim("mailcow_template", HOSTILE),
        hostile("no-address").with_claim("email", format!("{HOSTILE}@example.org")),
        hostile("unverified").with_claim("email_verified", HOSTILE),
        Person {
            subject: "admin\u{200b}".to_owned(),
            ..hostile("hidden")
        },
    ];
    for person in people {
        let login = person.login.clone();
        company.add_person(person);
        let page = world
            .by_company(&mut world.browser().tab(), START, &login)
            .await;
        is_clean(&page);
        let inside = page.status() == StatusCode::OK;
        assert_eq!(inside, login == "mallory", "{login}: {}", page.text());
    }
    // The provider's own words come through the person's browser.
    let mut tab = world.browser().tab();
    tab.stop_before(world.company.issuer());
    let leaving = tab.open(&world.at(START)).await.unwrap();
    let leaving = leaving.location().unwrap().unwrap();
    let state = leaving.query_pairs().find(|(name, _)| name == "state");
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("state", &state.unwrap().1)
        .append_pair("error", HOSTILE)
        .append_pair("error_description", &HOSTILE.repeat(100))
        .finish();
    let callback = format!("/sso/example/callback?{query}");
    let page = tab.open(&world.at(&callback)).await.unwrap();
    assert_eq!(page.status(), StatusCode::BAD_GATEWAY, "{}", page.text());
    is_clean(&page);
    assert!(!page.text().contains("gpj"), "{}", page.text());

    let mut tab = karin(&world).await;
    let page = tab
        .open(&world.at("/admin/providers/example/test"))
        .await
        .unwrap();
    let result = world.as_person(&mut tab, &page, "mallory").await;
    assert!(result.text().contains("gpj"), "{}", result.text());
    is_clean(&result);
    let pages = crawl(&world, &mut tab, "/admin").await;
    assert!((40..MOST_PAGES).contains(&pages), "{pages}");
}

/// An answer that says a thing twice, or two things, is nobody's: the sign-in it was made from goes on.
#[tokio::test]
async fn an_answer_that_was_added_to_counts_for_nothing() {
    let world = World::new().await;
    let mut tab = world.browser().tab();
    let page = tab.open(&world.at(START)).await.unwrap();
    tab.stop_before(&world.at("/sso/example/callback"));
    let page = world.as_person(&mut tab, &page, "alice").await;
    let answer = page.location().unwrap().unwrap();
    tab.stop_nowhere();
    let long = format!("x={}", "a".repeat(17 * 1024));
    let many = (0..2000).map(|n| format!("p{n}=1&")).collect::<String>() + "state=x";
    for (added, status) in [
        ("state=x", StatusCode::BAD_REQUEST),
        ("st%61te=x", StatusCode::BAD_REQUEST),
        ("code=x", StatusCode::BAD_REQUEST),
        ("error=access_denied", StatusCode::BAD_REQUEST),
        ("iss=a&iss=b", StatusCode::BAD_REQUEST),
        ("state=%00", StatusCode::BAD_REQUEST),
        ("code=%ff%fe", StatusCode::BAD_REQUEST),
        (many.as_str(), StatusCode::BAD_REQUEST),
        (long.as_str(), StatusCode::URI_TOO_LONG),
    ] {
        let page = tab.open(&format!("{answer}&{added}")).await.unwrap();
        let shown = &added[..added.len().min(30)];
        assert_eq!(page.status(), status, "{shown}");
        assert!(!world.has("alice@example.org").await, "{shown}");
    }
    let page = tab.open(answer.as_str()).await.unwrap();
    assert_eq!(page.url().path(), "/home", "{}", page.text());
}
