//! What authentik's mailcow source sends, byte for byte, at a server that writes it down.

#![expect(clippy::unwrap_used, reason = "tests")]

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use parking_lot::Mutex;
use std::sync::Arc;
use testkit::relying_party::{
    AuthentikLike, CallsLike, Endpoints, Registration, RelyingPartyError,
};
use url::Url;

const STATE: &str = "0123456789abcdefghijklmnopqrstuv";

/// Method and target, headers, body of each request.
type Seen = Arc<Mutex<Vec<(String, HeaderMap, String)>>>;

/// Answers every token request with a token and every other one with `profile`.
async fn record(State((seen, profile)): State<(Seen, &'static str)>, request: Request) -> String {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 10_000).await.unwrap();
    let line = format!("{} {}", parts.method, parts.uri);
    let body = String::from_utf8(body.to_vec()).unwrap();
    seen.lock().push((line, parts.headers, body));
    if parts.uri.path() == "/oauth/token" {
        return r#"{"access_token":"a token","token_type":"Bearer"}"#.to_owned();
    }
    profile.to_owned()
}

async fn source(calls_like: CallsLike, profile: &'static str) -> (AuthentikLike, Seen) {
    let seen = Seen::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let routes = Router::new()
        .fallback(record)
        .with_state((Arc::clone(&seen), profile));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let source = AuthentikLike {
        registration: Registration {
            issuer: String::new(),
            client_id: "abc".to_owned(),
            client_secret: "s+/ t".to_owned(),
        },
        endpoints: Endpoints {
            authorize: format!("{root}/oauth/authorize"),
            token: format!("{root}/oauth/token"),
            profile: format!("{root}/oauth/profile"),
        },
        redirect_uri: "https://auth.example/source/oauth/callback/mailcow/".to_owned(),
        extra_scopes: vec!["write".to_owned(), "email".to_owned()],
        calls_like,
    };
    (source, seen)
}

fn answer(query: &str) -> Url {
    Url::parse(&format!(
        "https://auth.example/source/oauth/callback/mailcow/?{query}"
    ))
    .unwrap()
}

const PROFILE: &str =
    r#"{"success":true,"id":"a@b.example","full_name":"Alice","email":"a@b.example"}"#;

#[tokio::test]
async fn either_way_sends_what_authentik_sends() {
    for way in [CallsLike::Older, CallsLike::Newer] {
        let (source, seen) = source(way, PROFILE).await;
        let question = source.question(STATE);
        assert!(question.ends_with(
            "?client_id=abc&redirect_uri=https%3A%2F%2Fauth.example%2Fsource%2Foauth%2Fcallback\
             %2Fmailcow%2F&response_type=code&state=0123456789abcdefghijklmnopqrstuv\
             &scope=email%20profile%20write"
        ));
        let back = answer(&format!("code=xyz&state={STATE}"));
        let identity = source.answered(&back, STATE).await.unwrap();
        assert_eq!(identity.identifier, "a@b.example");
        assert_eq!(identity.username.as_deref(), Some("Alice"));

        let seen = seen.lock();
        let (line, headers, body) = &seen[0];
        assert_eq!(line, "POST /oauth/token");
        assert_eq!(headers["accept"], "application/json");
        let form = "grant_type=authorization_code&code=xyz&redirect_uri=https%3A%2F%2Fauth.example\
                    %2Fsource%2Foauth%2Fcallback%2Fmailcow%2F";
        match way {
            CallsLike::Older => {
                let rest = "&client_id=abc&client_secret=s%2B%2F+t";
                assert_eq!(*body, format!("{form}{rest}"));
                assert!(!headers.contains_key("authorization"));
            }
            CallsLike::Newer => {
                assert_eq!(body, form);
                assert_eq!(headers["authorization"], "Basic YWJjOnMrLyB0");
            }
        }
        let (line, headers, _) = &seen[1];
        assert_eq!(line, "GET /oauth/profile?access_token=a%20token");
        for absent in ["authorization", "accept"] {
            assert!(!headers.contains_key(absent), "{absent}");
        }
    }
}

#[tokio::test]
async fn fails_where_authentik_fails() {
    for (query, profile, words) in [
        (
            format!("code=xyz&state={STATE}"),
            r#"{"success":false}"#,
            "Could not determine id",
        ),
        (
            "code=xyz&state=another".to_owned(),
            PROFILE,
            "Invalid state",
        ),
        (
            format!("error=access_denied&error_description=No%20thanks&state={STATE}"),
            PROFILE,
            "No thanks",
        ),
        (
            format!("error=access_denied&state={STATE}"),
            PROFILE,
            "access_denied",
        ),
    ] {
        let (source, _) = source(CallsLike::Newer, profile).await;
        let error = source.answered(&answer(&query), STATE).await.unwrap_err();
        assert!(
            matches!(&error, RelyingPartyError::Refused(said) if said == words),
            "{error}"
        );
    }
}
