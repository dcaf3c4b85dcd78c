//! Signed tokens, put together by hand (RFC 7515 compact form, OpenID Connect Core section 2).

use crate::keys::{KeyFault, SigningKey};
use crate::options::Algorithm;
use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

/// A token before it is signed.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) header: Map<String, Value>,
    pub(crate) claims: Map<String, Value>,
}

impl Draft {
    pub(crate) fn new(key: &SigningKey, claims: Map<String, Value>) -> Self {
        let mut header = Map::new();
        header.insert("alg".to_owned(), json!(key.algorithm().name()));
        header.insert("kid".to_owned(), json!(key.id));
        header.insert("typ".to_owned(), json!("JWT"));
        Self { header, claims }
    }

    /// What a signature covers: header and claims, encoded, with a dot between.
    pub(crate) fn signing_input(&self) -> String {
        let part = |map: &Map<String, Value>| {
            URL_SAFE_NO_PAD.encode(Value::Object(map.clone()).to_string())
        };
        format!("{}.{}", part(&self.header), part(&self.claims))
    }

    /// The complete token with this signature.
    pub(crate) fn with_signature(&self, signature: &[u8]) -> String {
        format!(
            "{}.{}",
            self.signing_input(),
            URL_SAFE_NO_PAD.encode(signature)
        )
    }

    /// The complete token, signed by `key`.
    pub(crate) fn signed_by(&self, key: &SigningKey) -> Result<String, KeyFault> {
        Ok(self.with_signature(&key.sign(self.signing_input().as_bytes())?))
    }
}

/// `at_hash`: the left half of the access token's hash, by the hash of the signature's algorithm
/// (OpenID Connect Core section 3.1.3.6).
pub(crate) fn at_hash(algorithm: Algorithm, access_token: &str) -> String {
    use Algorithm as A;
    let hash = match algorithm {
        A::Rs256 | A::Ps256 | A::Es256 => &SHA256,
        A::Rs384 | A::Ps384 | A::Es384 => &SHA384,
        A::Rs512 | A::Ps512 | A::EdDsa => &SHA512,
    };
    let hash = digest(hash, access_token.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2])
}

/// The S256 challenge of a PKCE verifier (RFC 7636 section 4.2).
pub(crate) fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pkce_matches_the_example_of_rfc_7636() {
        assert_eq!(
            s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn at_hash_matches_the_example_of_openid_connect_core() {
        // Appendix A.3.
        assert_eq!(
            at_hash(
                Algorithm::Rs256,
                "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
            ),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
    }
}
