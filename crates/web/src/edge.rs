//! What every request passes on its way in and out.

use crate::client_addr::ClientAddr;
use crate::route::{Policy, Row};
use crate::{client_addr, error, flow_cookie, headers, hosts, limits, site::Site};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use http::{Method, Uri};
use model::random::Random;
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;
use tracing::Level;

/// What the guards know.
struct Edge {
    site: Arc<Site>,
    random: Arc<dyn Random>,
    /// Paths of programs, as far as they are fixed.
    programs: HashSet<&'static str>,
}

/// Puts the guards around a router, whose routes are `rows`. They are one layer, not a layer each: a
/// layer costs a request more than most of what these do.
pub fn guarded(router: Router, rows: &[Row], site: &Arc<Site>, random: &Arc<dyn Random>) -> Router {
    let machine = |row: &&Row| row.policy == Policy::Machine;
    let edge = Arc::new(Edge {
        site: Arc::clone(site),
        random: Arc::clone(random),
        programs: rows.iter().filter(machine).map(|row| row.path).collect(),
    });
    router
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES))
        .layer(from_fn(move |request, next| {
            let edge = Arc::clone(&edge);
            async move { edge.pass(request, next).await }
        }))
}

impl Edge {
    /// From the outside in: the response headers, the error page, the client's address, the log line,
    /// the host check, limits, and last the browser's cookie.
    async fn pass(&self, mut request: Request, next: Next) -> Response {
        let site = &*self.site;
        let wishes = error::Wishes::of(&request);
        let client = client_addr::note(site, &mut request);
        let of_program = self.programs.contains(request.uri().path());
        let line = Line::begin(&request, client);
        let passes = hosts::check(site, &request, client).and_then(|()| limits::check(&request));
        let response = match passes {
            Ok(()) if of_program => answer(next.run(request)).await,
            Ok(()) => self.answer_browser(request, next).await,
            Err(refused) => refused.into_response(),
        };
        line.end(&response, of_program);
        let mut response = error::render(site, &*self.random, &wishes, response);
        headers::set(site, &mut response);
        response
    }

    async fn answer_browser(&self, mut request: Request, next: Next) -> Response {
        let browser = flow_cookie::note(&self.site, &self.random, &mut request);
        let mut response = answer(next.run(request)).await;
        browser.set(&self.site, &mut response);
        response
    }
}

/// A panic is a fault of ours like any other: an error page, and the worker lives on. Its message
/// may quote data, so the log gets only that it happened; the panic hook has written where.
async fn answer(answer: impl Future<Output = Response>) -> Response {
    match limits::in_time(AssertUnwindSafe(answer).catch_unwind()).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => error::Failure::internal("a handler panicked").into_response(),
        Err(late) => late.into_response(),
    }
}

/// One line per request. Only the path: queries carry codes and states.
struct Line {
    method: Method,
    uri: Uri,
    client: ClientAddr,
    began: Instant,
}

impl Line {
    fn begin(request: &Request, client: ClientAddr) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            client,
            began: Instant::now(),
        }
    }

    /// What programs ask for and get is below the usual level: they ask all day, and a line costs more
    /// than most of their answers (`docs/decisions/0031`).
    fn end(&self, response: &Response, of_program: bool) {
        let status = response.status();
        macro_rules! write_at {
            ($level:expr) => {
                tracing::event!(
                    $level,
                    client.addr = %self.client.0,
                    http.method = %self.method,
                    http.path = self.uri.path(),
                    http.status = status.as_u16(),
                    http.took_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX),
                    "request"
                )
            };
        }
        if of_program && !status.is_client_error() && !status.is_server_error() {
            write_at!(Level::DEBUG);
        } else {
            write_at!(Level::INFO);
        }
    }
}
