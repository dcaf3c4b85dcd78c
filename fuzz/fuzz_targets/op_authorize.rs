//! An authorization request: what is accepted keeps its state, and what is refused says so in our own
//! words.
#![no_main]

use model::oauth_app::PkceRule;
use oidc::op::authorize::{ClientRules, Prompt, Unchecked};
use oidc::op::error::is_description;

libfuzzer_sys::fuzz_target!(|query: &str| {
    let request = Unchecked::parse(query);
    let state = request.state().map(str::to_owned);
    let fault = request.fault;
    let rules = ClientRules {
        pkce: PkceRule::IfSent,
        plain_allowed: true,
        state_required: true,
        scopes: &["openid", "profile"],
    };
    match request.check(&rules) {
        Ok(request) => {
            assert!(fault.is_none() && request.state.is_some());
            assert_eq!(request.state, state);
            assert!(
                request
                    .scopes
                    .iter()
                    .all(|scope| rules.scopes.contains(&scope))
            );
            assert!(!request.prompt.contains(&Prompt::None) || request.prompt.len() == 1);
        }
        Err(error) => assert!(is_description(&error.description)),
    }
});
