//! Faults in the ID token's signature.

use super::Misbehaviour as M;
use crate::keys::{KeyFault, SigningKey};
use crate::options::Algorithm;
use crate::token::Draft;
use aws_lc_rs::hmac;
use serde_json::json;

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
        _ => draft.signed_by(key),
    }
}

/// A fresh key of the same kind.
fn stranger(key: &SigningKey) -> Result<SigningKey, KeyFault> {
    SigningKey::generate(match key.algorithm() {
        "RS256" => Algorithm::Rs256,
        _ => Algorithm::Es256,
    })
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
