//! Logout tokens (OpenID Connect Back-Channel Logout 1.0 section 2.4). They are made here and handed
//! out; whoever holds the handle posts them.

use crate::keys::KeyFault;
use crate::provider::Provider;
use crate::token::Draft;
#[cfg(feature = "misbehave")]
use serde_json::Value;
use serde_json::{Map, json};

/// The member of `events` that says what happened.
pub const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// How long a logout token is good for, in seconds.
const LIFETIME: i64 = 120;

/// Of whom a logout token speaks.
#[derive(Debug, Clone, Copy)]
pub struct Leaving<'a> {
    /// The client it is for.
    pub client: &'a str,
    /// The person's subject, if it is to name one.
    pub subject: Option<&'a str>,
    /// The session, if it is to name one.
    pub sid: Option<&'a str>,
}

fn draft(provider: &Provider, leaving: Leaving<'_>) -> Result<Draft, KeyFault> {
    let now = provider.now().secs();
    let mut claims = Map::from_iter([
        ("iss".to_owned(), json!(provider.issuer)),
        ("aud".to_owned(), json!([leaving.client])),
        ("iat".to_owned(), json!(now)),
        ("exp".to_owned(), json!(now + LIFETIME)),
        ("jti".to_owned(), json!(crate::random::token()?)),
        ("events".to_owned(), json!({ EVENT: {} })),
    ]);
    for (name, value) in [("sub", leaving.subject), ("sid", leaving.sid)] {
        if let Some(value) = value {
            claims.insert(name.to_owned(), json!(value));
        }
    }
    let mut draft = Draft::new(&provider.key(), claims);
    draft.header.insert("typ".to_owned(), json!("logout+jwt"));
    Ok(draft)
}

/// An honest one.
pub(crate) fn token(provider: &Provider, leaving: Leaving<'_>) -> Result<String, KeyFault> {
    draft(provider, leaving)?.signed_by(&provider.key())
}

/// One whose header and claims were spoiled before it was signed as the header then says: `none`
/// leaves the signature empty, `HS256` is keyed with the client's secret.
#[cfg(feature = "misbehave")]
pub(crate) fn spoiled(
    provider: &Provider,
    leaving: Leaving<'_>,
    spoil: impl FnOnce(&mut Map<String, Value>, &mut Map<String, Value>),
) -> Result<String, KeyFault> {
    use aws_lc_rs::hmac;
    use secrecy::ExposeSecret as _;
    let mut draft = draft(provider, leaving)?;
    spoil(&mut draft.header, &mut draft.claims);
    match draft.header.get("alg").and_then(Value::as_str) {
        Some("none") => Ok(draft.with_signature(&[])),
        Some("HS256") => {
            let client = provider.company.client(leaving.client);
            let secret = client.map(|client| client.secret);
            let secret = secret.as_ref().map_or("", |secret| secret.expose_secret());
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            let tag = hmac::sign(&key, draft.signing_input().as_bytes());
            Ok(draft.with_signature(tag.as_ref()))
        }
        _ => draft.signed_by(&provider.key()),
    }
}
