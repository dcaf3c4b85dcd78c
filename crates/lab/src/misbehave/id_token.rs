//! Faults in the ID token's header and claims; its signature fits them.

use super::{Misbehaviour as M, slash_toggled};
use crate::options::Algorithm;
use crate::token::{Draft, at_hash};
use serde_json::{Value, json};

const HOUR: i64 = 3600;

pub(super) fn spoil(how: M, draft: &mut Draft) {
    match how {
        M::KeyIdMissing | M::KeyIdMissingAmongTwo => {
            draft.header.remove("kid");
        }
        M::IssuerOther => set(draft, "iss", json!("https://issuer.example")),
        M::IssuerSlash => {
            let issuer = draft
                .claims
                .get("iss")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let toggled = slash_toggled(issuer);
            set(draft, "iss", json!(toggled));
        }
        M::AudienceOther => {
            set(draft, "aud", json!(["another-client"]));
            set(draft, "azp", json!("another-client"));
        }
        M::AudienceEmpty => {
            set(draft, "aud", json!([]));
            remove(draft, "azp");
        }
        M::AudienceString => {
            let azp = draft.claims.get("azp").cloned().unwrap_or_default();
            set(draft, "aud", azp);
        }
        M::AuthorizedPartyOther => set(draft, "azp", json!("another-client")),
        M::NonceOther => set(draft, "nonce", json!("another-nonce-of-a-decent-length")),
        M::NonceMissing => remove(draft, "nonce"),
        M::SubjectMissing => remove(draft, "sub"),
        M::SubjectEmpty => set(draft, "sub", json!("")),
        M::SubjectLong => set(draft, "sub", json!("s".repeat(256))),
        M::IssuedAtMissing => remove(draft, "iat"),
        M::IssuedInFuture => {
            shift(draft, "iat", HOUR);
            shift(draft, "exp", HOUR);
        }
        M::Expired => {
            let issued = number(draft, "iat");
            set(draft, "iat", json!(issued - 2 * HOUR));
            set(draft, "exp", json!(issued - HOUR));
        }
        M::ExpiryMissing => remove(draft, "exp"),
        M::AccessTokenHashOther => {
            let other = at_hash(Algorithm::Es256, "another token");
            set(draft, "at_hash", json!(other));
        }
        M::AuthTimeFraction => {
            let time = number(draft, "auth_time");
            #[expect(clippy::cast_precision_loss, reason = "seconds fit a double for aeons")]
            set(draft, "auth_time", json!(time as f64 + 0.25));
        }
        M::AuthTimeOld => shift(draft, "auth_time", -HOUR),
        M::AuthTimeMissing => remove(draft, "auth_time"),
        _ => {}
    }
}

fn set(draft: &mut Draft, claim: &str, value: Value) {
    draft.claims.insert(claim.to_owned(), value);
}

fn remove(draft: &mut Draft, claim: &str) {
    draft.claims.remove(claim);
}

fn number(draft: &Draft, claim: &str) -> i64 {
    draft
        .claims
        .get(claim)
        .and_then(Value::as_i64)
        .unwrap_or_default()
}

fn shift(draft: &mut Draft, claim: &str, by: i64) {
    let shifted = number(draft, claim) + by;
    set(draft, claim, json!(shifted));
}
