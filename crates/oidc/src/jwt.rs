//! Signed tokens (RFC 7515, RFC 7519): taken apart strictly, believed only after verification.

use crate::alg::SigningAlg;
use crate::foreign::printable;
use crate::json::{self, JsonError};
use crate::jwk::KeySet;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::time::Timestamp;
use serde_json::{Map, Value};

/// How long a token may be. A person in ten thousand groups still fits.
pub const MAX_TOKEN: usize = 1 << 20;

/// Why a token is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// Over [`MAX_TOKEN`] bytes.
    #[error("the token has {0} bytes; at most {MAX_TOKEN} are accepted")]
    TooLong(usize),
    /// Five parts: an encrypted token (RFC 7516).
    #[error("the token is encrypted; encrypted tokens are not supported")]
    Encrypted,
    /// Not three parts of base64url.
    #[error("not a signed token (three parts of base64url)")]
    Shape,
    /// The header is not JSON we accept.
    #[error("token header: {0}")]
    Header(JsonError),
    /// The header names no algorithm we verify: `none`, HMAC, or an exotic one.
    #[error("algorithm {observed:?} is not accepted (RS, PS, ES256, ES384 and EdDSA are)")]
    Algorithm {
        /// As the header names it; empty when it names none.
        observed: String,
    },
    /// The header demands extensions (RFC 7515 section 4.1.11); we know none.
    #[error("the header demands extensions: crit {0}")]
    Critical(String),
    /// The header says that it is a token of another kind (RFC 8725 section 3.11).
    #[error("a token of type {0:?} is not an ID token")]
    Type(String),
    /// No key with the header's id, or no key at all for its algorithm.
    #[error("no key {} among {have} keys", named(id.as_ref()))]
    KeyUnknown {
        /// The id the header names.
        id: Option<String>,
        /// How many usable keys the set has.
        have: usize,
    },
    /// The named key does not serve the header's algorithm, or is past its date.
    #[error("key {id:?} does not serve algorithm {alg}")]
    KeyMisfit {
        /// The key.
        id: String,
        /// The algorithm the header names.
        alg: SigningAlg,
    },
    /// The signature was not made with the key.
    #[error("the signature does not fit key {}", named(id.as_ref()))]
    Signature {
        /// The id the header names.
        id: Option<String>,
    },
    /// The signed content is not JSON we accept.
    #[error("token content: {0}")]
    Content(JsonError),
}

fn named(id: Option<&String>) -> String {
    id.map_or_else(
        || "(the token names none)".to_owned(),
        |id| format!("{id:?}"),
    )
}

impl JwtError {
    /// Whether fetching the keys anew may help: the provider may have changed them. A token that
    /// names no key counts too, for with one key in the set it can only be that one.
    #[must_use]
    pub const fn keys_may_be_old(&self) -> bool {
        matches!(self, Self::KeyUnknown { .. } | Self::Signature { id: None })
    }

    /// Whether it is about keys and not about the token.
    #[must_use]
    pub const fn is_about_keys(&self) -> bool {
        matches!(self, Self::KeyUnknown { .. } | Self::KeyMisfit { .. })
    }
}

/// A token taken apart, not yet believed.
#[derive(Debug)]
pub struct Jwt<'t> {
    alg: SigningAlg,
    key_id: Option<String>,
    kind: Option<String>,
    signed: &'t str,
    content: &'t str,
    signature: &'t str,
}

/// Content whose signature was checked.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The claims.
    pub claims: Map<String, Value>,
    /// By which algorithm.
    pub alg: SigningAlg,
    /// By which key, made printable.
    pub key_id: Option<String>,
}

impl<'t> Jwt<'t> {
    /// Takes `token` apart. Of the header only `alg`, `kid`, `typ` and `crit` are looked at: keys
    /// that the token itself brings or points to (`jwk`, `jku`, `x5c`, `x5u`) are never used.
    ///
    /// # Errors
    /// [`JwtError`]: shape, header, algorithm or `crit`.
    pub fn parse(token: &'t str) -> Result<Self, JwtError> {
        if token.len() > MAX_TOKEN {
            return Err(JwtError::TooLong(token.len()));
        }
        let parts: Vec<&str> = token.splitn(6, '.').collect();
        let [header, content, signature] = *parts.as_slice() else {
            return Err(if parts.len() == 5 {
                JwtError::Encrypted
            } else {
                JwtError::Shape
            });
        };
        let header = json::object(&decode(header)?).map_err(JwtError::Header)?;
        if let Some(crit) = header.get("crit") {
            return Err(JwtError::Critical(printable(&crit.to_string(), 100)));
        }
        let text = |member: &str| header.get(member).and_then(Value::as_str);
        let name = text("alg").unwrap_or_default();
        let alg = SigningAlg::parse(name).ok_or_else(|| JwtError::Algorithm {
            observed: printable(name, 30),
        })?;
        Ok(Self {
            alg,
            key_id: text("kid").map(str::to_owned),
            kind: text("typ").map(str::to_owned),
            signed: &token[..header_and_content(token, signature)],
            content,
            signature,
        })
    }

    /// What the token says it is (`typ`), not yet believed.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// Refuses tokens that say they are of another kind: `at+jwt`, `logout+jwt` and the like.
    ///
    /// # Errors
    /// [`JwtError::Type`].
    pub fn demand_plain_type(&self) -> Result<(), JwtError> {
        match &self.kind {
            Some(kind) if kind.to_ascii_lowercase().ends_with("+jwt") => {
                Err(JwtError::Type(printable(kind, 60)))
            }
            _ => Ok(()),
        }
    }

    /// Checks the signature with the keys of `keys` that fit, and only then reads the content.
    ///
    /// # Errors
    /// [`JwtError`]: key, signature or content.
    pub fn verify(&self, keys: &KeySet, now: Timestamp) -> Result<Verified, JwtError> {
        let id = self.key_id.as_deref();
        let mut candidates = keys.candidates(id, self.alg, now).peekable();
        if candidates.peek().is_none() {
            return Err(self.no_candidate(keys));
        }
        let fits = candidates.any(|key| {
            // An error here is a key the library cannot use; for the token that is no match.
            jsonwebtoken::crypto::verify(
                self.signature,
                self.signed.as_bytes(),
                &key.key,
                self.alg.library(),
            )
            .unwrap_or(false)
        });
        if !fits {
            return Err(JwtError::Signature {
                id: self.printable_id(),
            });
        }
        let claims = json::object(&decode(self.content)?).map_err(JwtError::Content)?;
        Ok(Verified {
            claims,
            alg: self.alg,
            key_id: self.printable_id(),
        })
    }

    fn no_candidate(&self, keys: &KeySet) -> JwtError {
        match &self.key_id {
            Some(id) if keys.named(id).is_some() => JwtError::KeyMisfit {
                id: printable(id, 60),
                alg: self.alg,
            },
            _ => JwtError::KeyUnknown {
                id: self.printable_id(),
                have: keys.len(),
            },
        }
    }

    fn printable_id(&self) -> Option<String> {
        self.key_id.as_deref().map(|id| printable(id, 60))
    }
}

/// The claims of a token **without any check**: for noticing that an unverifiable token contradicts
/// itself, or for showing what a provider sent. Never grounds for letting somebody in.
#[must_use]
pub fn unverified_claims(token: &str) -> Option<Map<String, Value>> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let mut parts = token.split('.');
    let content = parts.nth(1)?;
    (parts.count() == 1)
        .then(|| decode(content).ok())
        .flatten()
        .and_then(|bytes| json::object(&bytes).ok())
}

fn header_and_content(token: &str, signature: &str) -> usize {
    token.len() - signature.len() - 1
}

fn decode(part: &str) -> Result<Vec<u8>, JwtError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| JwtError::Shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token(header: &str, content: &str) -> String {
        let part = |text| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.AAAA", part(header), part(content))
    }

    fn refusal(header: &str) -> JwtError {
        Jwt::parse(&token(header, "{}")).unwrap_err()
    }

    #[test]
    fn the_header_is_read_strictly() {
        for name in ["none", "HS256", "ES256K", ""] {
            let error = refusal(&format!("{{\"alg\":\"{name}\"}}"));
            let observed = name.to_owned();
            assert_eq!(error, JwtError::Algorithm { observed });
        }
        assert!(matches!(refusal("{}"), JwtError::Algorithm { .. }));
        assert!(matches!(
            refusal("{\"alg\":[\"RS256\"]}"),
            JwtError::Algorithm { .. }
        ));
        assert!(matches!(
            refusal("{\"alg\":\"none\",\"alg\":\"RS256\"}"),
            JwtError::Header(JsonError::Repeated(_))
        ));
        assert_eq!(
            refusal("{\"alg\":\"RS256\",\"crit\":[\"b64\"],\"b64\":false}"),
            JwtError::Critical("[\"b64\"]".into())
        );
    }

    #[test]
    fn shape_comes_first() {
        for text in ["", ".", "a.b", "a.b.c", "a.b.c.d", "a b.c.d", "a.b.c.d.e.f"] {
            assert_eq!(Jwt::parse(text).unwrap_err(), JwtError::Shape, "{text:?}");
        }
        assert_eq!(Jwt::parse("a.b.c.d.e").unwrap_err(), JwtError::Encrypted);
        let long = "a".repeat(MAX_TOKEN + 1);
        assert!(matches!(Jwt::parse(&long), Err(JwtError::TooLong(_))));
    }

    #[test]
    fn other_kinds_of_token_are_not_id_tokens() {
        let parse = |header: &str| {
            let token = token(header, "{}");
            Jwt::parse(&token).unwrap().demand_plain_type()
        };
        assert_eq!(parse("{\"alg\":\"RS256\"}"), Ok(()));
        assert_eq!(parse("{\"alg\":\"RS256\",\"typ\":\"JWT\"}"), Ok(()));
        for kind in ["at+jwt", "application/AT+JWT", "logout+jwt"] {
            let header = format!("{{\"alg\":\"RS256\",\"typ\":\"{kind}\"}}");
            assert_eq!(parse(&header), Err(JwtError::Type(kind.into())));
        }
    }

    #[test]
    fn unverified_claims_need_three_parts() {
        let claims = unverified_claims(&token("{}", "{\"nonce\":\"n\"}")).unwrap();
        assert_eq!(claims["nonce"], "n");
        assert_eq!(unverified_claims("a.b"), None);
        assert_eq!(unverified_claims("a.e30.c.d"), None);
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(text in "[\\PC.]{0,200}") {
            let _ = unverified_claims(&text);
            if let Ok(jwt) = Jwt::parse(&text) {
                prop_assert!(jwt.verify(&KeySet::default(), Timestamp(0)).is_err());
            }
        }
    }
}
