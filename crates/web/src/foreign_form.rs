//! Forms of other sites: providers carry answers and requests here by them.

use crate::error::Failure;
use crate::limits;
use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use http::{StatusCode, header};

/// The text of a form, as long as it is one.
///
/// # Errors
/// Another type (415), over [`limits::CARRIED_BYTES`] (413), not a text (400).
pub async fn read(request: Request) -> Result<String, Failure> {
    read_up_to(limits::CARRIED_BYTES, request).await
}

/// As [`read`], up to another length in bytes.
///
/// # Errors
/// As [`read`].
pub async fn read_up_to(most: usize, request: Request) -> Result<String, Failure> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let form = kind.is_some_and(|kind| {
        let kind = kind.as_bytes().split(|byte| *byte == b';').next();
        kind.is_some_and(|kind| {
            kind.trim_ascii()
                .eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
        })
    });
    if !form {
        return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let bytes: Bytes = to_bytes(request.into_body(), most)
        .await
        .map_err(|_| Failure::new(StatusCode::PAYLOAD_TOO_LARGE))?;
    String::from_utf8(bytes.into()).map_err(|_| Failure::new(StatusCode::BAD_REQUEST))
}
