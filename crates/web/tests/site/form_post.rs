//! Answers that a provider's page sends as a form: what a stranger's form can do, and what cannot
//! be mixed. That a real browser leaves its cookies at home, and finds its sign-in all the same, is
//! proven in `tests/browser/form-post.test.js`.

use crate::world::World;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{Request, Response, StatusCode};
use model::attempt::Reference;
use model::outcome::Code;
use model::provider::{RedirectForm, ResponseMode};
use testkit::browser::{Browser, Page, Tab};

const START: &str = "/sso/example/start";
const CALLBACK: &str = "/sso/example/callback";

async fn world() -> World {
    let world = World::new().await;
    let post = ResponseMode::FormPost;
    world.change_provider(|p| p.response_mode = post).await;
    world
}

/// The company's page with the form that carries Alice's answer, before it is sent.
async fn answer(world: &World, tab: &mut Tab) -> Page {
    let page = tab.open(&world.at(START)).await.unwrap();
    let form = page.form_with_button("Sign in").unwrap();
    let form = form.fill("username", "alice").unwrap();
    let form = form.fill("password", lab::sample::PASSWORD).unwrap();
    let page = tab.submit(form).await.unwrap();
    assert_eq!(page.count("#carry-back").unwrap(), 1, "{}", page.text());
    page
}

/// The body that the form sends.
fn body(page: &Page) -> String {
    let form = page.form("#carry-back").unwrap();
    let mut body = form_urlencoded::Serializer::new(String::new());
    for name in ["code", "state", "iss"] {
        body.append_pair(name, &form.value(name).unwrap());
    }
    body.finish()
}

/// A form of another site, as a browser sends it: without our cookies.
fn cross_site(path: &str) -> http::request::Builder {
    Request::post(path)
        .header("origin", "https://sso.example.net")
        .header("sec-fetch-site", "cross-site")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
}

async fn post(world: &World, path: &str, body: &str) -> Response<axum::body::Body> {
    world.send(cross_site(path), body).await
}

fn location<T>(answer: &Response<T>) -> String {
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let location = answer.headers().get(LOCATION).unwrap();
    location.to_str().unwrap().to_owned()
}

fn is_start_again(page: &Page) {
    assert_eq!(page.status(), StatusCode::BAD_REQUEST, "{}", page.text());
    let title = Code::ForeignState.entry().title;
    assert_eq!(page.text_of("h1").unwrap(), title);
}

#[tokio::test]
async fn a_form_without_cookies_is_kept_and_its_browser_finishes() {
    let world = world().await;
    let browser = world.browser();
    let mut tab = browser.tab();
    let page = answer(&world, &mut tab).await;
    let kept = post(&world, CALLBACK, &body(&page)).await;
    let fetch = location(&kept);
    assert!(
        fetch.starts_with("/sso/example/callback?posted="),
        "{fetch}"
    );
    assert!(!fetch.contains("code"), "the code stays out of addresses");
    assert_eq!(kept.headers().get(SET_COOKIE), None, "it knows nobody");
    assert!(!world.has("alice@example.org").await, "nothing is done yet");
    let home = tab.open(&world.at(&fetch)).await.unwrap();
    assert_eq!(home.url().path(), "/home", "{}", home.text());
    is_start_again(&tab.open(&world.at(&fetch)).await.unwrap());
}

#[tokio::test]
async fn the_bare_origin_takes_forms_as_well() {
    let world = World::new().await;
    world.provider("old", RedirectForm::BareOrigin).await;
    let by_form = ResponseMode::FormPost;
    world.change("old", |p| p.response_mode = by_form).await;
    let mut tab = world.browser().tab();
    let home = world.by_company(&mut tab, "/sso/old/start", "bob").await;
    assert_eq!(home.url().path(), "/home", "{}", home.text());
    let hops: Vec<_> = tab.hops().iter().map(|hop| hop.method.as_str()).collect();
    assert_eq!(hops, ["POST", "GET", "GET"]);
}

/// Login CSRF (S1): somebody else's answer, sent by a page that the victim looks at.
#[tokio::test]
async fn a_strangers_answer_does_nothing_in_another_browser() {
    let world = world().await;
    let page = answer(&world, &mut world.browser().tab()).await;
    let fetch = location(&post(&world, CALLBACK, &body(&page)).await);
    let victim = world.browser();
    victim.tab().open(&world.at("/")).await.unwrap();
    let signed_in = |browser: &Browser| browser.cookie(&world.url, "gatepost").unwrap();
    is_start_again(&victim.tab().open(&world.at(&fetch)).await.unwrap());
    assert_eq!(signed_in(&victim), None);
    let without_cookies = world.browser();
    is_start_again(&without_cookies.tab().open(&world.at(&fetch)).await.unwrap());
    assert_eq!(signed_in(&without_cookies), None);
    assert!(!world.has("alice@example.org").await);
}

#[tokio::test]
async fn forms_nobody_asked_for_are_refused_and_kept_nowhere() {
    let world = world().await;
    for body in [
        "",
        "code=x",
        "code=x&state=",
        "code=x&state=made-up-but-of-a-decent-length",
        "state=made-up-but-of-a-decent-length",
        "code=x&code=y&state=z",
        "code=x&error=y&state=z",
        "error=x&error_description=CALL%20555",
    ] {
        for path in [CALLBACK, "/", "/sso/nobody/callback"] {
            let answer = post(&world, path, body).await;
            assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path} {body}");
            assert_eq!(answer.headers().get(SET_COOKIE), None, "{path} {body}");
        }
    }
    let mut tab = world.browser().tab();
    for query in ["posted=x", "posted=", "posted=x&code=y&state=x"] {
        is_start_again(
            &tab.open(&world.at(&format!("{CALLBACK}?{query}")))
                .await
                .unwrap(),
        );
    }
}

#[tokio::test]
async fn an_answer_is_not_spread_over_address_and_form() {
    let world = world().await;
    let page = answer(&world, &mut world.browser().tab()).await;
    let body = body(&page);
    let (code, rest) = body.split_once('&').unwrap();
    let answer = post(&world, &format!("{CALLBACK}?{code}"), rest).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let answer = post(&world, &format!("{CALLBACK}?x=1"), &body).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}

/// A code comes in the way it was asked for, or nobody gets in; the administrator reads which.
#[tokio::test]
async fn a_code_by_the_other_way_is_refused() {
    for (asked, why) in [
        (
            ResponseMode::FormPost,
            "the code came by query, asked for was form_post",
        ),
        (
            ResponseMode::Query,
            "the code came by form_post, asked for was query",
        ),
    ] {
        let world = World::new().await;
        world.change_provider(|p| p.response_mode = asked).await;
        let mut tab = world.browser().tab();
        let page = if asked == ResponseMode::FormPost {
            let query = body(&answer(&world, &mut tab).await);
            tab.open(&world.at(&format!("{CALLBACK}?{query}"))).await
        } else {
            let page = tab.open(&world.at(START)).await.unwrap();
            tab.stop_before(&world.at(CALLBACK));
            let page = world.as_person(&mut tab, &page, "alice").await;
            tab.stop_nowhere();
            let back = page.location().unwrap().unwrap();
            let fetch = location(&post(&world, CALLBACK, back.query().unwrap()).await);
            tab.open(&world.at(&fetch)).await
        };
        let page = page.unwrap();
        let reference = Reference::parse(&page.text_of(".copy-row .value").unwrap()).unwrap();
        let refusal = world
            .app
            .attempt(&reference)
            .await
            .unwrap()
            .refusal
            .unwrap();
        assert_eq!(refusal.code, Code::ProviderError);
        assert!(refusal.admin().contains(why), "{}", refusal.admin());
        assert!(!world.has("alice@example.org").await);
    }
}

#[tokio::test]
async fn a_code_works_once_by_whichever_way_it_comes_again() {
    let world = world().await;
    let browser = world.browser();
    let mut tab = browser.tab();
    let page = answer(&world, &mut tab).await;
    let body = body(&page);
    let home = tab.submit(page.form("#carry-back").unwrap()).await.unwrap();
    assert_eq!(home.url().path(), "/home", "{}", home.text());
    let again = post(&world, CALLBACK, &body).await;
    assert_eq!(again.status(), StatusCode::BAD_REQUEST);
    is_start_again(
        &tab.open(&world.at(&format!("{CALLBACK}?{body}")))
            .await
            .unwrap(),
    );
}

#[tokio::test]
async fn many_tabs_end_in_any_order() {
    let world = world().await;
    let browser = world.browser();
    let (mut one, mut two) = (browser.tab(), browser.tab());
    let first = answer(&world, &mut one).await;
    // The company knows her now and asks for no password.
    let second = two.open(&world.at(START)).await.unwrap();
    for (tab, page) in [(&mut two, second), (&mut one, first)] {
        let home = tab.submit(page.form("#carry-back").unwrap()).await.unwrap();
        assert_eq!(home.url().path(), "/home", "{}", home.text());
    }
}

#[tokio::test]
async fn the_providers_no_comes_by_either_way() {
    let world = world().await;
    let mut tab = world.browser().tab();
    let page = tab.open(&world.at(START)).await.unwrap();
    let deny = page.form_with_button("Say no and go back").unwrap();
    let page = tab.submit(deny).await.unwrap();
    let page = tab.submit(page.form("#carry-back").unwrap()).await.unwrap();
    let title = "example SSO did not let you in";
    assert_eq!(page.text_of("h1").unwrap(), title);
    let page = tab.open(&world.at(START)).await.unwrap();
    let deny = page.form_with_button("Say no and go back").unwrap();
    let page = tab.submit(deny).await.unwrap();
    let state = page.form("#carry-back").unwrap().value("state").unwrap();
    let query = format!("{CALLBACK}?error=access_denied&state={state}");
    let page = tab.open(&world.at(&query)).await.unwrap();
    assert_eq!(page.text_of("h1").unwrap(), title);
    assert!(!world.has("alice@example.org").await);
}

#[tokio::test]
async fn only_a_form_of_a_decent_size_is_read() {
    let world = world().await;
    for kind in [
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        "",
    ] {
        let request = Request::post(CALLBACK).header(CONTENT_TYPE, kind);
        let answer = world.send(request, "code=x&state=y").await;
        assert_eq!(
            answer.status(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "{kind}"
        );
    }
    let long = format!("code=x&state=y&pad={}", "a".repeat(40 * 1024));
    let answer = post(&world, CALLBACK, &long).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

/// Whoever is signed in stays so, whatever forms arrive: the form's request is nobody's.
#[tokio::test]
async fn a_form_touches_no_session() {
    let world = world().await;
    let browser = world.browser();
    let mut tab = browser.tab();
    let home = world.by_company(&mut tab, START, "bob").await;
    assert_eq!(home.url().path(), "/home");
    let cookie = browser.cookie(&world.url, "gatepost").unwrap().unwrap();
    let request = cross_site(CALLBACK).header(COOKIE, format!("gatepost={cookie}"));
    let answer = world.send(request, "code=x&state=y").await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(answer.headers().get(SET_COOKIE), None);
    let home = tab.open(&world.at("/home")).await.unwrap();
    assert_eq!(home.url().path(), "/home");
}

/// Codes of more than 2 KiB: some providers' are encrypted tokens.
#[tokio::test]
async fn long_codes_come_by_either_way() {
    for mode in [ResponseMode::Query, ResponseMode::FormPost] {
        let world = World::beside(|lab| lab.code_length = 4000).await;
        world.change_provider(|p| p.response_mode = mode).await;
        let home = world
            .by_company(&mut world.browser().tab(), START, "alice")
            .await;
        assert_eq!(home.url().path(), "/home", "{mode:?}: {}", home.text());
    }
}

/// Automatic asks for a form where discovery offers nothing else.
#[tokio::test]
async fn a_provider_that_only_posts_is_asked_to_post() {
    for (modes, posts) in [
        (vec!["form_post"], true),
        (vec!["query", "form_post"], false),
    ] {
        let world = World::beside(|lab| {
            lab.response_modes = modes.into_iter().map(str::to_owned).collect();
        })
        .await;
        let mut tab = world.browser().tab();
        let page = tab.open(&world.at(START)).await.unwrap();
        let asked = tab.hops().iter().any(|hop| {
            let query = hop.url.query().unwrap_or_default();
            query.contains("response_mode=form_post")
        });
        assert_eq!(asked, posts);
        let home = world.as_person(&mut tab, &page, "alice").await;
        assert_eq!(home.url().path(), "/home", "{}", home.text());
    }
}
