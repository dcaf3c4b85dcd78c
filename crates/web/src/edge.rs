//! What every request passes on its way in and out.

use crate::client_addr::ClientAddr;
use crate::{client_addr, error, flow_cookie, headers, hosts, limits, site::Site};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use http::{Method, Uri};
use model::random::Random;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

/// Puts the guards around a router. They are one layer, not a layer each: a layer costs a request
/// more than most of what these do.
pub fn guarded(router: Router, site: &Arc<Site>, random: &Arc<dyn Random>) -> Router {
    let (site, random) = (Arc::clone(site), Arc::clone(random));
    router
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES))
        .layer(from_fn(move |request, next| {
            pass(Arc::clone(&site), Arc::clone(&random), request, next)
        }))
}

/// From the outside in: the response headers, the error page, the client's address, the log line,
/// the host check, limits, and last the browser's cookie.
async fn pass(
    site: Arc<Site>,
    random: Arc<dyn Random>,
    mut request: Request,
    next: Next,
) -> Response {
    let wishes = error::Wishes::of(&request);
    let client = client_addr::note(&site, &mut request);
    let line = Line::begin(&request, client);
    let passes = hosts::check(&site, &request, client).and_then(|()| limits::check(&request));
    let response = match passes {
        Ok(()) => answer(&site, &random, request, next).await,
        Err(refused) => refused.into_response(),
    };
    line.end(&response);
    let mut response = error::render(&site, &*random, &wishes, response);
    headers::set(&site, &mut response);
    response
}

/// A panic is a fault of ours like any other: an error page, and the worker lives on. Its message
/// may quote data, so the log gets only that it happened; the panic hook has written where.
async fn answer(
    site: &Site,
    random: &Arc<dyn Random>,
    mut request: Request,
    next: Next,
) -> Response {
    let browser = flow_cookie::note(site, random, &mut request);
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    match limits::in_time(answer).await {
        Ok(Ok(mut response)) => {
            browser.set(site, &mut response);
            response
        }
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

    fn end(&self, response: &Response) {
        tracing::info!(
            client.addr = %self.client.0,
            http.method = %self.method,
            http.path = self.uri.path(),
            http.status = response.status().as_u16(),
            http.took_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX),
            "request"
        );
    }
}
