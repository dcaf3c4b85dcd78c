//! Userinfo (OpenID Connect Core section 5.3): a JSON object, or the same signed.

use crate::id_token::{self, IdTokenError};
use crate::json::{self, JsonError};
use crate::jwk::KeySet;
use crate::jwt::{Jwt, JwtError};
use crate::subject::{self, SubjectError};
use model::time::Timestamp;
use serde_json::{Map, Value};

/// Why userinfo is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UserInfoError {
    /// Not a JSON object we accept.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The signed form is not a token we believe.
    #[error(transparent)]
    Jwt(#[from] JwtError),
    /// The signed form is of another issuer or for another client.
    #[error(transparent)]
    Claim(IdTokenError),
    /// `sub` cannot identify anybody.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// It is about another person than the ID token (OpenID Connect Core section 5.3.2).
    #[error("userinfo is about {observed:?}, the ID token about {expected:?}")]
    OtherSubject {
        /// The ID token's subject.
        expected: String,
        /// Userinfo's.
        observed: String,
    },
}

/// Whether the answer is the signed form.
#[must_use]
pub fn is_signed(content_type: Option<&str>) -> bool {
    content_type.is_some_and(|kind| {
        kind.split(';')
            .next()
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/jwt"))
    })
}

/// Reads the plain form.
///
/// # Errors
/// [`JsonError`].
pub fn parse(body: &[u8]) -> Result<Map<String, Value>, JsonError> {
    json::object(body)
}

/// Verifies the signed form: signature, `iss`, `aud`. OpenID Connect only recommends the last two
/// members; we demand them, for without them a token for another client would do.
///
/// # Errors
/// [`UserInfoError`].
pub fn verify(
    body: &[u8],
    keys: &KeySet,
    issuer: &str,
    client_id: &str,
    now: Timestamp,
) -> Result<Map<String, Value>, UserInfoError> {
    let token = std::str::from_utf8(body).map_err(|_| JwtError::Shape)?;
    let claims = Jwt::parse(token.trim())?.verify(keys, now)?.claims;
    id_token::check_issuer(&claims, issuer).map_err(UserInfoError::Claim)?;
    id_token::check_audience(&claims, client_id).map_err(UserInfoError::Claim)?;
    Ok(claims)
}

/// Demands that userinfo is about `expected`, the ID token's subject.
///
/// # Errors
/// [`UserInfoError`]: absent or another.
pub fn check_subject(claims: &Map<String, Value>, expected: &str) -> Result<(), UserInfoError> {
    let observed = subject::sub(claims)?;
    if observed == expected {
        return Ok(());
    }
    Err(UserInfoError::OtherSubject {
        expected: expected.to_owned(),
        observed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_type_tells_the_form() {
        assert!(is_signed(Some("application/jwt")));
        assert!(is_signed(Some("Application/JWT; charset=utf-8")));
        assert!(!is_signed(Some("application/json")));
        assert!(!is_signed(None));
    }

    #[test]
    fn userinfo_without_subject_is_refused() {
        let claims = parse(br#"{"email":"a@example.org"}"#).unwrap();
        assert!(matches!(
            check_subject(&claims, "1"),
            Err(UserInfoError::Subject(SubjectError::Missing(_)))
        ));
    }
}
