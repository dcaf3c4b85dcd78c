//! A token: nothing verifies where there is no key.
#![no_main]

use model::time::Timestamp;
use oidc::jwk::KeySet;
use oidc::jwt::{Jwt, unverified_claims};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = unverified_claims(text);
    if let Ok(jwt) = Jwt::parse(text) {
        let _ = jwt.demand_plain_type();
        assert!(jwt.verify(&KeySet::default(), Timestamp(0)).is_err());
    }
});
