//! Reading forms.

use crate::csrf::{self, FormToken};
use crate::error::Failure;
use crate::site::Site;
use axum::body::Bytes;
use axum::extract::{FromRef, FromRequest, FromRequestParts as _, Request};
use http::{StatusCode, header};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use std::sync::Arc;

/// A secret that somebody typed into a form.
#[derive(Debug, Clone, Default)]
pub struct Typed(pub SecretString);

impl<'de> Deserialize<'de> for Typed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(SecretString::from(text)))
    }
}

/// A form that came from our own page: its token was right. A list field takes every value of its
/// name (`#[serde(default)]` for none); a single field sent twice is refused.
#[derive(Debug)]
pub struct Posted<T>(pub T);

/// A form whose token may be one of before: of a session that ended, or of nobody, when the person has
/// signed in in another window meanwhile. Only for handlers that then do nothing but ask again.
#[derive(Debug)]
pub enum Sent<T> {
    /// It came from our own current page.
    Ours(T),
    /// It may have come from anywhere.
    Stale(T),
}

impl<T, S> FromRequest<S> for Posted<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
    Arc<Site>: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        match read(request, state).await? {
            (true, bytes) => parsed(&bytes).map(Self),
            (false, _) => Err(foreign()),
        }
    }
}

impl<T, S> FromRequest<S> for Sent<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
    Arc<Site>: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        match read(request, state).await? {
            (true, bytes) => parsed(&bytes).map(Self::Ours),
            (false, bytes) => parsed(&bytes).map(Self::Stale).map_err(|_| foreign()),
        }
    }
}

/// The answer to a form whose token is not right.
pub(crate) fn foreign() -> Failure {
    Failure::new(StatusCode::FORBIDDEN).saying(csrf::FOREIGN_FORM)
}

/// Whether a form's token is right, and the form.
async fn read<S>(request: Request, state: &S) -> Result<(bool, Bytes), Failure>
where
    S: Send + Sync,
    Arc<Site>: FromRef<S>,
{
    let (mut parts, body) = request.into_parts();
    let token = FormToken::from_request_parts(&mut parts, state).await?;
    let form = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| {
        kind.as_bytes()
            .starts_with(b"application/x-www-form-urlencoded")
    });
    if !form {
        return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let bytes = Bytes::from_request(Request::from_parts(parts, body), state)
        .await
        .map_err(|rejection| Failure::new(rejection.status()))?;
    let ours = form_urlencoded::parse(&bytes)
        .find(|(name, _)| name == csrf::FIELD)
        .is_some_and(|(_, sent)| token.matches(&sent));
    Ok((ours, bytes))
}

fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    serde_html_form::from_bytes(bytes).map_err(|_| Failure::new(StatusCode::BAD_REQUEST))
}
