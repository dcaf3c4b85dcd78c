//! An ID token of ours that an app shows again, as `id_token_hint`: at the authorization endpoint to
//! say whom it means, at sign-out to say who it is. It proves nothing about the person before us.

use crate::id_token::{self, IdTokenError};
use crate::jwk::KeySet;
use crate::jwt::{Jwt, JwtError};
use crate::logout_token;
use crate::subject::{self, SubjectError};
use model::time::Timestamp;
use serde_json::Value;

/// Why a hint says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HintError {
    /// Form, algorithm, key or signature: not made by us.
    #[error(transparent)]
    Jwt(#[from] JwtError),
    /// Of another issuer, or for another app.
    #[error(transparent)]
    Claims(#[from] IdTokenError),
    /// Its subject cannot identify anybody.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// Not for exactly one app, as ours are.
    #[error("it is not for one app")]
    Audience,
}

/// What a hint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The person, as the app knows them.
    pub subject: String,
    /// What the app knows the session by in which it was made.
    pub sid: Option<String>,
    /// The app it was made for.
    pub audience: String,
}

/// Reads a hint by `keys`, our own public ones with those that no longer sign. One that is past its
/// end still counts (OpenID Connect RP-Initiated Logout 1.0 section 2). With a `client_id` it must
/// have been made for that app; without, the hint says which app it is.
///
/// # Errors
/// [`HintError`].
pub fn read(
    token: &str,
    keys: &KeySet,
    issuer: &str,
    client_id: Option<&str>,
    now: Timestamp,
) -> Result<Hint, HintError> {
    let jwt = Jwt::parse(token)?;
    jwt.demand_plain_type()?;
    let claims = jwt.verify(keys, now)?.claims;
    id_token::check_issuer(&claims, issuer)?;
    let Some(audience) = claims.get("aud").and_then(Value::as_str) else {
        return Err(HintError::Audience);
    };
    id_token::check_audience(&claims, client_id.unwrap_or(audience))?;
    Ok(Hint {
        subject: subject::sub(&claims)?,
        sid: logout_token::sid(&claims),
        audience: audience.to_owned(),
    })
}
