//! Registering routes, each with the policy that says who may use it.

use crate::csrf;
use crate::error::Failure;
use crate::site::Site;
use axum::Router;
use axum::extract::{FromRef, Request};
use axum::handler::Handler;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use http::request::Parts;
use http::{Method, StatusCode};
use std::future::Future;
use std::sync::Arc;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Policy {
    /// Anybody with a browser.
    Public,
    /// The owner of a mailbox, signed in.
    Person,
    /// An administrator, signed in.
    Administrator,
    /// Anybody with a browser, sent here by a form of another site: a provider's. Browsers leave our
    /// cookies at home then, so the handler knows nobody, and it may do nothing but read the form and
    /// send the browser on to a page of ours.
    Carried,
    /// A program with its own credentials in the request, which the handler checks. Cookies mean
    /// nothing here, so requests from other sites are let through.
    Machine,
}

/// Decides whether a request may reach a route of some policy. It is not asked about
/// [`Policy::Machine`], whose handlers decide by themselves.
pub trait Gate: Clone + Send + Sync + 'static {
    /// Lets the request pass (noting in its extensions who it comes from) or answers it.
    fn admit(
        &self,
        policy: Policy,
        parts: &mut Parts,
    ) -> impl Future<Output = Result<(), Response>> + Send;
}

/// One registered route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// Its path in axum's notation.
    pub path: &'static str,
    /// Its method.
    pub method: Method,
    /// Who may use it.
    pub policy: Policy,
}

type Adding<S> = Box<dyn FnOnce(Router<S>, &Guards<S>) -> Router<S> + Send>;

/// The routes of a site. There is no way to add one without a policy.
pub struct Routes<S> {
    rows: Vec<Row>,
    adding: Vec<Adding<S>>,
}

/// What stands before every handler.
struct Guards<S> {
    state: S,
    csrf: tower_http::csrf::CsrfLayer<csrf::Refuse>,
}

impl<S> Default for Routes<S> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            adding: Vec::new(),
        }
    }
}

impl<S: Gate> Routes<S>
where
    Arc<Site>: FromRef<S>,
{
    /// No routes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what answers GET (and HEAD) at `path`.
    #[must_use]
    pub fn get<H, T>(self, policy: Policy, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: Send + 'static,
    {
        self.add(policy, Method::GET, MethodFilter::GET, path, handler)
    }

    /// Adds what answers POST at `path`.
    #[must_use]
    pub fn post<H, T>(self, policy: Policy, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: Send + 'static,
    {
        self.add(policy, Method::POST, MethodFilter::POST, path, handler)
    }

    /// Adds what answers a browser that asks by OPTIONS whether a page of another site may call `path`.
    #[must_use]
    pub fn options<H, T>(self, policy: Policy, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: Send + 'static,
    {
        self.add(
            policy,
            Method::OPTIONS,
            MethodFilter::OPTIONS,
            path,
            handler,
        )
    }

    fn add<H, T>(
        mut self,
        policy: Policy,
        method: Method,
        filter: MethodFilter,
        path: &'static str,
        handler: H,
    ) -> Self
    where
        H: Handler<T, S>,
        T: Send + 'static,
    {
        self.rows.push(Row {
            path,
            method,
            policy,
        });
        self.adding.push(Box::new(move |router, guards| {
            router.route(path, guards.stand_before(policy, on(filter, handler)))
        }));
        self
    }

    /// Adds the routes of another list.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.rows.extend(other.rows);
        self.adding.extend(other.adding);
        self
    }

    /// What has been registered so far.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The router, with every route behind its policy and (but for machines and for what another
    /// site's form may carry here) behind the check for forms of other sites.
    ///
    /// # Errors
    /// The site's origin is none; [`Site`] does not let that happen.
    pub fn into_router(self, state: S) -> Result<Router, tower_http::csrf::ConfigError> {
        let site = Arc::<Site>::from_ref(&state);
        let guards = Guards {
            csrf: csrf::layer(&site)?,
            state,
        };
        let router = self
            .adding
            .into_iter()
            .fold(Router::new(), |router, add| add(router, &guards));
        Ok(router
            .fallback(|| async { Failure::not_found() })
            .method_not_allowed_fallback(|| async { Failure::new(StatusCode::METHOD_NOT_ALLOWED) })
            .with_state(guards.state))
    }
}

impl<S: Gate> Guards<S> {
    fn stand_before(&self, policy: Policy, route: MethodRouter<S>) -> MethodRouter<S> {
        match policy {
            Policy::Machine => route,
            Policy::Carried => self.behind_gate(policy, route),
            Policy::Public | Policy::Person | Policy::Administrator => self
                .behind_gate(policy, route)
                .route_layer(self.csrf.clone()),
        }
    }

    fn behind_gate(&self, policy: Policy, route: MethodRouter<S>) -> MethodRouter<S> {
        let gate = self.state.clone();
        route.route_layer(from_fn(move |request: Request, next: Next| {
            let gate = gate.clone();
            async move { admit(&gate, policy, request, next).await }
        }))
    }
}

async fn admit<S: Gate>(gate: &S, policy: Policy, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match gate.admit(policy, &mut parts).await {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(answer) => answer.into_response(),
    }
}
