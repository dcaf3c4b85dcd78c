//! The claims of an ID token for an app (OpenID Connect Core section 2).

use crate::id_token::left_half;
use model::time::Timestamp;
use serde_json::{Map, Value};
use std::time::Duration;

/// `typ` of an ID token's header.
pub const TYP: &str = "JWT";

/// What an ID token says.
#[derive(Debug, Clone)]
pub struct IdTokenFacts<'a> {
    /// Our issuer.
    pub issuer: &'a str,
    /// The person, as this app knows them.
    pub subject: &'a str,
    /// The app: the only audience.
    pub client_id: &'a str,
    /// When it is made.
    pub now: Timestamp,
    /// How long it is good.
    pub lifetime: Duration,
    /// When the person proved who they are.
    pub auth_time: Timestamp,
    /// The nonce of the request, unchanged.
    pub nonce: Option<&'a str>,
    /// The access token that goes with it.
    pub access_token: Option<&'a str>,
    /// How the person proved it (RFC 8176), where that is known.
    pub amr: &'a [&'a str],
    /// What the app knows the person's session by.
    pub sid: Option<&'a str>,
    /// Claims about the person that the app gets. None of them can take the place of one above.
    pub released: Map<String, Value>,
}

/// The claims, ready to be signed.
#[must_use]
pub fn claims(facts: IdTokenFacts<'_>) -> Map<String, Value> {
    let mut claims = facts.released;
    // Absent facts must not be filled by what is known about the person.
    for name in [
        "nonce", "at_hash", "amr", "sid", "acr", "azp", "nbf", "jti", "events",
    ] {
        claims.remove(name);
    }
    let mut say = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    say("iss", facts.issuer.into());
    say("sub", facts.subject.into());
    say("aud", facts.client_id.into());
    say("iat", facts.now.secs().into());
    say("exp", facts.now.plus(facts.lifetime).secs().into());
    say("auth_time", facts.auth_time.secs().into());
    for (name, text) in [("nonce", facts.nonce), ("sid", facts.sid)] {
        if let Some(text) = text {
            say(name, text.into());
        }
    }
    if let Some(token) = facts.access_token {
        say("at_hash", at_hash(token).into());
    }
    if !facts.amr.is_empty() {
        say("amr", facts.amr.to_vec().into());
    }
    claims
}

/// `at_hash` (OpenID Connect Core section 3.1.3.6): both of our algorithms hash with SHA-256.
#[must_use]
pub fn at_hash(access_token: &str) -> String {
    left_half(&aws_lc_rs::digest::SHA256, access_token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts(released: Value) -> IdTokenFacts<'static> {
        IdTokenFacts {
            issuer: "https://mail.example.org",
            subject: "s-1",
            client_id: "app",
            now: Timestamp(1_700_000_000_999_999),
            lifetime: Duration::from_secs(300),
            auth_time: Timestamp::from_secs(1_699_999_000),
            nonce: None,
            access_token: None,
            amr: &[],
            sid: None,
            released: released.as_object().cloned().unwrap_or_default(),
        }
    }

    /// OpenID Connect Core appendix A.3.
    #[test]
    fn the_access_token_hash_of_the_specification() {
        assert_eq!(
            at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
    }

    #[test]
    fn only_what_is_known_is_said() {
        let least = json!({
            "iss": "https://mail.example.org", "sub": "s-1", "aud": "app",
            "iat": 1_700_000_000, "exp": 1_700_000_300, "auth_time": 1_699_999_000,
        });
        assert_eq!(Value::Object(claims(facts(json!({})))), least);
        let full = claims(IdTokenFacts {
            nonce: Some("n"),
            access_token: Some("t"),
            amr: &["pwd", "otp"],
            sid: Some("s"),
            ..facts(json!({"email": "a@example.org"}))
        });
        assert_eq!(full.len(), 11);
        assert_eq!(full["amr"], json!(["pwd", "otp"]));
        assert_eq!(full["email"], "a@example.org");
    }

    #[test]
    fn claims_about_the_person_never_displace_ours() {
        let evil = json!({
            "iss": "x", "sub": "x", "aud": "x", "iat": 1, "exp": 9e9, "auth_time": 1, "nonce": "x",
            "at_hash": "x", "amr": ["x"], "sid": "x", "acr": "x", "azp": "x", "nbf": 1, "jti": "x",
            "events": {},
        });
        assert_eq!(claims(facts(evil)), claims(facts(json!({}))));
    }
}
