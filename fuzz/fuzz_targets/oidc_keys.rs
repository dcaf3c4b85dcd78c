//! A key set: every key in it is either usable or listed with the reason why not.
#![no_main]

use oidc::jwk::KeySet;

libfuzzer_sys::fuzz_target!(|document: &[u8]| {
    let Ok(set) = KeySet::parse(document) else {
        return;
    };
    let listed = oidc::json::object(document)
        .ok()
        .and_then(|map| map.get("keys")?.as_array().map(Vec::len));
    assert_eq!(listed, Some(set.len() + set.unusable().len()));
    assert_eq!(set.is_empty(), set.algs().is_empty());
});
