//! Faults in the userinfo answer.

use super::Misbehaviour as M;
use serde_json::{Map, Value, json};

/// Deep enough to overflow the stack of a parser that recurses without a limit.
const DEPTH: usize = 100_000;

pub(super) fn spoil(how: M, claims: &mut Map<String, Value>) {
    match how {
        M::UserinfoSubjectOther => set_subject(claims, "somebody-else"),
        M::UserinfoSubjectMissing => {
            claims.remove("sub");
        }
        M::SubjectEmpty => set_subject(claims, ""),
        M::SubjectLong => set_subject(claims, &"s".repeat(256)),
        _ => {}
    }
}

/// What no JSON library would write by itself.
pub(super) fn rewritten(how: M, text: String) -> String {
    match how {
        M::UserinfoDeep => format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH)),
        M::UserinfoTwice => {
            let second = r#""sub":"somebody-else","email":"other@elsewhere.example"}"#;
            format!("{},{second}", text.trim_end_matches('}'))
        }
        _ => text,
    }
}

fn set_subject(claims: &mut Map<String, Value>, subject: &str) {
    claims.insert("sub".to_owned(), json!(subject));
}
