//! A request with an access token: header, form and query are one line each.
#![no_main]

use oidc::op::bearer::{BearerPlace, BearerPlaces, BearerRequest};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let mut lines = text
        .splitn(3, '\n')
        .map(|line| (!line.is_empty()).then_some(line));
    let request = BearerRequest {
        authorization: lines.next().flatten(),
        form: lines.next().flatten(),
        query: lines.next().flatten(),
    };
    let strict = request.token(BearerPlaces::default());
    if let Ok(Some(found)) = &strict {
        assert_eq!(found.place, BearerPlace::Header);
    }
    let anywhere = request.token(BearerPlaces {
        form: true,
        query: true,
    });
    assert!(strict.is_err() || anywhere.is_ok());
});
