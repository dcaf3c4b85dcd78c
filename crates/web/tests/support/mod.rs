//! A small site with one route of each kind, and a client for it.

#![expect(dead_code, reason = "each test binary uses a part of this")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use axum::Router;
use axum::body::Body;
use axum::extract::FromRef;
use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_TYPE, COOKIE, HOST, SET_COOKIE};
use http::request::Parts;
use http::{Method, Request, StatusCode};
use model::random::Random;
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tower::ServiceExt as _;
use web::client_addr::ClientAddr;
use web::csrf::FormToken;
use web::error::Failure;
use web::form::Posted;
use web::route::{Gate, Policy, Routes};
use web::site::Site;
use web::{appearance, assets, edge};

#[derive(Clone)]
pub struct State {
    site: Arc<Site>,
}

impl FromRef<State> for Arc<Site> {
    fn from_ref(state: &State) -> Self {
        Self::clone(&state.site)
    }
}

/// Lets in who says in a header what they are.
impl Gate for State {
    async fn admit(&self, policy: Policy, parts: &mut Parts) -> Result<(), Response> {
        let am = parts.headers.get("x-am").map(http::HeaderValue::as_bytes);
        let passes = match policy {
            Policy::Public | Policy::Carried | Policy::Machine => true,
            Policy::Person => am == Some(b"person"),
            Policy::Administrator => am == Some(b"administrator"),
        };
        if passes {
            Ok(())
        } else {
            Err(Failure::new(StatusCode::FORBIDDEN).into_response())
        }
    }
}

/// Different bytes at each call.
pub struct Counted(AtomicU8);

impl Random for Counted {
    fn fill(&self, out: &mut [u8]) {
        let call = self.0.fetch_add(1, Ordering::Relaxed);
        for (n, byte) in out.iter_mut().enumerate() {
            *byte = call
                .wrapping_mul(91)
                .wrapping_add(u8::try_from(n % 251).unwrap());
        }
    }
}

#[derive(Debug, Deserialize)]
pub struct Sent {
    name: String,
    #[serde(default)]
    tick: Vec<i64>,
}

async fn take(Posted(sent): Posted<Sent>) -> String {
    format!("{}{:?}", sent.name, sent.tick)
}

async fn boom() -> &'static str {
    panic!("a handler went wrong: secret detail")
}

pub fn routes() -> Routes<State> {
    Routes::new()
        .get(Policy::Public, "/form", |token: FormToken| async move {
            token.to_string()
        })
        .post(Policy::Public, "/form", take)
        .get(Policy::Public, "/boom", boom)
        .get(
            Policy::Public,
            "/who",
            |addr: axum::Extension<ClientAddr>| async move { addr.0.0.to_string() },
        )
        .get(Policy::Public, "/broken", || async {
            Err::<(), _>(Failure::internal("row <7> is missing"))
        })
        .get(Policy::Public, "/later", || async {
            Err::<(), _>(Failure::unavailable("store is closed"))
        })
        .get(Policy::Public, "/healthz", || async { "ok" })
        .get(Policy::Person, "/mine", || async { "mine" })
        .post(Policy::Person, "/mine", take)
        .get(Policy::Administrator, "/all", || async { "all" })
        .post(Policy::Machine, "/token", || async { "token" })
        .post(Policy::Public, "/appearance", appearance::choose)
        .get(Policy::Public, assets::ROUTE, assets::serve)
}

pub struct Client {
    router: Router,
    host: String,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The cookies set, as a Cookie header.
    pub fn cookies(&self) -> String {
        let set = self.headers.get_all(SET_COOKIE).iter();
        let pairs: Vec<&str> = set
            .map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap())
            .collect();
        pairs.join("; ")
    }
}

pub fn client(url: &str) -> Client {
    client_behind(url, &[])
}

pub fn client_behind(url: &str, proxies: &[&str]) -> Client {
    let proxies: Vec<String> = proxies.iter().map(|p| (*p).to_owned()).collect();
    let site = Arc::new(Site::new(url, &["webmail.example.org".to_owned()], &proxies).unwrap());
    let state = State {
        site: Arc::clone(&site),
    };
    let routes = routes();
    let rows = routes.rows().to_vec();
    let router = routes.into_router(state).unwrap();
    let random: Arc<dyn Random> = Arc::new(Counted(AtomicU8::new(1)));
    Client {
        router: edge::guarded(router, &rows, &site, &random),
        host: site.origin().split("//").nth(1).unwrap().to_owned(),
    }
}

impl Client {
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub fn request(&self, method: Method, path: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).body(Body::empty()).unwrap())
            .await
    }

    pub async fn post(&self, path: &str, cookies: &str, form: impl Into<String>) -> Answer {
        let request = self
            .request(Method::POST, path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(COOKIE, cookies)
            .body(Body::from(form.into()));
        self.send(request.unwrap()).await
    }

    pub fn router(&self) -> Router {
        self.router.clone()
    }
}
