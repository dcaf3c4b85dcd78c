//! LOGIN: first the name, then the secret. It has no way to act for somebody else.

use super::{Claim, Exchange, Step, text};
use crate::decisions::Misfit;

/// Takes the name, decoded.
pub(super) fn name(response: &[u8]) -> Step {
    match text(response) {
        Some(name) if !name.is_empty() => Exchange::LoginSecret {
            name: name.to_owned(),
        }
        .ask(),
        _ => Step::Misfit(Misfit::Response),
    }
}

/// Takes the secret, decoded.
pub(super) fn secret(name: String, response: &[u8]) -> Step {
    match text(response) {
        Some(secret) => Step::Claim(Claim {
            authzid: String::new(),
            name,
            secret: secret.to_owned().into(),
        }),
        None => Step::Misfit(Misfit::Response),
    }
}
