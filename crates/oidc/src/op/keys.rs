//! Our signing keys: made, kept, shown to apps, used.
//!
//! Straight on aws-lc-rs, which wipes private keys when they are dropped. The other side of a
//! signature, with a library over it, is [`jwt`](crate::jwt).

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::oauth_app::IdTokenAlg;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

/// Why a key cannot be made, read or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The library made no key.
    #[error("no {0} key could be made")]
    Generate(&'static str),
    /// The bytes are no private key for the algorithm.
    #[error("not a private key for {alg} (PKCS #8): {why}")]
    Rejected {
        /// The algorithm it should serve.
        alg: &'static str,
        /// As the library says it.
        why: String,
    },
    /// It is another key than the one of that id.
    #[error("the key has the id {found}, not {expected}")]
    OtherKey {
        /// The id it was kept under.
        expected: String,
        /// Its own.
        found: String,
    },
    /// The library gives no encoding of it.
    #[error("the key cannot be written")]
    Export,
    /// The library made no signature.
    #[error("key {0} made no signature")]
    Sign(String),
}

enum Pair {
    Es256(EcdsaKeyPair),
    Rs256(Box<rsa::KeyPair>),
}

/// A private key that signs what apps get.
pub struct SigningKey {
    pair: Pair,
    pkcs8: Zeroizing<Vec<u8>>,
    kid: String,
    jwk: Value,
}

/// The public half.
impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SigningKey").field(&self.kid).finish()
    }
}

impl SigningKey {
    /// A fresh key: P-256, or RSA with 2048 bits, which takes a good part of a second.
    ///
    /// # Errors
    /// [`KeyError::Generate`] and [`KeyError::Export`].
    pub fn generate(alg: IdTokenAlg) -> Result<Self, KeyError> {
        let failed = |_| KeyError::Generate(alg.name());
        let pair = match alg {
            IdTokenAlg::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
                Pair::Es256(pair.map_err(failed)?)
            }
            IdTokenAlg::Rs256 => {
                let pair = rsa::KeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
                Pair::Rs256(Box::new(pair))
            }
        };
        Self::of(pair)
    }

    /// The key of that id, from where it was kept.
    ///
    /// # Errors
    /// [`KeyError::Rejected`], and [`KeyError::OtherKey`] when id and key do not belong together.
    pub fn from_pkcs8(alg: IdTokenAlg, kid: &str, der: &[u8]) -> Result<Self, KeyError> {
        let rejected = |why: aws_lc_rs::error::KeyRejected| KeyError::Rejected {
            alg: alg.name(),
            why: why.to_string(),
        };
        let pair = match alg {
            IdTokenAlg::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der);
                Pair::Es256(pair.map_err(rejected)?)
            }
            IdTokenAlg::Rs256 => {
                Pair::Rs256(Box::new(rsa::KeyPair::from_pkcs8(der).map_err(rejected)?))
            }
        };
        let key = Self::of(pair)?;
        if key.kid != kid {
            return Err(KeyError::OtherKey {
                expected: kid.to_owned(),
                found: key.kid,
            });
        }
        Ok(key)
    }

    fn of(pair: Pair) -> Result<Self, KeyError> {
        let export = |_| KeyError::Export;
        let (pkcs8, public) = match &pair {
            Pair::Es256(pair) => {
                let document = pair.to_pkcs8v1().map_err(export)?;
                (document.as_ref().to_vec(), ec_public(pair)?)
            }
            Pair::Rs256(pair) => {
                let document = pair.as_der().map_err(export)?;
                (document.as_ref().to_vec(), rsa_public(pair))
            }
        };
        let kid = thumbprint(&public);
        let mut key = Self {
            pair,
            pkcs8: Zeroizing::new(pkcs8),
            kid,
            jwk: Value::Null,
        };
        key.jwk = key.with_purpose(public);
        Ok(key)
    }

    fn with_purpose(&self, public: Value) -> Value {
        let mut jwk = public;
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(self.alg().name());
        jwk["kid"] = json!(self.kid);
        jwk
    }

    /// The private key for keeping, sealed.
    #[must_use]
    pub fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        self.pkcs8.clone()
    }

    /// Its id: the thumbprint of its public half (RFC 7638).
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What it signs with.
    #[must_use]
    pub const fn alg(&self) -> IdTokenAlg {
        match self.pair {
            Pair::Es256(_) => IdTokenAlg::Es256,
            Pair::Rs256(_) => IdTokenAlg::Rs256,
        }
    }

    /// The public half as apps read it (RFC 7517).
    #[must_use]
    pub fn public_jwk(&self) -> Value {
        self.jwk.clone()
    }

    /// Signs `claims` as a token of type `typ` (RFC 7515 section 7.1).
    ///
    /// # Errors
    /// [`KeyError::Sign`].
    pub fn sign(&self, typ: &str, claims: &Map<String, Value>) -> Result<String, KeyError> {
        let failed = || KeyError::Sign(self.kid.clone());
        let header = json!({"alg": self.alg().name(), "kid": self.kid, "typ": typ}).to_string();
        let content = serde_json::to_vec(claims).map_err(|_| failed())?;
        let mut token = URL_SAFE_NO_PAD.encode(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(content, &mut token);
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Es256(pair) => {
                let signature = pair.sign(&random, token.as_bytes()).map_err(|_| failed())?;
                URL_SAFE_NO_PAD.encode(signature)
            }
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, token.as_bytes(), &mut signature)
                    .map_err(|_| failed())?;
                URL_SAFE_NO_PAD.encode(signature)
            }
        };
        token.push('.');
        token.push_str(&signature);
        Ok(token)
    }
}

/// The document of public keys: those that sign, those that will, and those that did.
#[must_use]
pub fn jwks(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

/// Coordinates of an uncompressed point (SEC 1 section 2.3.3), 32 bytes each.
fn ec_public(pair: &EcdsaKeyPair) -> Result<Value, KeyError> {
    let Some((4, point)) = pair.public_key().as_ref().split_first() else {
        return Err(KeyError::Export);
    };
    let (x, y) = point.split_at_checked(32).ok_or(KeyError::Export)?;
    if y.len() != 32 {
        return Err(KeyError::Export);
    }
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    Ok(json!({"kty": "EC", "crv": "P-256", "x": text(x), "y": text(y)}))
}

fn rsa_public(pair: &rsa::KeyPair) -> Value {
    let public = pair.public_key();
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let modulus = public.modulus().big_endian_without_leading_zero();
    let exponent = public.exponent().big_endian_without_leading_zero();
    json!({"kty": "RSA", "n": text(modulus), "e": text(exponent)})
}

/// RFC 7638: the SHA-256 of the members that make the key, in the order of their names.
fn thumbprint(public: &Value) -> String {
    let members: std::collections::BTreeMap<_, _> =
        public.as_object().into_iter().flatten().collect();
    let text = json!(members).to_string();
    URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA256,
        text.as_bytes(),
    ))
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
