//! How much one request or connection may take.

use crate::error::Failure;
use axum::extract::Request;
use http::StatusCode;
use std::time::Duration;

/// The largest body of a form or call, in bytes.
pub const BODY_BYTES: usize = 64 * 1024;
/// The largest form with CA certificates, in bytes: the most that are taken of them, percent-encoded.
pub const CERTIFICATE_FORM_BYTES: usize = 4 * BODY_BYTES;
/// The largest form that another site may send here, in bytes: a provider's answer.
pub const CARRIED_BYTES: usize = 32 * 1024;
/// About the largest request line with headers, in bytes (HTTP/1 may read a little past it); the
/// largest header list of HTTP/2.
pub const HEADER_BYTES: usize = 32 * 1024;
/// The most header fields.
pub const HEADERS: usize = 64;
/// The longest path with query, in bytes: some providers send codes of several kilobytes.
pub const TARGET_BYTES: usize = 16 * 1024;
/// From the complete headers to the beginning of the answer. A stalled body counts.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Refuses overlong targets.
///
/// # Errors
/// 414.
pub fn check(request: &Request) -> Result<(), Failure> {
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if target > TARGET_BYTES {
        return Err(Failure::new(StatusCode::URI_TOO_LONG));
    }
    Ok(())
}

/// Gives up on an answer that takes too long.
///
/// # Errors
/// 503.
pub async fn in_time<T>(answer: impl Future<Output = T>) -> Result<T, Failure> {
    tokio::time::timeout(ANSWER_WITHIN, answer)
        .await
        .map_err(|_| Failure::unavailable("no answer in time"))
}
