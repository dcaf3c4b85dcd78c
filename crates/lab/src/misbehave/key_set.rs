//! Faults in the published keys.

use super::Misbehaviour as M;
use crate::keys::SigningKey;
use crate::options::Algorithm;
use serde_json::Value;

pub(super) fn spoil(how: M, keys: &mut Vec<Value>) {
    match how {
        M::KeySetEmpty => keys.clear(),
        M::KeyIdMissingAmongTwo => {
            // A decoy of the same kind as the real key comes first.
            let name = keys.first().and_then(|key| key["alg"].as_str());
            let algorithm = Algorithm::ALL
                .into_iter()
                .find(|one| Some(one.name()) == name);
            let algorithm = algorithm.unwrap_or(Algorithm::Es256);
            if let Ok(decoy) = SigningKey::generate(algorithm) {
                keys.insert(0, decoy.public_jwk());
            }
            strip_ids(keys);
        }
        M::KeyIdMissing => strip_ids(keys),
        _ => {}
    }
}

fn strip_ids(keys: &mut [Value]) {
    for key in keys {
        if let Some(key) = key.as_object_mut() {
            key.remove("kid");
        }
    }
}
