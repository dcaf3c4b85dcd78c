//! An app that listens for logout tokens.

use crate::world::World;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::serve::Listener;
use http::{HeaderMap, StatusCode, header};
use oidc::id_token::Leeway;
use oidc::jwk::KeySet;
use oidc::logout_token::{self, Expected, LogoutToken};
use parking_lot::Mutex;
use std::sync::Arc;
use testkit::tls::{Certificate, TlsListener};

/// What it answers.
#[derive(Clone)]
pub enum Says {
    Status(u16, &'static str),
    Redirect(String),
    /// Nothing, ever.
    Nothing,
}

#[derive(Clone)]
struct Shared {
    says: Arc<Mutex<Says>>,
    heard: Arc<Mutex<Vec<String>>>,
}

/// The listening app, on a port of its own; it ends with the test.
pub struct Ear {
    pub url: String,
    shared: Shared,
}

impl Ear {
    pub async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = format!("http://{}", listener.local_addr().unwrap());
        Self::at(&at, listener)
    }

    /// The same behind a certificate.
    pub async fn behind(certificate: &Certificate) -> Self {
        let listener = TlsListener::bind(certificate).await.unwrap();
        let at = format!("https://localhost:{}", listener.address().unwrap().port());
        Self::at(&at, listener)
    }

    fn at<L: Listener>(origin: &str, listener: L) -> Self
    where
        L::Addr: std::fmt::Debug,
    {
        let url = format!("{origin}/told?by=gatepost");
        let shared = Shared {
            says: Arc::new(Mutex::new(Says::Status(200, ""))),
            heard: Arc::default(),
        };
        let router = Router::new()
            .route("/told", post(hear))
            .with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    /// From now on it answers so.
    pub fn says(&self, says: Says) {
        *self.shared.says.lock() = says;
    }

    /// The bodies it was sent, and forgets them.
    pub fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.heard.lock())
    }

    /// How often it was called.
    pub fn calls(&self) -> usize {
        self.shared.heard.lock().len()
    }
}

async fn hear(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    assert_eq!(
        headers[header::CONTENT_TYPE],
        "application/x-www-form-urlencoded"
    );
    let text = String::from_utf8(body.to_vec()).unwrap();
    shared.heard.lock().push(text);
    let says = shared.says.lock().clone();
    match says {
        Says::Status(status, body) => {
            let status = StatusCode::from_u16(status).unwrap();
            (status, body).into_response()
        }
        Says::Redirect(to) => {
            let status = StatusCode::TEMPORARY_REDIRECT;
            (status, [(header::LOCATION, to)]).into_response()
        }
        Says::Nothing => std::future::pending().await,
    }
}

/// Checks a body as a client does that was written against the standard, with our published keys.
pub async fn believed(world: &World, client_id: &str, body: &str) -> LogoutToken {
    let token = body.strip_prefix("logout_token=").unwrap();
    let answer = world
        .send(http::Request::get(app::oauth::paths::JWKS), "")
        .await;
    let jwks = axum::body::to_bytes(answer.into_body(), 1 << 20).await;
    let keys = KeySet::parse(&jwks.unwrap()).unwrap();
    let expected = Expected {
        issuer: &world.url,
        client_id,
        algs: None,
        now: world.app.now(),
        leeway: Leeway::default(),
    };
    logout_token::verify(token, &keys, &expected).unwrap()
}
