//! Requests for a host name that is not ours are not answered as if it were.

use crate::client_addr::ClientAddr;
use crate::error::Failure;
use crate::site::Site;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// Paths that probes ask for by address.
const FOR_ANY_HOST: [&str; 2] = ["/healthz", "/readyz"];

/// Answers 421 (RFC 9110 section 15.5.20) unless the request names a host of this site, so that a
/// foreign name pointed at this server never shows a sign-in page and no cache can be poisoned.
pub async fn check(site: Arc<Site>, request: Request, next: Next) -> Response {
    if FOR_ANY_HOST.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let client = request.extensions().get::<ClientAddr>();
    let client = client.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |client| client.0);
    match requested(request.uri(), request.headers()) {
        Some(host) if site.answers_to(&host, client) => next.run(request).await,
        Some(_) => Failure::new(StatusCode::MISDIRECTED_REQUEST).into_response(),
        None => Failure::new(StatusCode::BAD_REQUEST).into_response(),
    }
}

/// The host a request was made for: of its target when that names one (HTTP/2), else of its Host
/// header, without the port. `None` when it names none or more than one.
fn requested(uri: &http::Uri, headers: &HeaderMap) -> Option<String> {
    if let Some(host) = uri.host() {
        return Some(host.to_owned());
    }
    let mut values = headers.get_all(http::header::HOST).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let authority: http::uri::Authority = value.parse().ok()?;
    Some(authority.host().to_owned())
}
