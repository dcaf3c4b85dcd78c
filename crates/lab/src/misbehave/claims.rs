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
        M::GroupsOverage => {
            for claim in ["groups", "mailcow_template"] {
                remove(claims, claim);
            }
            let names = json!({"groups": "src1", "mailcow_template": "src1"});
            set(claims, "_claim_names", names);
            let source = json!({
                "endpoint": "https://graph.example/users/0/getMemberObjects",
                "access_token": "a-token-of-the-source",
            });
            set(claims, "_claim_sources", json!({ "src1": source }));
        }
        _ => {}
    }
}

fn set(claims: &mut Map<String, Value>, name: &str, value: Value) {
    claims.insert(name.to_owned(), value);
}

fn remove(claims: &mut Map<String, Value>, name: &str) {
    claims.remove(name);
}
