//! A request to the token endpoint, or to that of devices: header in the first line, form in the rest.
#![no_main]

use oidc::op::device::DeviceRequest;
use oidc::op::error::is_description;
use oidc::op::token::{ClientAuthMethod, TokenRequest};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (header, form) = text.split_once('\n').unwrap_or(("", text));
    let header = (!header.is_empty()).then_some(header);
    if let Err(error) = DeviceRequest::parse(header, form) {
        assert!(is_description(&error.description));
    }
    match TokenRequest::parse(header, form) {
        Ok((Some(client), _)) => {
            assert!(!client.id.is_empty());
            assert_eq!(client.method == ClientAuthMethod::Basic, header.is_some());
        }
        Ok((None, _)) => assert!(header.is_none()),
        Err(error) => assert!(is_description(&error.description)),
    }
});
