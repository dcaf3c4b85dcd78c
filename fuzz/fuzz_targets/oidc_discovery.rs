//! A discovery document: what was accepted speaks for its own issuer, and its endpoints are
//! addresses that can be parsed again.
#![no_main]

use oidc::discovery::Metadata;
use oidc::endpoint::Endpoint;
use oidc::issuer::Issuer;

libfuzzer_sys::fuzz_target!(|document: &[u8]| {
    let Ok(metadata) = Metadata::parse_any(document) else {
        return;
    };
    if let Ok(issuer) = Issuer::parse(&metadata.issuer) {
        assert!(Metadata::parse(document, &issuer).is_ok());
    }
    for endpoint in [&metadata.authorization_endpoint, &metadata.token_endpoint] {
        assert!(Endpoint::parse(endpoint.as_str()).is_ok());
    }
});
