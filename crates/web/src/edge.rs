//! What every request passes on its way in and out.

use crate::{client_addr, error, flow_cookie, headers, hosts, limits, site::Site};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use http::{Method, Uri};
use model::random::Random;
use std::any::Any;
use std::sync::Arc;
use std::time::Instant;
use tower_http::catch_panic::CatchPanicLayer;

/// Puts the guards around a router. From the outside in: the response headers, the error page, the
/// client's address, the log line, the host check, limits, and last the browser's cookie.
pub fn guarded(router: Router, site: &Arc<Site>, random: &Arc<dyn Random>) -> Router {
    let (site, random) = (Arc::clone(site), Arc::clone(random));
    router
        .layer(from_fn({
            let (site, random) = (Arc::clone(&site), Arc::clone(&random));
            move |request, next| {
                flow_cookie::layer(Arc::clone(&site), Arc::clone(&random), request, next)
            }
        }))
        .layer(CatchPanicLayer::custom(answer_panic))
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES))
        .layer(from_fn(limits::layer))
        .layer(from_fn({
            let site = Arc::clone(&site);
            move |request, next| hosts::check(Arc::clone(&site), request, next)
        }))
        .layer(from_fn(log))
        .layer(from_fn({
            let site = Arc::clone(&site);
            move |request, next| client_addr::note(Arc::clone(&site), request, next)
        }))
        .layer(from_fn({
            let site = Arc::clone(&site);
            move |request, next| {
                error::render(Arc::clone(&site), Arc::clone(&random), request, next)
            }
        }))
        .layer(from_fn(move |request, next| {
            headers::layer(Arc::clone(&site), request, next)
        }))
}

/// One line per request. Only the path: queries carry codes and states.
async fn log(request: Request, next: Next) -> Response {
    let method: Method = request.method().clone();
    let uri: Uri = request.uri().clone();
    let client = request
        .extensions()
        .get::<client_addr::ClientAddr>()
        .map(|client| client.0);
    let began = Instant::now();
    let response = next.run(request).await;
    tracing::info!(
        client.addr = client.map(tracing::field::display),
        http.method = %method,
        http.path = uri.path(),
        http.status = response.status().as_u16(),
        http.took_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
        "request"
    );
    response
}

/// A panic is a fault of ours like any other: an error page, and the worker lives on. Its message
/// may quote data, so the log gets only that it happened; the panic hook has written where.
fn answer_panic(_: Box<dyn Any + Send + 'static>) -> Response {
    error::Failure::internal("a handler panicked").into_response()
}
