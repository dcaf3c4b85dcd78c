//! The checks on an ID token (OpenID Connect Core section 3.1.3.7).
//!
//! Every failure is its own value that carries what was expected and what was observed, because an
//! administrator can mend only what is named.

use crate::foreign::printable;
use crate::json;
use crate::jwk::KeySet;
use crate::jwt::{Jwt, JwtError, Verified};
use crate::subject::{self, SubjectError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::time::Timestamp;
use serde_json::{Map, Value};
use std::time::Duration;
use subtle::ConstantTimeEq as _;

/// How many audiences are read before a token is refused as absurd.
const MAX_AUDIENCES: usize = 100;

/// How far the provider's clock may differ from ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leeway {
    /// How long after its end a token still counts.
    pub past: Duration,
    /// How far in our future its start may lie.
    pub future: Duration,
}

impl Default for Leeway {
    fn default() -> Self {
        Self {
            past: Duration::from_secs(60),
            future: Duration::from_secs(120),
        }
    }
}

/// What the token must say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The issuer, compared byte for byte.
    pub issuer: &'a str,
    /// Our client id: the audience.
    pub client_id: &'a str,
    /// The nonce this browser's sign-in was started with.
    pub nonce: &'a str,
    /// The access token that came with it, for `at_hash`.
    pub access_token: Option<&'a str>,
    /// The instant of checking.
    pub now: Timestamp,
    /// How far clocks may differ.
    pub leeway: Leeway,
}

/// Why an ID token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// Form, algorithm, key or signature.
    #[error(transparent)]
    Jwt(#[from] JwtError),
    /// A claim that must be there is not.
    #[error("claim {0} is missing")]
    Missing(&'static str),
    /// A claim has another type than the specification gives it.
    #[error("claim {claim} is a {observed}, not a {expected}")]
    Type {
        /// Which claim.
        claim: &'static str,
        /// Its JSON type.
        observed: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// Another issuer signed it.
    #[error("issuer is {observed:?}, expected {expected:?}")]
    Issuer {
        /// The provider's issuer.
        expected: String,
        /// As the token states it.
        observed: String,
    },
    /// It was made for another client, or for nobody.
    #[error("audience is {}, expected {expected:?}", audiences(observed))]
    Audience {
        /// Our client id.
        expected: String,
        /// As the token states it.
        observed: Vec<String>,
    },
    /// It was made for several, and not for us as the authorized party.
    #[error("authorized party (azp) is {}, expected {expected:?}", or_absent(observed.as_ref()))]
    AuthorizedParty {
        /// Our client id.
        expected: String,
        /// As the token states it; `None` when it names several audiences and no `azp`.
        observed: Option<String>,
    },
    /// It answers another sign-in.
    #[error("nonce is {}, expected {expected:?}", or_absent(observed.as_ref()))]
    Nonce {
        /// The one this sign-in sent.
        expected: String,
        /// As the token states it; `None` without one.
        observed: Option<String>,
    },
    /// It belongs to another access token.
    #[error("at_hash is {observed:?}, expected {expected:?}")]
    AccessTokenHash {
        /// Computed from the access token.
        expected: String,
        /// As the token states it.
        observed: String,
    },
    /// `exp` is past. The token came a moment ago, so it is the clocks that differ.
    #[error("token expired {late} s ago (allowed {allowed} s)")]
    Expired {
        /// Seconds since its end.
        late: i64,
        /// How many are tolerated.
        allowed: u64,
    },
    /// `iat` or `nbf` lies in our future.
    #[error("token {claim} is {early} s in the future (allowed {allowed} s)")]
    Future {
        /// `iat` or `nbf`.
        claim: &'static str,
        /// Seconds until then.
        early: i64,
        /// How many are tolerated.
        allowed: u64,
    },
    /// It came for a refresh token and is about another person.
    #[error("subject is {observed:?}, expected {expected:?}")]
    OtherSubject {
        /// Whom the refresh token was given for.
        expected: String,
        /// As the token states it.
        observed: String,
    },
    /// `sub` cannot identify anybody.
    #[error(transparent)]
    Subject(#[from] SubjectError),
}

fn audiences(observed: &[String]) -> String {
    match observed {
        [] => "empty".to_owned(),
        [one] => format!("{one:?}"),
        many => format!("{many:?}"),
    }
}

fn or_absent(observed: Option<&String>) -> String {
    observed.map_or_else(|| "absent".to_owned(), |text| format!("{text:?}"))
}

impl IdTokenError {
    /// Whether the clocks differ, and nothing else is wrong with the token as far as it was read.
    #[must_use]
    pub const fn is_clock(&self) -> bool {
        matches!(self, Self::Expired { .. } | Self::Future { .. })
    }
}

/// A verified ID token.
#[derive(Debug, Clone)]
pub struct IdToken {
    /// The provider's stable name of the person.
    pub subject: String,
    /// Everything it says, the checked claims included.
    pub claims: Map<String, Value>,
    /// How it was signed, for the trace: algorithm and key id.
    pub signed_by: String,
    /// How long before the token was made the person had proved who they are (`auth_time`), by the
    /// provider's own clock; `None` where it does not say.
    pub proved_before: Option<Duration>,
}

/// Verifies `token` as the answer to a sign-in with the code flow.
///
/// # Errors
/// The first check that fails, in this order: form and signature, issuer, audience, nonce,
/// subject, times, access-token hash. So a token that is merely out of time is known to be genuine.
pub fn verify(
    token: &str,
    keys: &KeySet,
    expected: &Expected<'_>,
) -> Result<IdToken, IdTokenError> {
    let jwt = Jwt::parse(token)?;
    jwt.demand_plain_type()?;
    let verified = jwt.verify(keys, expected.now)?;
    let claims = &verified.claims;
    check_issuer(claims, expected.issuer)?;
    check_audience(claims, expected.client_id)?;
    check_nonce(claims, expected.nonce)?;
    let subject = subject::sub(claims)?;
    let Times { issued, .. } = check_times(claims, expected.now, expected.leeway)?;
    if let Some(access_token) = expected.access_token {
        check_access_token(&verified, access_token)?;
    }
    Ok(IdToken {
        proved_before: proved_before(claims, issued),
        subject,
        signed_by: verified.key_id.map_or_else(
            || verified.alg.to_string(),
            |id| format!("{} {id}", verified.alg),
        ),
        claims: verified.claims,
    })
}

/// `iss`, shared with signed userinfo.
pub(crate) fn check_issuer(
    claims: &Map<String, Value>,
    expected: &str,
) -> Result<(), IdTokenError> {
    let observed = needed_text(claims, "iss")?;
    if observed == expected {
        return Ok(());
    }
    Err(IdTokenError::Issuer {
        expected: expected.to_owned(),
        observed: printable(observed, 200),
    })
}

/// `aud` and `azp`, shared with signed userinfo.
pub(crate) fn check_audience(
    claims: &Map<String, Value>,
    client_id: &str,
) -> Result<(), IdTokenError> {
    let observed = match claims.get("aud") {
        None | Some(Value::Null) => return Err(IdTokenError::Missing("aud")),
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(many)) if many.len() <= MAX_AUDIENCES => many
            .iter()
            .map(|value| {
                value
                    .as_str()
                    .ok_or_else(|| wrong_type("aud", value, "text"))
            })
            .collect::<Result<_, _>>()?,
        Some(other) => return Err(wrong_type("aud", other, "text or short list")),
    };
    if !observed.contains(&client_id) {
        return Err(IdTokenError::Audience {
            expected: client_id.to_owned(),
            observed: observed.iter().map(|a| printable(a, 100)).collect(),
        });
    }
    let party = text(claims, "azp")?;
    let alone = observed.iter().all(|audience| *audience == client_id);
    // Other audiences are trusted only where the provider names us as the one it was issued to.
    if party == Some(client_id) || (party.is_none() && alone) {
        return Ok(());
    }
    Err(IdTokenError::AuthorizedParty {
        expected: client_id.to_owned(),
        observed: party.map(|p| printable(p, 100)),
    })
}

fn check_nonce(claims: &Map<String, Value>, expected: &str) -> Result<(), IdTokenError> {
    let observed = text(claims, "nonce")?;
    if observed.is_some_and(|nonce| nonce.as_bytes().ct_eq(expected.as_bytes()).into()) {
        return Ok(());
    }
    Err(IdTokenError::Nonce {
        expected: expected.to_owned(),
        observed: observed.map(|n| printable(n, 100)),
    })
}

/// When a token was made and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) issued: Timestamp,
    pub(crate) ends: Timestamp,
}

/// `exp`, `iat` and `nbf`, shared with logout tokens.
pub(crate) fn check_times(
    claims: &Map<String, Value>,
    now: Timestamp,
    leeway: Leeway,
) -> Result<Times, IdTokenError> {
    let ends = date(claims, "exp")?.ok_or(IdTokenError::Missing("exp"))?;
    let issued = date(claims, "iat")?.ok_or(IdTokenError::Missing("iat"))?;
    let starts = date(claims, "nbf")?;
    if now >= ends.plus(leeway.past) {
        return Err(IdTokenError::Expired {
            late: now.secs().saturating_sub(ends.secs()),
            allowed: leeway.past.as_secs(),
        });
    }
    for (claim, at) in [("iat", Some(issued)), ("nbf", starts)] {
        if let Some(at) = at.filter(|at| *at > now.plus(leeway.future)) {
            return Err(IdTokenError::Future {
                claim,
                early: at.secs().saturating_sub(now.secs()),
                allowed: leeway.future.as_secs(),
            });
        }
    }
    Ok(Times { issued, ends })
}

/// `auth_time` beside `iat`. A zero, as Glewlwyd sends it, and what is no date say nothing: the claim
/// is optional.
fn proved_before(claims: &Map<String, Value>, issued: Timestamp) -> Option<Duration> {
    let at = date(claims, "auth_time").ok().flatten()?;
    (at.secs() > 0).then(|| issued.since(at))
}

/// `at_hash`: the left half of the access token's hash (OpenID Connect Core section 3.1.3.6).
/// Optional in the code flow, but where it stands it must fit.
fn check_access_token(verified: &Verified, access_token: &str) -> Result<(), IdTokenError> {
    let Some(observed) = text(&verified.claims, "at_hash")? else {
        return Ok(());
    };
    let expected = left_half(verified.alg.hash(), access_token);
    if observed == expected {
        return Ok(());
    }
    Err(IdTokenError::AccessTokenHash {
        expected,
        observed: printable(observed, 100),
    })
}

/// The left half of the hash of `text`, as `at_hash` has it.
pub(crate) fn left_half(hash: &'static aws_lc_rs::digest::Algorithm, text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(hash, text.as_bytes());
    let (left, _) = digest.as_ref().split_at(digest.as_ref().len() / 2);
    URL_SAFE_NO_PAD.encode(left)
}

fn text<'c>(
    claims: &'c Map<String, Value>,
    claim: &'static str,
) -> Result<Option<&'c str>, IdTokenError> {
    match claims.get(claim) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(wrong_type(claim, other, "text")),
    }
}

fn needed_text<'c>(
    claims: &'c Map<String, Value>,
    claim: &'static str,
) -> Result<&'c str, IdTokenError> {
    text(claims, claim)?.ok_or(IdTokenError::Missing(claim))
}

/// A `NumericDate` (RFC 7519 section 2): seconds, which may have a fraction.
fn date(
    claims: &Map<String, Value>,
    claim: &'static str,
) -> Result<Option<Timestamp>, IdTokenError> {
    let Some(value) = claims.get(claim).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    if let Some(secs) = value.as_i64() {
        return Ok(Some(Timestamp::from_secs(secs)));
    }
    // Seconds beyond 2^53 are no date; below that the conversion loses nothing but the fraction.
    match value.as_f64() {
        Some(secs) if secs.abs() < 9e15 => {
            #[expect(clippy::cast_possible_truncation, reason = "within 2^53, see above")]
            let whole = secs.floor() as i64;
            Ok(Some(Timestamp::from_secs(whole)))
        }
        _ => Err(wrong_type(claim, value, "date in seconds")),
    }
}

const fn wrong_type(claim: &'static str, observed: &Value, expected: &'static str) -> IdTokenError {
    IdTokenError::Type {
        claim,
        observed: json::kind(observed),
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims(value: &Value) -> &Map<String, Value> {
        value.as_object().unwrap()
    }

    #[test]
    fn the_time_of_the_proof_is_told_by_the_providers_own_clock() {
        let issued = Timestamp::from_secs(1_000);
        for (at, before) in [
            (json!(400), Some(600)),
            (json!(400.75), Some(600)),
            (json!(1_000), Some(0)),
            (json!(1_030), Some(0)),
            (json!(0), None),
            (json!(-5), None),
            (json!(null), None),
            (json!("400"), None),
            (json!(1e300), None),
        ] {
            let told = proved_before(claims(&json!({ "auth_time": at })), issued);
            assert_eq!(told, before.map(Duration::from_secs), "{at}");
        }
        assert_eq!(proved_before(&Map::new(), issued), None);
    }

    fn audience(aud: Value, azp: Value) -> Result<(), IdTokenError> {
        check_audience(claims(&json!({"aud": aud, "azp": azp})), "gatepost")
    }

    #[test]
    fn the_audience_is_us_and_no_stranger() {
        for (aud, azp) in [
            (json!("gatepost"), json!(null)),
            (json!(["gatepost"]), json!(null)),
            (json!(["gatepost", "gatepost"]), json!(null)),
            (json!("gatepost"), json!("gatepost")),
            (json!(["other", "gatepost"]), json!("gatepost")),
        ] {
            assert_eq!(audience(aud, azp), Ok(()));
        }
        for aud in [
            json!("other"),
            json!([]),
            json!(["a", "b"]),
            json!("Gatepost"),
        ] {
            let error = audience(aud, json!(null)).unwrap_err();
            assert!(matches!(error, IdTokenError::Audience { .. }), "{error}");
        }
        for (aud, azp) in [
            (json!(["other", "gatepost"]), json!(null)),
            (json!(["other", "gatepost"]), json!("other")),
            (json!("gatepost"), json!("other")),
        ] {
            let error = audience(aud, azp).unwrap_err();
            assert!(
                matches!(error, IdTokenError::AuthorizedParty { .. }),
                "{error}"
            );
        }
        assert_eq!(
            audience(json!([]), json!(null)).unwrap_err().to_string(),
            "audience is empty, expected \"gatepost\""
        );
        assert!(matches!(
            audience(json!({"a": 1}), json!(null)),
            Err(IdTokenError::Type { .. })
        ));
        assert!(matches!(
            audience(json!([1]), json!(null)),
            Err(IdTokenError::Type { .. })
        ));
        assert_eq!(
            audience(json!(null), json!(null)),
            Err(IdTokenError::Missing("aud"))
        );
    }

    fn times(value: Value) -> Result<(), IdTokenError> {
        let now = Timestamp::from_secs(1_000_000);
        check_times(claims(&value), now, Leeway::default()).map(drop)
    }

    #[test]
    fn clocks_may_differ_within_the_leeway() {
        let ok = |exp: i64, iat: i64| times(json!({"exp": exp, "iat": iat})).is_ok();
        assert!(ok(1_000_300, 1_000_000));
        assert!(ok(999_941, 999_000), "59 s late");
        assert!(!ok(999_940, 999_000), "60 s late");
        assert!(ok(1_000_300, 1_000_120), "120 s early");
        assert!(!ok(1_000_300, 1_000_121), "121 s early");
    }

    #[test]
    fn a_difference_of_clocks_is_told_apart_and_counted() {
        let late = times(json!({"exp": 999_000, "iat": 998_000})).unwrap_err();
        assert!(late.is_clock());
        assert_eq!(late.to_string(), "token expired 1000 s ago (allowed 60 s)");
        let early = times(json!({"exp": 1_009_000, "iat": 1_000_412})).unwrap_err();
        assert!(early.is_clock());
        assert_eq!(
            early.to_string(),
            "token iat is 412 s in the future (allowed 120 s)"
        );
        let early = times(json!({"exp": 1_009_000, "iat": 1, "nbf": 1_000_500})).unwrap_err();
        assert!(matches!(early, IdTokenError::Future { claim: "nbf", .. }));
        assert!(!IdTokenError::Missing("iat").is_clock());
    }

    #[test]
    fn dates_are_numbers_with_or_without_fraction() {
        assert!(times(json!({"exp": 1_000_300.75, "iat": 1_000_000.25})).is_ok());
        for exp in [json!("1000300"), json!(true), json!(1e300), json!(u64::MAX)] {
            let error = times(json!({"exp": exp, "iat": 1})).unwrap_err();
            assert!(
                matches!(error, IdTokenError::Type { claim: "exp", .. }),
                "{error}"
            );
        }
        assert!(times(json!({"exp": i64::MAX, "iat": i64::MIN})).is_ok());
        assert_eq!(times(json!({"iat": 1})), Err(IdTokenError::Missing("exp")));
    }
}
