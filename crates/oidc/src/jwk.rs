//! A provider's public keys (RFC 7517) and the choice among them.

use crate::alg::{KeyFamily, SigningAlg};
use crate::foreign::printable;
use crate::json::{self, JsonError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use model::time::Timestamp;
use serde_json::{Map, Value};

/// How many keys one set may have. Real sets have under ten.
pub const MAX_KEYS: usize = 1000;

/// How many keys are tried for a token that names none, or whose name several keys carry.
pub const MAX_TRIES: usize = 8;

/// Why a document is not a key set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// Not a JSON object we accept.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// No list `keys`.
    #[error("no list \"keys\"")]
    NoKeys,
    /// More than [`MAX_KEYS`].
    #[error("{0} keys; at most {MAX_KEYS} are accepted")]
    TooMany(usize),
}

/// One key that can verify signatures.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) id: Option<String>,
    /// The only algorithm it may serve, when the provider says so.
    pub(crate) alg: Option<SigningAlg>,
    family: KeyFamily,
    expires: Option<Timestamp>,
    pub(crate) key: DecodingKey,
}

impl Key {
    /// Whether this key may verify signatures made by `alg` at `now`.
    fn serves(&self, alg: SigningAlg, now: Timestamp) -> bool {
        self.family == alg.family()
            && self.alg.is_none_or(|only| only == alg)
            && self.expires.is_none_or(|end| now < end)
    }
}

/// A provider's keys as fetched once.
#[derive(Clone, Default)]
pub struct KeySet {
    keys: Vec<Key>,
    unusable: Vec<String>,
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<_> = self.keys.iter().map(|k| k.id.as_deref()).collect();
        f.debug_struct("KeySet")
            .field("ids", &ids)
            .field("unusable", &self.unusable)
            .finish()
    }
}

impl KeySet {
    /// Parses the document at `jwks_uri`. Keys that cannot verify signatures (for encryption, of
    /// another type, too small) are left out and listed in [`KeySet::unusable`]: a set may carry
    /// keys for other clients.
    ///
    /// # Errors
    /// [`KeySetError`] when it is no key set at all. A set without one usable key is not an error
    /// here; the token that needs one is then refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeySetError> {
        let document = json::object(bytes)?;
        let list = document
            .get("keys")
            .and_then(Value::as_array)
            .ok_or(KeySetError::NoKeys)?;
        if list.len() > MAX_KEYS {
            return Err(KeySetError::TooMany(list.len()));
        }
        let mut set = Self::default();
        for value in list {
            match value.as_object().ok_or("not an object").and_then(read) {
                Ok(key) => set.keys.push(key),
                Err(why) => set.unusable.push(format!("{}: {why}", label(value))),
            }
        }
        Ok(set)
    }

    /// How many keys can verify signatures.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether none can.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The ids of usable keys, made printable, for administrators.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.keys
            .iter()
            .filter_map(|key| key.id.as_deref())
            .map(|id| printable(id, 60))
            .collect()
    }

    /// The algorithms that at least one key can verify.
    #[must_use]
    pub fn algs(&self) -> Vec<SigningAlg> {
        SigningAlg::ALL
            .into_iter()
            .filter(|alg| {
                self.keys
                    .iter()
                    .any(|k| k.family == alg.family() && k.alg.is_none_or(|only| only == *alg))
            })
            .collect()
    }

    /// `id: why not` for each key left out.
    #[must_use]
    pub fn unusable(&self) -> &[String] {
        &self.unusable
    }

    /// The keys to try for a token: those with its id, or all when it names none, that serve its
    /// algorithm. At most [`MAX_TRIES`], so that a set of a thousand keys costs no thousand checks.
    pub(crate) fn candidates(
        &self,
        id: Option<&str>,
        alg: SigningAlg,
        now: Timestamp,
    ) -> impl Iterator<Item = &Key> {
        self.keys
            .iter()
            .filter(move |key| id.is_none() || key.id.as_deref() == id)
            .filter(move |key| key.serves(alg, now))
            .take(MAX_TRIES)
    }

    /// The first key of that id, whatever it serves.
    pub(crate) fn named(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.id.as_deref() == Some(id))
    }
}

fn label(value: &Value) -> String {
    value
        .get("kid")
        .and_then(Value::as_str)
        .map_or_else(|| "key without id".to_owned(), |id| printable(id, 60))
}

fn read(jwk: &Map<String, Value>) -> Result<Key, &'static str> {
    let text = |member: &str| jwk.get(member).and_then(Value::as_str);
    if text("use").is_some_and(|use_| use_ != "sig") {
        return Err("not for signatures");
    }
    if let Some(operations) = jwk.get("key_ops").and_then(Value::as_array)
        && !operations.iter().any(|op| op == "verify")
    {
        return Err("not for verifying");
    }
    let alg = match text("alg") {
        None => None,
        Some(name) => Some(SigningAlg::parse(name).ok_or("its algorithm is not supported")?),
    };
    let (family, key) = match text("kty").ok_or("no key type")? {
        "RSA" => (KeyFamily::Rsa, rsa(bytes(text("n"))?, bytes(text("e"))?)?),
        "EC" => match text("crv") {
            Some("P-256") => (KeyFamily::P256, ec(&[text("x"), text("y")], 32)?),
            Some("P-384") => (KeyFamily::P384, ec(&[text("x"), text("y")], 48)?),
            _ => return Err("its curve is not supported"),
        },
        "OKP" if text("crv") == Some("Ed25519") => (KeyFamily::Ed25519, ed25519(text("x"))?),
        _ => return Err("its type is not supported"),
    };
    if alg.is_some_and(|alg| alg.family() != family) {
        return Err("its algorithm does not fit its type");
    }
    Ok(Key {
        id: text("kid").map(str::to_owned),
        alg,
        family,
        // Not in RFC 7517; OpenID Federation and some providers date their keys so. A dated key is
        // never used past its date.
        expires: jwk
            .get("exp")
            .and_then(Value::as_i64)
            .map(Timestamp::from_secs),
        key,
    })
}

fn bytes(text: Option<&str>) -> Result<Vec<u8>, &'static str> {
    URL_SAFE_NO_PAD
        .decode(text.ok_or("a part of the key is missing")?)
        .map_err(|_| "a part of the key is not base64url")
}

fn rsa(modulus: Vec<u8>, exponent: Vec<u8>) -> Result<DecodingKey, &'static str> {
    let modulus = without_leading_zeros(&modulus);
    let exponent = without_leading_zeros(&exponent);
    let bits = modulus.len() * 8 - modulus.first().map_or(0, |b| b.leading_zeros() as usize);
    if !(2048..=8192).contains(&bits) {
        return Err("an RSA key must have 2048 to 8192 bits");
    }
    if exponent.is_empty() || exponent == [1] || exponent.len() > 8 {
        return Err("its RSA exponent is not usable");
    }
    Ok(DecodingKey::from_rsa_raw_components(modulus, exponent))
}

fn without_leading_zeros(mut number: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = number {
        number = rest;
    }
    number
}

/// An uncompressed point (SEC 1 section 2.3.3), which is how the library takes public keys.
fn ec(coordinates: &[Option<&str>], length: usize) -> Result<DecodingKey, &'static str> {
    let mut point = vec![4];
    for coordinate in coordinates {
        let coordinate = bytes(*coordinate)?;
        if coordinate.len() != length {
            return Err("its point does not fit its curve");
        }
        point.extend(coordinate);
    }
    Ok(DecodingKey::from_ec_der(&point))
}

fn ed25519(x: Option<&str>) -> Result<DecodingKey, &'static str> {
    let x = bytes(x)?;
    if x.len() != 32 {
        return Err("an Ed25519 key has 32 bytes");
    }
    Ok(DecodingKey::from_ed_der(&x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);

    fn rsa_jwk(id: &str, bits: usize) -> Value {
        let mut n = vec![0xff_u8; bits / 8];
        n[0] = 0x80;
        json!({"kty":"RSA","kid":id,"n":URL_SAFE_NO_PAD.encode(n),"e":"AQAB"})
    }

    fn set(keys: Value) -> KeySet {
        KeySet::parse(&serde_json::to_vec(&json!({ "keys": keys })).unwrap()).unwrap()
    }

    fn with(mut jwk: Value, member: &str, value: Value) -> Value {
        jwk[member] = value;
        jwk
    }

    #[test]
    fn unusable_keys_are_left_out_and_say_why() {
        let x32 = URL_SAFE_NO_PAD.encode([1_u8; 32]);
        let good = rsa_jwk("good", 2048);
        let keys = set(json!([
            good,
            with(good.clone(), "use", json!("enc")),
            with(good.clone(), "alg", json!("HS256")),
            with(good.clone(), "alg", json!("ES256")),
            with(good.clone(), "key_ops", json!(["encrypt"])),
            with(good.clone(), "n", json!("A=")),
            with(good.clone(), "e", json!("AQ")),
            rsa_jwk("small", 1024),
            {"kty":"oct","kid":"secret","k":"c2VjcmV0"},
            {"kty":"EC","kid":"p521","crv":"P-521","x":"AA","y":"AA"},
            {"kty":"EC","kid":"short","crv":"P-256","x":"AA","y":"AA"},
            {"kty":"OKP","kid":"ed","crv":"Ed25519","x":x32},
            {"kty":"OKP","kid":"ed448","crv":"Ed448","x":x32},
            7
        ]));
        assert_eq!(keys.ids(), ["good", "ed"]);
        assert_eq!(
            keys.unusable(),
            [
                "good: not for signatures",
                "good: its algorithm is not supported",
                "good: its algorithm does not fit its type",
                "good: not for verifying",
                "good: a part of the key is not base64url",
                "good: its RSA exponent is not usable",
                "small: an RSA key must have 2048 to 8192 bits",
                "secret: its type is not supported",
                "p521: its curve is not supported",
                "short: its point does not fit its curve",
                "ed448: its type is not supported",
                "key without id: not an object",
            ]
        );
        assert_eq!(keys.algs().len(), 7, "RSA's six and EdDSA");
    }

    #[test]
    fn candidates_fit_id_algorithm_and_date() {
        let keys = set(json!([
            rsa_jwk("a", 2048),
            with(rsa_jwk("b", 2048), "alg", json!("RS512")),
            with(rsa_jwk("c", 2048), "exp", json!(999_999)),
        ]));
        let ids = |id, alg| -> Vec<_> {
            keys.candidates(id, alg, NOW)
                .filter_map(|k| k.id.clone())
                .collect()
        };
        assert_eq!(ids(Some("a"), SigningAlg::Rs256), ["a"]);
        assert_eq!(ids(Some("b"), SigningAlg::Rs256), [""; 0]);
        assert_eq!(ids(Some("c"), SigningAlg::Rs256), [""; 0]);
        assert_eq!(ids(None, SigningAlg::Rs512), ["a", "b"]);
        assert_eq!(ids(None, SigningAlg::Es256), [""; 0]);
    }

    #[test]
    fn a_thousand_keys_cost_a_few_tries() {
        let keys = set(json!(vec![rsa_jwk("same", 2048); MAX_KEYS]));
        assert_eq!(keys.len(), MAX_KEYS);
        let tries = keys
            .candidates(Some("same"), SigningAlg::Rs256, NOW)
            .count();
        assert_eq!(tries, MAX_TRIES);
        let text = serde_json::to_vec(&json!({ "keys": vec![0; MAX_KEYS + 1] })).unwrap();
        assert!(matches!(
            KeySet::parse(&text),
            Err(KeySetError::TooMany(1001))
        ));
        assert!(matches!(KeySet::parse(b"{}"), Err(KeySetError::NoKeys)));
    }

    proptest! {
        #[test]
        fn foreign_keys_never_panic(
            kty in "RSA|EC|OKP|oct|",
            crv in "P-256|P-384|Ed25519|x",
            part in "[A-Za-z0-9_=-]{0,90}",
            exp in any::<i64>(),
        ) {
            let key = json!({"kty": kty, "crv": crv, "n": part, "e": part, "x": part, "y": part, "exp": exp});
            let set = set(json!([key]));
            for alg in SigningAlg::ALL {
                for key in set.candidates(None, alg, NOW) {
                    let outcome = jsonwebtoken::crypto::verify("AAAA", b"x", &key.key, alg.library());
                    prop_assert!(!outcome.unwrap_or(false));
                }
            }
        }
    }
}
