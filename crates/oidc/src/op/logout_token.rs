//! The claims of a logout token for an app (OpenID Connect Back-Channel Logout 1.0 section 2.4).

use crate::logout_token::EVENT;
use model::time::Timestamp;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// `typ` of a logout token's header.
pub const TYP: &str = "logout+jwt";

/// How long one is good: it is sent at once, and made anew for another try.
pub const LIFETIME: Duration = Duration::from_secs(120);

/// What a logout token says.
#[derive(Debug, Clone, Copy)]
pub struct LogoutFacts<'a> {
    /// Our issuer.
    pub issuer: &'a str,
    /// The app.
    pub client_id: &'a str,
    /// When it is made.
    pub now: Timestamp,
    /// Its own id, fresh.
    pub jti: &'a str,
    /// The person, as this app knows them.
    pub subject: &'a str,
    /// The one session that ended; without it, all of the person's.
    pub sid: Option<&'a str>,
}

/// The claims, ready to be signed. There is never a nonce.
#[must_use]
pub fn claims(facts: &LogoutFacts<'_>) -> Map<String, Value> {
    let mut claims = Map::new();
    let mut say = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    say("iss", facts.issuer.into());
    say("aud", facts.client_id.into());
    say("iat", facts.now.secs().into());
    say("exp", facts.now.plus(LIFETIME).secs().into());
    say("jti", facts.jti.into());
    say("sub", facts.subject.into());
    if let Some(sid) = facts.sid {
        say("sid", sid.into());
    }
    say("events", json!({ EVENT: {} }));
    claims
}
