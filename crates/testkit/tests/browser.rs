//! The scripted browser against a small server, over two hosts and over TLS.

#![expect(clippy::unwrap_used, reason = "tests")]

use axum::Router;
use axum::extract::{OriginalUri, RawQuery, Request};
use axum::http::header::{CONTENT_TYPE, COOKIE, ORIGIN, SET_COOKIE};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{any, get};
use serde_json::{Value, json};
use testkit::browser::{Browser, BrowserError, Page, Tab};
use testkit::tls::{Authority, TlsListener};

const FORM: &str = r#"<!doctype html><title>A form</title>
<h1>Hello <em>you</em></h1><script>unseen()</script>
<form id="one" method="post" action="/echo?kept=1">
  <input type="hidden" name="token" value="t&amp;1">
  <label>Name <input name="name" value="old"></label>
  <input name="fixed" value="f" readonly>
  <input name="off" value="x" disabled>
  <fieldset disabled><input name="fenced" value="x"></fieldset>
  <input type="checkbox" name="protocol" value="imap" checked>
  <input type="checkbox" name="protocol" value="pop3">
  <input type="radio" name="kind" value="a" checked><input type="radio" name="kind" value="b">
  <select name="size"><option>small</option><option value="L" selected>large</option></select>
  <textarea name="note">one
two</textarea>
  <button>Save</button>
  <button name="action" value="remove" formaction="/echo?other=1">Remove</button>
  <button type="button" name="no" value="no">Script only</button>
</form>
<input form="one" name="outside" value="o">
<form id="two" enctype="multipart/form-data" method="post" action="/echo">
  <input type="file" name="list"><input name="name"></form>
<form id="three" action="/echo?gone=1"><input type="search" name="q"><button>Search</button></form>
<a href="deeper/./page">Read <b>more</b></a>"#;

/// Says what arrived.
async fn echo(OriginalUri(uri): OriginalUri, request: Request) -> String {
    let (parts, body) = request.into_parts();
    let header = |name| parts.headers.get(name).map(|value| value.to_str().unwrap());
    let site = parts
        .headers
        .get("sec-fetch-site")
        .map(|value| value.to_str().unwrap());
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    json!({
        "to": uri.to_string(),
        "body": String::from_utf8_lossy(&body),
        "origin": header(ORIGIN),
        "site": site,
        "cookie": header(COOKIE),
        "kind": header(CONTENT_TYPE),
    })
    .to_string()
}

/// Sets the cookie in the query, with `~` for `;`.
async fn set(RawQuery(cookie): RawQuery) -> Response {
    ([(SET_COOKIE, cookie.unwrap().replace('~', ";"))], "set").into_response()
}

/// Redirects to the query.
async fn bounce(RawQuery(target): RawQuery) -> Redirect {
    Redirect::to(&target.unwrap())
}

fn site() -> Router {
    Router::new()
        .route("/form", get(async || Html(FORM)))
        .route("/echo", any(echo))
        .route("/deeper/page", any(echo))
        .route("/set", get(set))
        .route("/bounce", any(bounce))
        .route("/loop", get(async || Redirect::to("/loop")))
        .route("/again", any(async || Redirect::temporary("/echo?again=1")))
}

/// Serves the site on a free port of this loopback address for the rest of the test.
async fn serve(host: &str) -> String {
    let listener = tokio::net::TcpListener::bind((host, 0)).await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, site()).await });
    origin
}

/// What an echo said.
fn arrived(page: &Page) -> Value {
    serde_json::from_str(page.body()).unwrap()
}

#[tokio::test]
async fn sends_a_form_as_a_browser_does() {
    let origin = serve("127.0.0.1").await;
    let mut tab = Browser::new().unwrap().tab();
    let page = tab.open(&format!("{origin}/form")).await.unwrap();
    assert_eq!(page.title().unwrap(), "A form");
    assert_eq!(page.text_of("h1").unwrap(), "Hello you");
    assert!(!page.text().contains("unseen"));

    let untouched = arrived(&tab.submit(page.form("#one").unwrap()).await.unwrap());
    assert_eq!(
        untouched,
        json!({
            "to": "/echo?kept=1",
            "body": "token=t%261&name=old&fixed=f&protocol=imap&kind=a&size=L\
                     &note=one%0D%0Atwo&outside=o",
            "origin": origin,
            "site": "same-origin",
            "cookie": null,
            "kind": "application/x-www-form-urlencoded",
        })
    );

    let form = page.form_with_button("Remove").unwrap();
    let form = form.fill("name", "é").unwrap().fill("kind", "b").unwrap();
    let form = form
        .fill("size", "small")
        .unwrap()
        .tick("protocol", "pop3")
        .unwrap();
    let form = form.untick("protocol", "imap").unwrap();
    let filled = arrived(&tab.submit(form).await.unwrap());
    assert_eq!(filled["to"], "/echo?other=1");
    assert_eq!(
        filled["body"],
        "token=t%261&name=%C3%A9&fixed=f&protocol=pop3&kind=b&size=small&note=one%0D%0Atwo\
         &outside=o&action=remove"
    );
}

#[tokio::test]
async fn a_person_cannot_do_what_the_page_does_not_offer() {
    let origin = serve("127.0.0.1").await;
    let page = Browser::new()
        .unwrap()
        .tab()
        .open(&format!("{origin}/form"))
        .await
        .unwrap();
    let form = || page.form("#one").unwrap();
    for (field, value) in [
        ("token", "x"),
        ("fixed", "x"),
        ("off", "x"),
        ("fenced", "x"),
        ("size", "XL"),
    ] {
        let error = form().fill(field, value).err();
        assert!(
            matches!(error, Some(BrowserError::NoControl { .. })),
            "{field}"
        );
    }
    assert!(form().press("Script only").is_err());
    assert_eq!(
        form().tamper("token", "x").value("token").as_deref(),
        Some("x")
    );
    assert_eq!(form().without("token").value("token"), None);
    let missing = page.form("#four").err().unwrap();
    assert!(missing.to_string().contains("Hello you"), "{missing}");
}

#[tokio::test]
async fn uploads_searches_and_follows_links() {
    let origin = serve("127.0.0.1").await;
    let mut tab = Browser::new().unwrap().tab();
    let page = tab.open(&format!("{origin}/form")).await.unwrap();
    let form = page
        .form("#two")
        .unwrap()
        .attach("list", "a.csv", "text/csv", b"a,b")
        .unwrap();
    let upload = arrived(&tab.submit(form.fill("name", "n").unwrap()).await.unwrap());
    let boundary = upload["kind"]
        .as_str()
        .unwrap()
        .split_once("boundary=")
        .unwrap()
        .1;
    assert_eq!(
        upload["body"],
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nn\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"list\"; filename=\"a.csv\"\r\n\
             Content-Type: text/csv\r\n\r\na,b\r\n--{boundary}--\r\n"
        )
    );

    let search = page.form("#three").unwrap().fill("q", "a b").unwrap();
    let found = arrived(&tab.submit(search).await.unwrap());
    assert_eq!(
        (&found["to"], &found["origin"]),
        (&json!("/echo?q=a+b"), &Value::Null)
    );

    tab.open(&format!("{origin}/form")).await.unwrap();
    let more = tab.follow("Read more").await.unwrap();
    assert_eq!(more.url().path(), "/deeper/page");
    assert_eq!(arrived(&more)["site"], "same-origin");
}

#[tokio::test]
async fn keeps_cookies_by_host_and_path_and_not_by_port() {
    let (here, other_port, other_host) = (
        serve("127.0.0.1").await,
        serve("127.0.0.1").await,
        serve("127.0.0.2").await,
    );
    let browser = Browser::new().unwrap();
    let mut tab = browser.tab();
    for cookie in [
        "root=1~Path=/",
        "deep=2~Path=/deeper",
        "secure=3~Path=/~Secure",
    ] {
        tab.open(&format!("{here}/set?{cookie}")).await.unwrap();
    }
    async fn sent(mut tab: Tab, url: String) -> Vec<String> {
        let cookie = arrived(&tab.open(&url).await.unwrap())["cookie"].clone();
        let mut names: Vec<_> = cookie
            .as_str()
            .unwrap_or_default()
            .split("; ")
            .map(str::to_owned)
            .collect();
        names.sort();
        names
    }
    // Browsers count loopback as secure.
    assert_eq!(
        sent(browser.tab(), format!("{other_port}/echo")).await,
        ["root=1", "secure=3"]
    );
    let deep = sent(browser.tab(), format!("{here}/deeper/page")).await;
    assert_eq!(deep, ["deep=2", "root=1", "secure=3"]);
    assert_eq!(
        sent(browser.tab(), format!("{other_host}/echo")).await,
        [""]
    );
    assert_eq!(browser.cookie(&here, "root").unwrap().as_deref(), Some("1"));
    browser.clear_cookies();
    assert_eq!(sent(tab, format!("{here}/echo")).await, [""]);
}

#[tokio::test]
async fn follows_redirects_over_hosts_and_records_them() {
    let (one, two) = (serve("127.0.0.1").await, serve("127.0.0.2").await);
    let mut tab = Browser::new().unwrap().tab();
    let page = tab
        .open(&format!("{one}/bounce?{two}/bounce?{one}/echo?end=1"))
        .await
        .unwrap();
    assert_eq!(arrived(&page)["to"], "/echo?end=1");
    let went: Vec<_> = tab
        .hops()
        .iter()
        .map(|hop| hop.url.origin().ascii_serialization())
        .collect();
    assert_eq!(went, [one.as_str(), two.as_str(), one.as_str()]);
    assert_eq!(
        tab.hops()[0].location,
        Some(format!("{two}/bounce?{one}/echo?end=1"))
    );

    tab.stop_before(&two);
    let stopped = tab.open(&format!("{one}/bounce?{two}/echo")).await.unwrap();
    assert_eq!(
        stopped.location().unwrap().unwrap().as_str(),
        format!("{two}/echo")
    );
    assert_eq!(tab.hops().len(), 1);

    let endless = tab.open(&format!("{one}/loop")).await;
    assert!(matches!(endless, Err(BrowserError::TooManyRedirects(hops)) if hops.len() == 21));
}

#[tokio::test]
async fn a_redirect_repeats_a_post_only_if_it_says_so() {
    let origin = serve("127.0.0.1").await;
    let mut tab = Browser::new().unwrap().tab();
    let page = tab.open(&format!("{origin}/form")).await.unwrap();
    let form = page.form("#one").unwrap();
    let to = |path: &str| {
        form.clone()
            .with_action(&format!("{origin}{path}"))
            .unwrap()
    };
    let repeated = arrived(&tab.submit(to("/again")).await.unwrap());
    assert!(
        repeated["body"].as_str().unwrap().contains("name=old"),
        "{repeated}"
    );
    let got = arrived(&tab.submit(to("/bounce?/echo")).await.unwrap());
    assert_eq!(got["body"], "");
}

#[tokio::test]
async fn trusts_only_the_authority_it_was_given() {
    let authority = Authority::new().unwrap();
    let certificate = authority
        .issue(&["mail.example.test", "127.0.0.1"])
        .unwrap();
    let listener = TlsListener::bind(&certificate).await.unwrap();
    let address = listener.address().unwrap();
    tokio::spawn(async { axum::serve(listener, site()).await });
    let url = format!("https://mail.example.test:{}/form", address.port());
    let browser = |pem: &str| {
        let browser = Browser::builder()
            .trusting(pem)
            .resolving("mail.example.test", address);
        browser.build().unwrap()
    };

    let page = browser(&authority.pem()).tab().open(&url).await.unwrap();
    assert_eq!(page.title().unwrap(), "A form");
    let stranger = Authority::new().unwrap();
    let refused = browser(&stranger.pem()).tab().open(&url).await.unwrap_err();
    assert!(
        refused.to_string().contains("InvalidCertificate"),
        "{refused}"
    );
}
