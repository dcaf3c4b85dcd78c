//! A request to sign out: nothing that is read breaks a header, and the way back keeps its beginning.
#![no_main]

use oidc::op::end_session::EndSession;
use oidc::op::redirect::{RegisteredRedirect, with_parameters};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(asked) = EndSession::parse(text) else {
        return;
    };
    let state = asked.state.unwrap_or_default();
    assert!(!state.chars().any(char::is_control));
    let Some(redirect) = asked.redirect else {
        return;
    };
    if RegisteredRedirect::parse(&redirect).is_ok_and(|known| known.matches(&redirect)) {
        let url = with_parameters(&redirect, &[("state", &state)]);
        assert!(url.starts_with(&redirect) && url.is_ascii());
    }
});
