//! The token endpoint's answer, in both encodings: tokens and an error exclude each other.
#![no_main]

use oidc::token::{TokenAnswer, parse, parse_error};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    for kind in [
        None,
        Some("application/json"),
        Some("application/x-www-form-urlencoded"),
    ] {
        let error = parse_error(kind, body);
        match parse(kind, body) {
            Ok(TokenAnswer::Tokens(_)) => assert_eq!(error, None),
            Ok(TokenAnswer::Error(found)) => assert_eq!(error, Some(found)),
            Err(_) => {}
        }
    }
});
