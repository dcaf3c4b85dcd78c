//! Requests for a host name that is not ours are not answered as if it were.

use crate::client_addr::ClientAddr;
use crate::error::Failure;
use crate::site::Site;
use axum::extract::Request;
use http::{HeaderMap, StatusCode};

/// Paths that probes ask for by address.
const FOR_ANY_HOST: [&str; 2] = ["/healthz", "/readyz"];

/// Refuses a request of `client` that does not name a host of this site, so that a foreign name
/// pointed at this server never shows a sign-in page and no cache can be poisoned.
///
/// # Errors
/// 421 (RFC 9110 section 15.5.20), or 400 when it names none or several.
pub fn check(site: &Site, request: &Request, client: ClientAddr) -> Result<(), Failure> {
    if FOR_ANY_HOST.contains(&request.uri().path()) {
        return Ok(());
    }
    match requested(request.uri(), request.headers()) {
        Some(host) if site.answers_to(&host, client.0) => Ok(()),
        Some(_) => Err(Failure::new(StatusCode::MISDIRECTED_REQUEST)),
        None => Err(Failure::new(StatusCode::BAD_REQUEST)),
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
