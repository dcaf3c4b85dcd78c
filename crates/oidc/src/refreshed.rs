//! The checks on an ID token that came for a refresh token (OpenID Connect Core section 12.2): of
//! the same issuer, for us, about the same person. It answers no sign-in, so it needs no nonce.

use crate::id_token::{self, IdTokenError, Leeway};
use crate::jwk::KeySet;
use crate::jwt::Jwt;
use crate::subject;
use model::time::Timestamp;

/// What the token must say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The issuer, compared byte for byte.
    pub issuer: &'a str,
    /// Our client id: the audience.
    pub client_id: &'a str,
    /// The person the refresh token was given for.
    pub subject: &'a str,
    /// The instant of checking.
    pub now: Timestamp,
    /// How far clocks may differ.
    pub leeway: Leeway,
}

/// Verifies `token`.
///
/// # Errors
/// The first check that fails: form and signature, issuer, audience, subject, times.
pub fn verify(token: &str, keys: &KeySet, expected: &Expected<'_>) -> Result<(), IdTokenError> {
    let jwt = Jwt::parse(token)?;
    jwt.demand_plain_type()?;
    let claims = jwt.verify(keys, expected.now)?.claims;
    id_token::check_issuer(&claims, expected.issuer)?;
    id_token::check_audience(&claims, expected.client_id)?;
    let observed = subject::sub(&claims)?;
    if observed != expected.subject {
        return Err(IdTokenError::OtherSubject {
            expected: crate::foreign::printable(expected.subject, 255),
            observed: crate::foreign::printable(&observed, 255),
        });
    }
    id_token::check_times(&claims, expected.now, expected.leeway)?;
    Ok(())
}
