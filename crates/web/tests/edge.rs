//! What every request meets: headers, hosts, forms of other sites, limits, error pages.

use axum::body::Body;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, ORIGIN};
use http::{Method, Request, StatusCode};
use support::{client, client_behind};
use web::headers::CONTENT_SECURITY_POLICY;

mod support;

const SITE: &str = "https://mail.example.org";

#[tokio::test]
async fn every_answer_carries_the_same_protecting_headers() {
    let client = client(SITE);
    for path in ["/form", "/healthz", "/nowhere", "/boom", "/mine"] {
        let answer = client.get(path).await;
        assert_eq!(
            answer.header("content-security-policy"),
            Some(CONTENT_SECURITY_POLICY),
            "{path}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(
            answer.header("cross-origin-opener-policy"),
            Some("same-origin")
        );
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(
            answer.header("strict-transport-security"),
            Some("max-age=31536000")
        );
        assert_eq!(answer.header("server-timing"), None);
    }
}

#[test]
fn the_policy_allows_own_files_and_nothing_inline() {
    assert_eq!(
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'"
    );
}

#[tokio::test]
async fn plain_http_on_loopback_is_not_nailed_to_https() {
    let answer = client("http://127.0.0.1:8080").get("/form").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("strict-transport-security"), None);
}

#[tokio::test]
async fn a_foreign_host_name_is_told_where_to_go() {
    let client = client(SITE);
    let ask = async |path: &str, host: &str| {
        let request = Request::builder()
            .uri(path)
            .header(HOST, host)
            .body(Body::empty());
        client.send(request.unwrap()).await
    };
    for host in [
        "evil.test",
        "mail.example.org.evil.test",
        "203.0.113.9",
        "example.org",
    ] {
        let answer = ask("/form", host).await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
        assert!(answer.body.contains("href=\"https://mail.example.org/\""));
        assert!(
            !answer.body.contains("evil"),
            "nothing of the request is shown"
        );
    }
    for host in [
        "mail.example.org",
        "MAIL.example.org:443",
        "webmail.example.org",
    ] {
        assert_eq!(ask("/form", host).await.status, StatusCode::OK, "{host}");
    }
    assert_eq!(
        ask("/healthz", "10.0.0.5:8443").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_request_for_no_host_or_two_is_refused() {
    let client = client(SITE);
    let none = Request::builder().uri("/form").body(Body::empty()).unwrap();
    assert_eq!(client.send(none).await.status, StatusCode::BAD_REQUEST);
    let two = Request::builder()
        .uri("/form")
        .header(HOST, "mail.example.org")
        .header(HOST, "evil.test")
        .body(Body::empty())
        .unwrap();
    assert_eq!(client.send(two).await.status, StatusCode::BAD_REQUEST);
    // HTTP/2 names the host in its target, which has the last word.
    let h2 = Request::builder()
        .uri("https://evil.test/form")
        .header(HOST, "mail.example.org")
        .body(Body::empty())
        .unwrap();
    assert_eq!(
        client.send(h2).await.status,
        StatusCode::MISDIRECTED_REQUEST
    );
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let client = client(SITE);
    let page = client.get("/form").await;
    let (cookies, token) = (page.cookies(), page.body);
    let send = async |headers: &[(&str, &str)]| {
        let mut request = client
            .request(Method::POST, "/form")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(COOKIE, &cookies);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = format!("form_token={token}&name=a");
        client
            .send(request.body(Body::from(body)).unwrap())
            .await
            .status
    };
    for own in [
        vec![("sec-fetch-site", "same-origin"), ("origin", SITE)],
        vec![("origin", SITE)],
        vec![("sec-fetch-site", "none")],
        vec![],
    ] {
        assert_eq!(send(&own).await, StatusCode::OK, "{own:?}");
    }
    for foreign in [
        vec![
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://evil.test"),
        ],
        vec![
            ("sec-fetch-site", "same-site"),
            ("origin", "https://example.org"),
        ],
        vec![("origin", "https://evil.test")],
        vec![("origin", "null")],
        vec![("origin", "http://mail.example.org:81")],
    ] {
        assert_eq!(send(&foreign).await, StatusCode::FORBIDDEN, "{foreign:?}");
    }
}

#[tokio::test]
async fn behind_a_proxy_that_rewrites_host_own_forms_still_work() {
    let client = client(SITE);
    let page = client.get("/form").await;
    let request = Request::builder()
        .method(Method::POST)
        .uri("/form")
        .header(HOST, "webmail.example.org")
        .header(ORIGIN, SITE)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(COOKIE, page.cookies())
        .body(Body::from(format!("form_token={}&name=a", page.body)))
        .unwrap();
    assert_eq!(client.send(request).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_form_needs_the_token_of_its_own_browser() {
    let client = client(SITE);
    let (mine, other) = (client.get("/form").await, client.get("/form").await);
    assert_ne!(mine.body, other.body);
    let good = format!("name=a&form_token={}", mine.body);
    assert_eq!(
        client.post("/form", &mine.cookies(), &good).await.body,
        "a[]"
    );
    for (cookies, form) in [
        (mine.cookies(), "name=a".to_owned()),
        (mine.cookies(), "name=a&form_token=".to_owned()),
        (mine.cookies(), format!("name=a&form_token={}", other.body)),
        (other.cookies(), good.clone()),
        (String::new(), good.clone()),
        (
            format!("{}; __Host-gatepost=session", mine.cookies()),
            good.clone(),
        ),
    ] {
        let answer = client.post("/form", &cookies, form.clone()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{cookies} {form}");
        assert!(
            answer.body.contains("Open the page again"),
            "{}",
            answer.body
        );
    }
}

#[tokio::test]
async fn one_browser_keeps_its_id_and_its_tabs_their_tokens() {
    let client = client(SITE);
    let first = client.get("/form").await;
    let request = client
        .request(Method::GET, "/form")
        .header(COOKIE, first.cookies());
    let second = client.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(first.cookies(), second.cookies());
    assert_eq!(first.body, second.body);
    let cookie = first.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-gatepost-browser="), "{cookie}");
    assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=3600"));
    assert_eq!(
        client.get("/healthz").await.cookies(),
        "",
        "no cookie where none is used"
    );
}

#[tokio::test]
async fn bad_forms_are_refused_as_such() {
    let client = client(SITE);
    let page = client.get("/form").await;
    let send = async |form: String| client.post("/form", &page.cookies(), form).await.status;
    let token = format!("form_token={}", page.body);
    for (form, status) in [
        (format!("{token}&name=a&tick=1&tick=2"), StatusCode::OK),
        (format!("{token}&name=a&admin=1"), StatusCode::OK),
        (token.clone(), StatusCode::BAD_REQUEST),
        (format!("{token}&name=a&name=b"), StatusCode::BAD_REQUEST),
        (format!("{token}&name=a&tick=x"), StatusCode::BAD_REQUEST),
        (
            format!("{token}&name={}", "a".repeat(70_000)),
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
    ] {
        assert_eq!(
            send(form.clone()).await,
            status,
            "{}",
            &form[..form.len().min(90)]
        );
    }
    let json = client
        .request(Method::POST, "/form")
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from("{}"))
        .unwrap();
    let status = client.send(json).await.status;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn machines_are_not_asked_for_forms() {
    let client = client(SITE);
    let request = client
        .request(Method::POST, "/token")
        .header("sec-fetch-site", "cross-site")
        .header("origin", "https://app.test")
        .body(Body::empty())
        .unwrap();
    assert_eq!(client.send(request).await.status, StatusCode::OK);
}

#[tokio::test]
async fn errors_have_a_page_and_say_nothing_of_their_cause() {
    let client = client(SITE);
    for (path, status, words) in [
        ("/nowhere", StatusCode::NOT_FOUND, "There is no such page"),
        (
            "/boom",
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something went wrong here",
        ),
        (
            "/broken",
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something went wrong here",
        ),
        (
            "/later",
            StatusCode::SERVICE_UNAVAILABLE,
            "Not available at the moment",
        ),
        ("/mine", StatusCode::FORBIDDEN, "Not allowed"),
        (
            "/token",
            StatusCode::METHOD_NOT_ALLOWED,
            "That does not work here",
        ),
    ] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert!(answer.body.contains(words), "{path}: {}", answer.body);
        assert!(!answer.body.contains("secret detail") && !answer.body.contains("row "));
        let has_reference = answer.body.contains("Tell your helpdesk");
        assert_eq!(has_reference, status.is_server_error(), "{path}");
    }
    assert_eq!(client.get("/later").await.header("retry-after"), Some("10"));
    assert_eq!(client.get("/token").await.header("allow"), Some("POST"));
    let long = client.get(&format!("/{}", "a".repeat(17_000))).await;
    assert_eq!(long.status, StatusCode::URI_TOO_LONG);
}

#[tokio::test]
async fn programs_get_errors_as_json() {
    let client = client(SITE);
    let request = client
        .request(Method::GET, "/broken")
        .header(ACCEPT, "application/json");
    let answer = client.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(json["error"]["status"], 500);
    assert_eq!(json["error"]["reference"].as_str().unwrap().len(), 9);
    assert!(!answer.body.contains("row"));
}

#[tokio::test]
async fn a_choice_of_colours_is_kept_and_leads_back_to_this_site_only() {
    let client = client(SITE);
    for (back, location) in [
        ("/form", "/form"),
        ("https://evil.test/", "/"),
        ("//evil.test", "/"),
        ("/%5Cevil.test", "/%5Cevil.test"),
        ("/%0d%0aset-cookie:x", "/%0d%0aset-cookie:x"),
    ] {
        let form: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("appearance", "dark")
            .append_pair("back", back)
            .finish();
        let answer = client.post("/appearance", "", form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert_eq!(answer.header("location"), Some(location));
        let request = client
            .request(Method::GET, "/nowhere")
            .header(COOKIE, answer.cookies());
        let page = client.send(request.body(Body::empty()).unwrap()).await;
        assert!(page.body.contains("data-theme=\"dark\""), "{}", page.body);
    }
    let request = client
        .request(Method::GET, "/nowhere")
        .header(COOKIE, "gatepost-appearance=\"><script>");
    let page = client.send(request.body(Body::empty()).unwrap()).await;
    assert!(page.body.contains("data-theme=\"system\""), "{}", page.body);
}

#[tokio::test]
async fn only_trusted_proxies_say_who_the_client_is() {
    let ask = async |proxies: &[&str]| {
        let client = client_behind(SITE, proxies);
        let request = client
            .request(Method::GET, "/who")
            .header("x-forwarded-for", "198.51.100.7");
        client.send(request.body(Body::empty()).unwrap()).await.body
    };
    assert_eq!(ask(&[]).await, "127.0.0.1");
    assert_eq!(ask(&["127.0.0.0/8"]).await, "198.51.100.7");
}
