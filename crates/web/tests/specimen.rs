//! The specimen's pages as browsers get them: whole, escaped, and naming only files that exist.

#![expect(clippy::unwrap_used, reason = "tests")]

use axum::Router;
use axum::body::Body;
use http::header::{ACCEPT, ETAG, IF_NONE_MATCH};
use http::{Request, StatusCode};
use std::collections::BTreeSet;
use std::sync::Arc;
use tower::ServiceExt as _;
use web::site::Site;

#[path = "../examples/specimen/pages.rs"]
mod pages;

const PATHS: [&str; 9] = [
    "/specimen/check",
    "/specimen",
    "/specimen/form",
    "/specimen/question",
    "/specimen/sign-in",
    "/specimen/person",
    "/admin/mailboxes",
    "/home",
    "/no-such-page",
];

fn router() -> Router {
    let site = Site::new("http://127.0.0.1:8080", &[], &[]).unwrap();
    pages::router(Arc::new(site)).unwrap()
}

async fn get(
    router: &Router,
    path: &str,
    headers: &[(http::HeaderName, &str)],
) -> http::Response<String> {
    let mut request = Request::builder()
        .uri(path)
        .header("host", "127.0.0.1:8080");
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let answer = router
        .clone()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let (parts, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    http::Response::from_parts(parts, String::from_utf8(bytes.to_vec()).unwrap())
}

fn named_in(html: &str) -> BTreeSet<String> {
    html.split('"')
        .filter(|text| text.starts_with("/assets/"))
        .map(|text| text.split('#').next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn every_file_a_page_names_is_embedded_and_kept_for_ever() {
    let router = router();
    let mut named = BTreeSet::new();
    for path in PATHS {
        let page = get(&router, path, &[(ACCEPT, "text/html")]).await;
        named.extend(named_in(page.body()));
    }
    assert_eq!(named.len(), web::assets::all().len(), "{named:?}");
    for path in named {
        let file = get(&router, &path, &[]).await;
        assert_eq!(file.status(), StatusCode::OK, "{path}");
        assert!(!file.body().is_empty());
        let cache = file.headers()["cache-control"].to_str().unwrap();
        assert_eq!(cache, "public, max-age=31536000, immutable");
        assert!(!file.headers().contains_key("set-cookie"), "{path}");
        let etag = file.headers()[ETAG].to_str().unwrap();
        let again = get(&router, &path, &[(IF_NONE_MATCH, etag)]).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(again.body(), "");
    }
    for path in [
        "/assets/gatepost.css",
        "/assets/gatepost.0000000000000000.css",
    ] {
        assert_eq!(
            get(&router, path, &[]).await.status(),
            StatusCode::NOT_FOUND
        );
    }
}

#[tokio::test]
async fn every_page_has_one_heading_a_title_and_a_language() {
    let router = router();
    for path in PATHS {
        let page = get(&router, path, &[]).await;
        let html = page.body();
        assert_eq!(html.matches("<h1").count(), 1, "{path}");
        assert!(html.contains("<html lang=\"en\""), "{path}");
        assert!(html.contains(" · Gatepost</title>"), "{path}");
        assert!(html.len() < 20 * 1024, "{path}: {} bytes", html.len());
        let mut ids = BTreeSet::new();
        for id in html
            .split(" id=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
        {
            assert!(ids.insert(id), "{path}: two elements have the id {id}");
        }
    }
}

#[tokio::test]
async fn lines_arrive_one_by_one_and_end_with_the_page_that_keeps_them() {
    let stream = get(&router(), "/specimen/check/lines", &[]).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert!(stream.headers().contains_key("content-security-policy"));
    let body = stream.body();
    assert_eq!(body.matches("event: line\n").count(), 3, "{body}");
    assert!(body.contains("id=\"check-2\""), "{body}");
    assert!(
        body.contains("a &#60;b&#62;"),
        "evidence is escaped: {body}"
    );
    assert!(!body.contains('\r'));
    assert!(body.ends_with("event: end\ndata: /specimen\n\n"), "{body}");
}

#[tokio::test]
async fn a_wrong_field_is_named_on_top_and_described_in_place() {
    let page = get(&router(), "/specimen/form", &[]).await;
    let html = page.body();
    assert!(html.contains("<title>Problem: Add provider"));
    assert!(html.contains("<a href=\"#f-issuer\">The issuer must begin with https://</a>"));
    assert!(
        html.contains("aria-describedby=\"f-issuer-problem f-issuer-help\" aria-invalid=\"true\"")
    );
    let secret = html
        .split("id=\"f-secret\"")
        .nth(1)
        .unwrap()
        .split('>')
        .next()
        .unwrap();
    assert!(
        !secret.contains("value="),
        "a secret is never filled in: {secret}"
    );
}
