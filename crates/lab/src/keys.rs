//! The key that signs ID tokens, and its public half as a JWK (RFC 7517, RFC 7518 section 6).

use crate::options::Algorithm;
use crate::random;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// The crypto library refused: no memory or no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signing key could not be made or used")]
pub struct KeyFault;

impl From<aws_lc_rs::error::Unspecified> for KeyFault {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self
    }
}

/// A private key with its id and the one algorithm it serves.
pub(crate) struct SigningKey {
    pub(crate) id: String,
    algorithm: Algorithm,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
    Ed(Box<Ed25519KeyPair>),
}

impl SigningKey {
    pub(crate) fn generate(algorithm: Algorithm) -> Result<Self, KeyFault> {
        use Algorithm as A;
        let mut id = random::token()?;
        id.truncate(16);
        let ec = |curve| EcdsaKeyPair::generate(curve).map(|pair| Pair::Ec(Box::new(pair)));
        let pair = match algorithm {
            A::Rs256 | A::Rs384 | A::Rs512 | A::Ps256 | A::Ps384 | A::Ps512 => {
                Pair::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048)?))
            }
            A::Es256 => ec(&ECDSA_P256_SHA256_FIXED_SIGNING)?,
            A::Es384 => ec(&ECDSA_P384_SHA384_FIXED_SIGNING)?,
            A::EdDsa => Pair::Ed(Box::new(Ed25519KeyPair::generate()?)),
        };
        Ok(Self {
            id,
            algorithm,
            pair,
        })
    }

    /// What tokens that this key signs are signed with.
    pub(crate) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The public half.
    pub(crate) fn public_jwk(&self) -> Value {
        let base64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match &self.pair {
            Pair::Rsa(pair) => {
                let public = pair.public_key();
                json!({
                    "kty": "RSA",
                    "n": base64(public.modulus().big_endian_without_leading_zero()),
                    "e": base64(public.exponent().big_endian_without_leading_zero()),
                })
            }
            Pair::Ec(pair) => {
                // An uncompressed point: one tag byte, then x and y, half of the rest each.
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({"kty": "EC", "crv": curve, "x": base64(x), "y": base64(y)})
            }
            Pair::Ed(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": base64(pair.public_key().as_ref())})
            }
        };
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(self.algorithm.name());
        jwk["kid"] = json!(self.id);
        jwk
    }

    /// The signature over `message`, in the form JWS wants it (RFC 7518 sections 3.3 to 3.5,
    /// RFC 8037 section 3.1).
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyFault> {
        self.sign_as(self.algorithm, message)
    }

    /// The same by another algorithm of the same kind of key.
    pub(crate) fn sign_as(
        &self,
        algorithm: Algorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyFault> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding(algorithm)?, &random, message, &mut signature)?;
                Ok(signature)
            }
            Pair::Ec(pair) => Ok(pair.sign(&random, message)?.as_ref().to_vec()),
            Pair::Ed(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }

    /// The public half as PEM, which a careless verifier can be led to use as an HMAC secret.
    #[cfg(feature = "misbehave")]
    pub(crate) fn public_pem(&self) -> Result<String, KeyFault> {
        use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
        use base64::engine::general_purpose::STANDARD;
        let der: PublicKeyX509Der<'_> = match &self.pair {
            Pair::Rsa(pair) => pair.public_key().as_der()?,
            Pair::Ec(pair) => pair.public_key().as_der()?,
            Pair::Ed(pair) => pair.public_key().as_der()?,
        };
        let text = STANDARD.encode(der.as_ref());
        let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
        for start in (0..text.len()).step_by(64) {
            pem.push_str(&text[start..text.len().min(start + 64)]);
            pem.push('\n');
        }
        pem.push_str("-----END PUBLIC KEY-----\n");
        Ok(pem)
    }
}

fn padding(algorithm: Algorithm) -> Result<&'static dyn RsaEncoding, KeyFault> {
    Ok(match algorithm {
        Algorithm::Rs256 => &RSA_PKCS1_SHA256,
        Algorithm::Rs384 => &RSA_PKCS1_SHA384,
        Algorithm::Rs512 => &RSA_PKCS1_SHA512,
        Algorithm::Ps256 => &RSA_PSS_SHA256,
        Algorithm::Ps384 => &RSA_PSS_SHA384,
        Algorithm::Ps512 => &RSA_PSS_SHA512,
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => return Err(KeyFault),
    })
}
