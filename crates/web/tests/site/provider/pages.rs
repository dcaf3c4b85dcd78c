//! What pages of other sites may read: those of an app that runs in a browser alone, and no others
//! (S26 of the abuse catalogue).

use super::{
    Answer, CALLBACK, CHALLENGE, Given, OPENID, Provider, VERIFIER, basic, bearer, mailcow, public,
    redeem, refresh, settings,
};
use app::attempts::AttemptFilter;
use http::{HeaderValue, Method, Request, header};
use model::ids::OauthAppId;
use model::oauth_app::AppSettings;
use oidc::op::paths;

/// The origin of [`CALLBACK`].
pub(super) const HOME: &str = "https://app.example.net";
pub(super) const CHALLENGED: Given = Given {
    scopes: "openid profile email offline_access",
    challenge: Some(CHALLENGE),
    ..OPENID
};
pub(super) const ALLOWED: &str = "access-control-allow-origin";

/// Origins that are none of the app's, and what no browser sends as one.
fn strangers() -> Vec<HeaderValue> {
    let long = format!("https://{}.example.net", "a".repeat(8000));
    let mut all: Vec<_> = [
        "https://app.example.net.evil",
        "https://app.example.evil",
        "https://evil-app.example.net",
        "https://app.example.ne",
        "https://x.app.example.net",
        "https://app.example.net:444",
        "https://app.example.net.",
        "http://app.example.net",
        "https://app.example.net:443",
        "https://app.example.net/",
        "https://app.example.net/cb",
        "https://app.example.net#",
        "https://user@app.example.net",
        "https://APP.example.net",
        "HTTPS://app.example.net",
        "https://app.example.net https://app.example.net",
        "https://app.example.net,https://b.example",
        "app.example.net",
        "null",
        "*",
        "",
        "com.example.app://host",
        "http://localhost",
        "http://127.0.0.1:8080",
        "https://xn--pp-yia.example.net",
        &long,
    ]
    .into_iter()
    .map(|text| HeaderValue::from_str(text).unwrap())
    .collect();
    all.push(HeaderValue::from_bytes("https://äpp.example.net".as_bytes()).unwrap());
    all.push(HeaderValue::from_bytes(b"https://app.example.net\xff").unwrap());
    all
}

impl Provider {
    /// What a browser sends for a page of `origin`: for a form as it is, for another with a token.
    async fn page_asks(
        &self,
        origin: impl TryInto<HeaderValue, Error: std::fmt::Debug>,
        path: &str,
        auth: Option<&str>,
        form: &str,
    ) -> Answer {
        let mut request = Request::builder()
            .uri(path)
            .header(header::ORIGIN, origin.try_into().unwrap());
        if let Some(auth) = auth {
            request = request.header(header::AUTHORIZATION, auth);
        }
        if !form.is_empty() {
            request = request
                .method(Method::POST)
                .header(header::CONTENT_TYPE, super::FORM);
        }
        self.send(request, form).await
    }

    /// The tokens of a public app that runs at [`HOME`], asked for without naming a page.
    pub(super) async fn tokens_of(
        &self,
        client: &'static str,
        app: OauthAppId,
        given: Given,
    ) -> Answer {
        let (code, _) = self.code(app, given).await;
        let form = redeemed_by(client, &code);
        let answer = self.post(paths::TOKEN, None, &form).await;
        assert_eq!(answer.status.as_u16(), 200, "{}", answer.text);
        answer
    }

    async fn recorded(&self) -> usize {
        let page = app::domains::Page::default();
        let filter = AttemptFilter::default();
        let found = self.world.app.attempts(filter, page).await.unwrap();
        found.rows.len()
    }
}

fn redeemed_by(client: &str, code: &str) -> String {
    format!(
        "{}&client_id={client}&code_verifier={VERIFIER}",
        redeem(code)
    )
}

/// The page reads the answer, and what it may read of it is no more than that.
fn reads(answer: &Answer, origin: &str) {
    assert_eq!(answer.header(ALLOWED), Some(origin), "{}", answer.text);
    assert_eq!(answer.headers.get_all(ALLOWED).iter().count(), 1);
    let exposed = answer.header("access-control-expose-headers");
    assert_eq!(exposed, Some("WWW-Authenticate, Retry-After"));
    plain(answer);
}

/// No page reads the answer.
pub(super) fn reads_nothing(answer: &Answer, about: &str) {
    let of_cors = |name: &&header::HeaderName| name.as_str().starts_with("access-control-");
    assert_eq!(answer.headers.keys().find(of_cors), None, "{about}");
    plain(answer);
}

/// What holds for both.
pub(super) fn plain(answer: &Answer) {
    assert_eq!(answer.header("vary"), Some("Origin"));
    let credentials = answer.header("access-control-allow-credentials");
    assert_eq!((credentials, answer.header("set-cookie")), (None, None));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn a_page_of_an_app_in_a_browser_alone_reads_what_the_app_is_answered() {
    let provider = Provider::new().await;
    let app = provider.add("spa", public()).await;
    let (code, _) = provider.code(app, CHALLENGED).await;
    let form = redeemed_by("spa", &code);
    let given = provider.page_asks(HOME, paths::TOKEN, None, &form).await;
    assert_eq!(given.status.as_u16(), 200, "{}", given.text);
    reads(&given, HOME);

    let token = bearer(&given.member("access_token"));
    let form = format!("access_token={}", given.member("access_token"));
    for (auth, form) in [(Some(token.as_str()), ""), (None, form.as_str())] {
        let claims = provider.page_asks(HOME, paths::USERINFO, auth, form).await;
        assert_eq!(claims.member("email"), super::ERIN);
        reads(&claims, HOME);
    }

    let form = format!("{}&client_id=spa", refresh(&given.member("refresh_token")));
    let again = provider.page_asks(HOME, "/oauth/token/", None, &form).await;
    assert_eq!(again.status.as_u16(), 200, "{}", again.text);
    reads(&again, HOME);

    let form = format!("client_id=spa&token={}", again.member("refresh_token"));
    let revoked = provider.page_asks(HOME, paths::REVOKE, None, &form).await;
    assert_eq!((revoked.status.as_u16(), revoked.text.as_str()), (200, ""));
    reads(&revoked, HOME);
    let ended = provider.get(paths::USERINFO, Some(&token)).await;
    assert_eq!(ended.status.as_u16(), 401);
}

#[tokio::test]
async fn it_reads_why_it_gets_nothing() {
    let provider = Provider::new().await;
    let app = provider.add("spa", public()).await;
    let narrow = Given {
        scopes: "profile",
        ..CHALLENGED
    };
    let narrow = provider.tokens_of("spa", app, narrow).await;
    let token = bearer(&narrow.member("access_token"));
    let answer = provider
        .page_asks(HOME, paths::USERINFO, Some(&token), "")
        .await;
    assert_eq!(answer.error(), (403, "insufficient_scope".to_owned()));
    reads(&answer, HOME);

    let whole = provider.tokens_of("spa", app, CHALLENGED).await;
    let token = bearer(&whole.member("access_token"));
    provider.enable_erin(false).await;
    let answer = provider
        .page_asks(HOME, paths::USERINFO, Some(&token), "")
        .await;
    assert_eq!(answer.error(), (401, "invalid_token".to_owned()));
    assert!(answer.header("www-authenticate").is_some());
    reads(&answer, HOME);

    let with_secret = format!("{}&client_secret=x", redeemed_by("spa", "x"));
    for (path, form, error) in [
        (paths::TOKEN, with_secret.as_str(), (401, "invalid_client")),
        (paths::REVOKE, "client_id=spa", (400, "invalid_request")),
        (
            paths::TOKEN,
            "client_id=spa&grant_type=password",
            (400, "unsupported_grant_type"),
        ),
    ] {
        let answer = provider.page_asks(HOME, path, None, form).await;
        assert_eq!(answer.error(), (error.0, error.1.to_owned()), "{form}");
        reads(&answer, HOME);
    }
    let mut last = None;
    for number in 0..21 {
        let form = redeemed_by("spa", &format!("guess-{number}"));
        let answer = provider.page_asks(HOME, paths::TOKEN, None, &form).await;
        reads(&answer, HOME);
        last = Some(answer);
    }
    let last = last.unwrap();
    assert_eq!(last.status.as_u16(), 429, "{}", last.text);
    assert!(last.header("retry-after").is_some());
}

#[tokio::test]
async fn a_page_of_another_origin_reads_nothing_and_leaves_no_record() {
    let provider = Provider::new().await;
    let app = provider.add("spa", public()).await;
    let given = provider.tokens_of("spa", app, CHALLENGED).await;
    let token = bearer(&given.member("access_token"));
    let before = provider.recorded().await;
    for origin in strangers() {
        let about = format!("{origin:?}");
        let answer = provider
            .page_asks(origin.clone(), paths::USERINFO, Some(&token), "")
            .await;
        assert_eq!(answer.status.as_u16(), 200, "{about}");
        reads_nothing(&answer, &about);
        let form = "client_id=spa&token=of-nobody";
        let answer = provider.page_asks(origin, paths::REVOKE, None, form).await;
        assert_eq!(answer.status.as_u16(), 200, "{about}");
        reads_nothing(&answer, &about);
    }
    // Two headers, be they equal.
    for second in [HOME, "https://evil.example"] {
        let twice = Request::builder()
            .uri(paths::USERINFO)
            .header(header::ORIGIN, HOME)
            .header(header::ORIGIN, second)
            .header(header::AUTHORIZATION, &token);
        reads_nothing(&provider.send(twice, "").await, second);
    }
    assert_eq!(provider.recorded().await, before);
    let (code, _) = provider.code(app, CHALLENGED).await;
    let form = redeemed_by("spa", &code);
    let evil = "https://evil.example";
    let unread = provider.page_asks(evil, paths::TOKEN, None, &form).await;
    assert_eq!(unread.status.as_u16(), 200, "a server would get the same");
    reads_nothing(&unread, evil);
    // Whoever names no page is answered the same, and told nothing about pages.
    reads_nothing(&provider.get(paths::USERINFO, Some(&token)).await, "");
}

#[tokio::test]
async fn pages_are_of_any_redirect_and_of_a_loopback_address_at_any_port() {
    let provider = Provider::new().await;
    let redirects = [
        CALLBACK,
        "https://Second.example.net:8443/cb",
        "http://127.0.0.1/cb",
        "http://localhost:3000/cb",
        "https://xn--bcher-kva.example/cb",
        "com.example.app://host/cb",
    ];
    let many = AppSettings {
        redirects: redirects.map(str::to_owned).to_vec(),
        ..public()
    };
    let app = provider.add("many", many).await;
    let given = provider.tokens_of("many", app, CHALLENGED).await;
    let token = bearer(&given.member("access_token"));
    for (origin, own) in [
        (HOME, true),
        ("https://second.example.net:8443", true),
        ("https://second.example.net", false),
        ("http://127.0.0.1:5173", true),
        ("http://127.0.0.1", true),
        ("https://127.0.0.1:5173", false),
        ("http://[::1]:5173", false),
        ("http://localhost:3000", true),
        ("http://localhost:3001", false),
        ("https://xn--bcher-kva.example", true),
        ("com.example.app://host", false),
        ("null", false),
    ] {
        let answer = provider
            .page_asks(origin, paths::USERINFO, Some(&token), "")
            .await;
        let revoke = "client_id=many&token=of-nobody";
        let revoked = provider
            .page_asks(origin, paths::REVOKE, None, revoke)
            .await;
        for answer in [answer, revoked] {
            if own {
                reads(&answer, origin);
            } else {
                reads_nothing(&answer, origin);
            }
        }
    }
}

/// An app with a server asks by that; one on devices alone has no page.
#[tokio::test]
async fn pages_of_an_app_that_keeps_a_secret_read_nothing() {
    let provider = Provider::new().await;
    let server = provider.add("server", settings()).await;
    let cow = provider.add("cow", mailcow()).await;
    for (client, app) in [("server", server), ("cow", cow)] {
        let (code, _) = provider.code(app, OPENID).await;
        let auth = basic(client);
        let given = provider
            .page_asks(HOME, paths::TOKEN, Some(&auth), &redeem(&code))
            .await;
        assert_eq!(given.status.as_u16(), 200, "{}", given.text);
        reads_nothing(&given, client);
        let token = bearer(&given.member("access_token"));
        let claims = provider
            .page_asks(HOME, paths::USERINFO, Some(&token), "")
            .await;
        reads_nothing(&claims, client);
        let form = format!("token={}", given.member("access_token"));
        let revoked = provider
            .page_asks(HOME, paths::REVOKE, Some(&auth), &form)
            .await;
        assert_eq!(revoked.status.as_u16(), 200);
        reads_nothing(&revoked, client);
        let unproved = redeemed_by(client, "x");
        let unproved = provider
            .page_asks(HOME, paths::TOKEN, None, &unproved)
            .await;
        reads_nothing(&unproved, client);
    }
    let device = AppSettings {
        devices: true,
        redirects: Vec::new(),
        ..public()
    };
    provider.add("tv", device).await;
    let form = "client_id=tv&token=of-nobody";
    reads_nothing(
        &provider.page_asks(HOME, paths::REVOKE, None, form).await,
        "tv",
    );
}

#[tokio::test]
async fn who_the_app_is_has_to_be_known() {
    let provider = Provider::new().await;
    provider.add("spa", public()).await;
    for form in [
        "client_id=spb&token=x",
        "client_id=SPA&token=x",
        "client_id=spa%00&token=x",
        "client_id=spa&client_id=spa&token=x",
        "client_id=&token=x",
        "client_secret=x&token=x",
        "token=x",
        "grant_type=refresh_token&refresh_token=x",
    ] {
        for path in [paths::TOKEN, paths::REVOKE] {
            let answer = provider.page_asks(HOME, path, None, form).await;
            assert!(answer.status.is_client_error(), "{path} {form}");
            reads_nothing(&answer, form);
        }
    }
    let unknown = bearer("of-nobody");
    for auth in [
        Some("Bearer"),
        Some("Basic c3BhOg=="),
        Some(unknown.as_str()),
        None,
    ] {
        let answer = provider.page_asks(HOME, paths::USERINFO, auth, "").await;
        assert!(answer.status.is_client_error(), "{auth:?}");
        reads_nothing(&answer, "userinfo");
    }
    let asked = provider.page_asks(HOME, paths::TOKEN, None, "").await;
    assert_eq!(asked.status.as_u16(), 405);
    reads_nothing(&asked, "GET");
    // What could not even be read.
    for (path, kind, body) in [
        (
            paths::TOKEN,
            "application/json",
            &b"{\"client_id\":\"spa\"}"[..],
        ),
        (paths::TOKEN, super::FORM, b"client_id=spa&\xff"),
        (paths::REVOKE, "text/plain", b"client_id=spa&token=x"),
        (paths::USERINFO, super::FORM, b"\xff"),
    ] {
        let request = Request::post(path)
            .header(header::ORIGIN, HOME)
            .header(header::CONTENT_TYPE, kind);
        let answer = provider.send_bytes(request, body.to_vec()).await;
        assert_eq!(answer.status.as_u16(), 400, "{path} {kind}");
        reads_nothing(&answer, path);
    }
    let twice = Request::post(paths::USERINFO)
        .header(header::ORIGIN, HOME)
        .header(header::AUTHORIZATION, "Bearer x")
        .header(header::AUTHORIZATION, "Bearer x");
    reads_nothing(&provider.send(twice, "").await, "two tokens");
}
