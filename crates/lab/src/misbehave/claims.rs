//! Faults in a person's claims, wherever they appear.

use super::Misbehaviour as M;
use serde_json::{Map, Value, json};

pub(super) fn spoil(how: M, claims: &mut Map<String, Value>) {
    match how {
        M::EmailMissing => remove(claims, "email"),
        M::EmailList => {
            let email = claims.get("email").cloned();
            set(claims, "email", json!([email, "other@elsewhere.example"]));
        }
        M::EmailGarbage => set(claims, "email", json!("not an address@@\u{0}")),
        M::EmailUnverified => set(claims, "email_verified", json!(false)),
        M::EmailUnverifiedText => set(claims, "email_verified", json!("false")),
        M::EmailVerifiedMissing => remove(claims, "email_verified"),
        _ => {}
    }
}

fn set(claims: &mut Map<String, Value>, name: &str, value: Value) {
    claims.insert(name.to_owned(), value);
}

fn remove(claims: &mut Map<String, Value>, name: &str) {
    claims.remove(name);
}
