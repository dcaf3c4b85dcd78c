//! Faults in the signature of an ID token, and in what its header says about it.

use super::Misbehaviour as M;
use crate::keys::{KeyFault, SigningKey};
use crate::options::Algorithm;
use crate::token::Draft;
use aws_lc_rs::hmac;
use serde_json::{Value, json};

pub(super) fn sign(how: M, draft: &Draft, key: &SigningKey) -> Result<String, KeyFault> {
    match how {
        M::SignatureBad => draft.signed_by(&stranger(key)?),
        M::KeyUnpublished => {
            let stranger = stranger(key)?;
            let mut draft = draft.clone();
            draft.header.insert("kid".to_owned(), json!(stranger.id));
            draft.signed_by(&stranger)
        }
        M::SignatureNone => {
            let mut draft = draft.clone();
            draft.header.insert("alg".to_owned(), json!("none"));
            draft.header.remove("kid");
            Ok(draft.with_signature(&[]))
        }
        M::SignatureHmac => {
            let mut draft = draft.clone();
            draft.header.insert("alg".to_owned(), json!("HS256"));
            let secret = hmac::Key::new(hmac::HMAC_SHA256, key.public_pem()?.as_bytes());
            let tag = hmac::sign(&secret, draft.signing_input().as_bytes());
            Ok(draft.with_signature(tag.as_ref()))
        }
        M::SignatureHmacJwk => {
            let mut draft = draft.clone();
            draft.header.insert("alg".to_owned(), json!("HS384"));
            let jwk = key.public_jwk().to_string();
            let secret = hmac::Key::new(hmac::HMAC_SHA384, jwk.as_bytes());
            let tag = hmac::sign(&secret, draft.signing_input().as_bytes());
            Ok(draft.with_signature(tag.as_ref()))
        }
        M::AlgorithmOther => {
            let other = sibling(key.algorithm());
            let mut draft = draft.clone();
            draft.header.insert("alg".to_owned(), json!(other.name()));
            let signature = key.sign_as(other, draft.signing_input().as_bytes())?;
            Ok(draft.with_signature(&signature))
        }
        M::KeyInHeader | M::KeyInHeaderUnnamed => {
            let stranger = stranger(key)?;
            let mut draft = draft.clone();
            let jwk = stranger.public_jwk();
            if how == M::KeyInHeaderUnnamed {
                draft.header.remove("kid");
            } else {
                draft.header.insert("kid".to_owned(), json!(stranger.id));
            }
            draft.header.insert("jwk".to_owned(), jwk);
            draft.signed_by(&stranger)
        }
        M::KeyUrlInHeader => {
            let stranger = stranger(key)?;
            let mut draft = draft.clone();
            draft.header.insert("kid".to_owned(), json!(stranger.id));
            // The lab's own address: a relying party that followed it would be counted.
            let issuer = draft.claims.get("iss").and_then(Value::as_str);
            let url = format!("{}/strangers-keys", issuer.unwrap_or_default());
            draft.header.insert("jku".to_owned(), json!(url));
            draft.header.insert("x5u".to_owned(), json!(url));
            draft.signed_by(&stranger)
        }
        M::CriticalExtension => {
            let mut draft = draft.clone();
            draft.header.insert("crit".to_owned(), json!(["exp"]));
            draft.signed_by(key)
        }
        _ => draft.signed_by(key),
    }
}

/// Another algorithm that the same key could serve, or, where there is none, one of another kind.
const fn sibling(algorithm: Algorithm) -> Algorithm {
    use Algorithm as A;
    match algorithm {
        A::Rs256 => A::Ps256,
        A::Rs384 => A::Ps384,
        A::Rs512 => A::Ps512,
        A::Ps256 => A::Rs256,
        A::Ps384 => A::Rs384,
        A::Ps512 => A::Rs512,
        A::Es256 => A::Es384,
        A::Es384 | A::EdDsa => A::Es256,
    }
}

/// A fresh key of the same kind.
fn stranger(key: &SigningKey) -> Result<SigningKey, KeyFault> {
    SigningKey::generate(key.algorithm())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{Algorithm as Jwa, DecodingKey, crypto::verify};
    use serde_json::Map;

    #[test]
    fn the_public_key_is_the_secret_of_the_hmac() {
        let key = SigningKey::generate(Algorithm::Rs256).unwrap();
        let pem = key.public_pem().unwrap();
        let draft = Draft::new(&key, Map::new());

        let honest = draft.signed_by(&key).unwrap();
        let (message, signature) = honest.rsplit_once('.').unwrap();
        let public = DecodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
        assert!(verify(signature, message.as_bytes(), &public, Jwa::RS256).unwrap());

        let forged = sign(M::SignatureHmac, &draft, &key).unwrap();
        let (message, signature) = forged.rsplit_once('.').unwrap();
        let confused = DecodingKey::from_secret(pem.as_bytes());
        assert!(verify(signature, message.as_bytes(), &confused, Jwa::HS256).unwrap());
    }
}
