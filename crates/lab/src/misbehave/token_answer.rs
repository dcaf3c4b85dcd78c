//! Faults in the token endpoint's JSON.

use super::Misbehaviour as M;
use serde_json::{Map, Value, json};

pub(super) fn spoil(how: M, answer: &mut Map<String, Value>) {
    match how {
        M::IdTokenMissing => {
            answer.remove("id_token");
        }
        M::IdTokenGarbage => {
            answer.insert("id_token".to_owned(), json!("..garbage\u{0}.é"));
        }
        M::AccessTokenMissing => {
            answer.remove("access_token");
        }
        _ => {}
    }
}
