//! The checks on a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.6).

use crate::foreign::printable;
use crate::id_token::{self, IdTokenError, Leeway};
use crate::json;
use crate::jwk::KeySet;
use crate::jwt::{Jwt, JwtError};
use crate::subject::{self, SubjectError};
use model::time::Timestamp;
use serde_json::{Map, Value};
use std::time::Duration;

/// The member of `events` that makes a token a logout token.
pub(crate) const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// How long after it was made a logout token counts, whatever end it names. Providers send it at
/// once; what was taken has to be remembered for no longer.
pub const LIFETIME: Duration = Duration::from_secs(3600);

/// Longest `sid` and `jti` in bytes.
const LONGEST: usize = 512;

/// What the token must say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The issuer, compared byte for byte.
    pub issuer: &'a str,
    /// Our client id: the audience.
    pub client_id: &'a str,
    /// The algorithms the provider says it signs ID tokens with, if it says so.
    pub algs: Option<&'a [String]>,
    /// The instant of checking.
    pub now: Timestamp,
    /// How far clocks may differ.
    pub leeway: Leeway,
}

/// Why a logout token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogoutTokenError {
    /// Form, algorithm, key or signature.
    #[error(transparent)]
    Jwt(#[from] JwtError),
    /// A check that ID tokens have too: issuer, audience, times.
    #[error(transparent)]
    Common(#[from] IdTokenError),
    /// Signed by an algorithm that its discovery document does not list.
    #[error("algorithm {0} is not among those the provider lists for ID tokens")]
    Unlisted(String),
    /// `typ` says that it is a token of another kind.
    #[error("a token of type {0:?} is not a logout token")]
    Type(String),
    /// A claim that must be there is not.
    #[error("claim {0} is missing")]
    Missing(&'static str),
    /// Neither `sub` nor `sid`.
    #[error("it names neither a person (sub) nor a session (sid)")]
    Nobody,
    /// `events` does not say that somebody signed out.
    #[error("events does not hold {EVENT} with an object")]
    Event,
    /// A nonce: an ID token in disguise.
    #[error("it has a nonce, which only ID tokens have")]
    Nonce,
    /// Made too long ago.
    #[error("it was made {0} s ago; at most {max} s are accepted", max = LIFETIME.as_secs())]
    Old(i64),
    /// A claim has another type, or is absurdly long.
    #[error("claim {claim} is a {observed}, not a short text")]
    Shape {
        /// Which claim.
        claim: &'static str,
        /// Its JSON type.
        observed: &'static str,
    },
    /// `sub` cannot identify anybody.
    #[error(transparent)]
    Subject(#[from] SubjectError),
}

/// A verified logout token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutToken {
    /// The person.
    pub subject: Option<String>,
    /// The provider's name of its session.
    pub sid: Option<String>,
    /// The token's own id, for taking it once.
    pub jti: String,
    /// When it was made.
    pub issued: Timestamp,
    /// Until when it would be accepted again if it were not remembered.
    pub ends: Timestamp,
}

/// Verifies `token`, without regard to whether it was taken before.
///
/// # Errors
/// The first check that fails.
pub fn verify(
    token: &str,
    keys: &KeySet,
    expected: &Expected<'_>,
) -> Result<LogoutToken, LogoutTokenError> {
    let jwt = Jwt::parse(token)?;
    if let Some(kind) = jwt.kind()
        && !is_logout_type(kind)
    {
        return Err(LogoutTokenError::Type(printable(kind, 60)));
    }
    let verified = jwt.verify(keys, expected.now)?;
    let alg = verified.alg.to_string();
    if expected.algs.is_some_and(|listed| !listed.contains(&alg)) {
        return Err(LogoutTokenError::Unlisted(alg));
    }
    let claims = &verified.claims;
    id_token::check_issuer(claims, expected.issuer)?;
    id_token::check_audience(claims, expected.client_id)?;
    let times = id_token::check_times(claims, expected.now, expected.leeway)?;
    let old = expected.now.since(times.issued);
    if old >= LIFETIME + expected.leeway.past {
        return Err(LogoutTokenError::Old(
            i64::try_from(old.as_secs()).unwrap_or(i64::MAX),
        ));
    }
    if claims.get("nonce").is_some() {
        return Err(LogoutTokenError::Nonce);
    }
    let event = claims.get("events").and_then(|events| events.get(EVENT));
    if !event.is_some_and(Value::is_object) {
        return Err(LogoutTokenError::Event);
    }
    let named = claims.get("sub").is_some_and(|sub| !sub.is_null());
    let subject = named.then(|| subject::sub(claims)).transpose()?;
    let sid = short(claims, "sid")?.map(str::to_owned);
    if subject.is_none() && sid.is_none() {
        return Err(LogoutTokenError::Nobody);
    }
    let jti = short(claims, "jti")?.ok_or(LogoutTokenError::Missing("jti"))?;
    let latest = times.issued.plus(LIFETIME);
    Ok(LogoutToken {
        subject,
        sid,
        jti: jti.to_owned(),
        issued: times.issued,
        ends: times.ends.min(latest).plus(expected.leeway.past),
    })
}

/// `logout+jwt` as section 2.4 recommends, or what says nothing about the kind.
fn is_logout_type(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    let kind = kind.strip_prefix("application/").unwrap_or(&kind);
    kind == "logout+jwt" || !kind.ends_with("+jwt")
}

/// A text of a length that is kept, not empty.
fn short<'c>(
    claims: &'c Map<String, Value>,
    claim: &'static str,
) -> Result<Option<&'c str>, LogoutTokenError> {
    match claims.get(claim) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if (1..=LONGEST).contains(&text.len()) => Ok(Some(text)),
        Some(other) => Err(LogoutTokenError::Shape {
            claim,
            observed: json::kind(other),
        }),
    }
}

/// The `sid` of an ID token's claims, which says on which session there a sign-in stands. One that
/// cannot be kept counts as none.
#[must_use]
pub fn sid(claims: &Map<String, Value>) -> Option<String> {
    short(claims, "sid").ok().flatten().map(str::to_owned)
}
