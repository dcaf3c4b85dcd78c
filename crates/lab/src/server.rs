//! Starting and stopping the provider.

use crate::company::Company;
use crate::conduct::{Endpoint, Replacement};
use crate::keys::{KeyFault, SigningKey};
use crate::logout::{self, Leaving};
use crate::options::Options;
use crate::provider::Provider;
use crate::{authorize, discovery, end_session, exchange, home, login, page, userinfo};
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use axum::serve::Listener;
use std::fmt::Debug;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long [`Handle::stop`] waits for answers under way.
const GRACE: Duration = Duration::from_secs(1);

/// Why the provider did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener does not know its own address.
    #[error("the listener has no address")]
    Listener(#[from] io::Error),
    /// No signing key.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// Making the key was cut short.
    #[error("making the signing key was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// A running provider. Dropped, it stops by itself, without waiting for answers under way.
pub struct Handle {
    provider: Arc<Provider>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Handle {
    /// The issuer, exactly as tokens and discovery state it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.provider.issuer
    }

    /// The authorization endpoint, for clients that are set up by endpoints.
    #[must_use]
    pub fn authorization_endpoint(&self) -> String {
        format!("{}{}", self.provider.origin, authorize::PATH)
    }

    /// The token endpoint.
    #[must_use]
    pub fn token_endpoint(&self) -> String {
        format!("{}{}", self.provider.origin, exchange::PATH)
    }

    /// The userinfo endpoint.
    #[must_use]
    pub fn userinfo_endpoint(&self) -> String {
        format!("{}{}", self.provider.origin, userinfo::PATH)
    }

    /// The company that is served.
    #[must_use]
    pub fn company(&self) -> &Company {
        &self.provider.company
    }

    /// How many requests an endpoint has had.
    #[must_use]
    pub fn hits(&self, at: Endpoint) -> u64 {
        self.provider.hits(at)
    }

    /// A logout token, for posting it.
    ///
    /// # Errors
    /// When the crypto library refuses.
    pub fn logout_token(&self, leaving: Leaving<'_>) -> Result<String, KeyFault> {
        logout::token(&self.provider, leaving)
    }

    /// A logout token whose header and claims were spoiled before it was signed as the header then
    /// says: not at all for `none`, with the client's secret for `HS256`.
    ///
    /// # Errors
    /// When the crypto library refuses.
    #[cfg(feature = "misbehave")]
    pub fn spoiled_logout_token(
        &self,
        leaving: Leaving<'_>,
        spoil: impl FnOnce(
            &mut serde_json::Map<String, serde_json::Value>,
            &mut serde_json::Map<String, serde_json::Value>,
        ),
    ) -> Result<String, KeyFault> {
        logout::spoiled(&self.provider, leaving, spoil)
    }

    /// What clients know a person's open sessions by (`sid`).
    #[must_use]
    pub fn sids(&self, login: &str) -> Vec<String> {
        let now = self.provider.now();
        self.provider.grants.lock().sids(login, now)
    }

    /// Replaces the signing key; the old one is no longer published.
    ///
    /// # Errors
    /// When the crypto library makes no key.
    pub fn rotate_keys(&self) -> Result<(), KeyFault> {
        self.provider.rotate_key()
    }

    /// Closes the listener and waits, for at most a second, until answers under way are out.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        let mut server = self.server;
        if tokio::time::timeout(GRACE, &mut server).await.is_err() {
            server.abort();
        }
    }
}

/// Serves the company on `listener` over plain HTTP. Its origin is `http://ADDRESS:PORT`.
///
/// # Errors
/// When there is no signing key or the listener is broken.
pub async fn serve(
    listener: TcpListener,
    company: Company,
    options: Options,
) -> Result<Handle, ServeError> {
    let origin = format!("http://{}", listener.local_addr()?);
    serve_at(listener, origin, company, options).await
}

/// Serves the company on any listener, such as one that speaks TLS. `origin` is the scheme, host
/// and port that lead there, without a slash at its end.
///
/// # Errors
/// When there is no signing key.
pub async fn serve_at<L>(
    listener: L,
    origin: String,
    company: Company,
    options: Options,
) -> Result<Handle, ServeError>
where
    L: Listener,
    L::Addr: Debug,
{
    let algorithm = options.algorithm;
    let key = tokio::task::spawn_blocking(move || SigningKey::generate(algorithm)).await??;
    let provider = Arc::new(Provider::new(origin, company, options, key));
    let router = routes(&provider);
    let (stop, stopped) = oneshot::channel();
    let server = tokio::spawn(async move {
        let serving = axum::serve(listener, router).with_graceful_shutdown(async {
            // An error means that the handle was dropped: stop as well.
            let _ = stopped.await;
        });
        if let Err(error) = serving.await {
            tracing::error!(%error, "company provider stopped");
        }
    });
    tracing::info!(issuer = provider.issuer, "company provider listens");
    Ok(Handle {
        provider,
        stop,
        server,
    })
}

fn routes(provider: &Arc<Provider>) -> Router {
    let guarded = |at: Endpoint, route: MethodRouter<Arc<Provider>>| {
        route.layer(from_fn_with_state(
            (Arc::clone(provider), at),
            count_and_replace,
        ))
    };
    Router::new()
        .route("/", get(home::home))
        .route(page::STYLE_PATH, get(page::style))
        .route(
            &discovery::path(&provider.issuer, &provider.origin),
            guarded(Endpoint::Discovery, get(discovery::document)),
        )
        .route(
            discovery::JWKS_PATH,
            guarded(Endpoint::Jwks, get(discovery::key_set)),
        )
        .route(
            authorize::PATH,
            guarded(
                Endpoint::Authorize,
                get(authorize::authorize).post(authorize::authorize),
            ),
        )
        .route(
            login::PATH,
            guarded(Endpoint::Login, get(login::form).post(login::submit)),
        )
        .route(
            exchange::PATH,
            guarded(Endpoint::Token, post(exchange::exchange)),
        )
        .route(
            userinfo::PATH,
            guarded(
                Endpoint::Userinfo,
                get(userinfo::userinfo).post(userinfo::userinfo),
            ),
        )
        .route(
            end_session::PATH,
            guarded(
                Endpoint::EndSession,
                get(end_session::end_session).post(end_session::end_session),
            ),
        )
        .with_state(Arc::clone(provider))
}

/// Counts the request, and lets a misbehaving company answer in the endpoint's place.
async fn count_and_replace(
    State((provider, at)): State<(Arc<Provider>, Endpoint)>,
    request: Request,
    next: Next,
) -> Response {
    provider.count(at);
    if !provider.options.latency.is_zero() {
        tokio::time::sleep(provider.options.latency).await;
    }
    match provider.company.conduct().replace(at, request.uri()) {
        None => next.run(request).await,
        Some(Replacement::Answer(response)) => response,
        Some(Replacement::Silence) => std::future::pending().await,
    }
}
