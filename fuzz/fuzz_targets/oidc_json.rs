//! The strict JSON reader agrees with serde_json about everything that it accepts.
#![no_main]

use serde_json::Value;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(map) = oidc::json::object(bytes) else {
        return;
    };
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let Ok(lenient) = serde_json::from_slice::<Value>(text) else {
        panic!("accepted what is no JSON")
    };
    assert_eq!(lenient, Value::Object(map));
});
