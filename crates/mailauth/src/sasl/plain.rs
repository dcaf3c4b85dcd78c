//! PLAIN (RFC 4616): `authzid NUL authcid NUL password` in one response.

use super::{Claim, Step, text};
use crate::decisions::Misfit;

/// Takes the one response, decoded. A NUL more or less is no PLAIN at all.
pub(super) fn claim(response: &[u8]) -> Step {
    let mut parts = response.split(|b| *b == 0);
    let parts = (parts.next(), parts.next(), parts.next(), parts.next());
    let (Some(authzid), Some(name), Some(secret), None) = parts else {
        return Step::Misfit(Misfit::Response);
    };
    match (text(authzid), text(name), text(secret)) {
        (Some(authzid), Some(name), Some(secret)) if !name.is_empty() => Step::Claim(Claim {
            authzid: authzid.to_owned(),
            name: name.to_owned(),
            secret: secret.to_owned().into(),
        }),
        _ => Step::Misfit(Misfit::Response),
    }
}
