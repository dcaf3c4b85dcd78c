//! The subject: the name under which a provider knows a person, for ever.

use model::foreign::is_plain;
use serde_json::{Map, Value};

/// How long a subject may be (OpenID Connect Core section 2: 255 characters).
pub const MAX_SUBJECT: usize = 255;

/// Why a `sub` cannot identify anybody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// The claim is absent or null.
    #[error("no claim {0}")]
    Missing(String),
    /// Neither a text nor, where that is allowed, a whole number.
    #[error("claim {claim} is a {observed}, not a text")]
    NotText {
        /// Which claim.
        claim: String,
        /// Its JSON type.
        observed: &'static str,
    },
    /// The empty text.
    #[error("claim {0} is empty")]
    Empty(String),
    /// Over [`MAX_SUBJECT`] bytes.
    #[error("claim {claim} has {length} bytes; at most {MAX_SUBJECT} are allowed")]
    TooLong {
        /// Which claim.
        claim: String,
        /// Its length in bytes.
        length: usize,
    },
    /// Holds NUL, a line break or another control character, or one that is not seen or turns the
    /// text around it: two people would look like one.
    #[error("claim {0} holds control characters, or such as are not seen")]
    Control(String),
}

/// The `sub` of an ID token or of userinfo.
///
/// # Errors
/// [`SubjectError`]: absent, not a text, empty, too long.
pub fn sub(claims: &Map<String, Value>) -> Result<String, SubjectError> {
    match claims.get("sub") {
        Some(Value::Number(_)) => Err(SubjectError::NotText {
            claim: "sub".to_owned(),
            observed: "number",
        }),
        _ => named(claims, "sub"),
    }
}

/// The stable name of a person under another claim, which an administrator chose for a provider
/// without `sub`. A whole number counts by its digits, as plain OAuth 2 servers number their users.
///
/// # Errors
/// As [`sub`].
pub fn named(claims: &Map<String, Value>, claim: &str) -> Result<String, SubjectError> {
    let subject = match claims.get(claim) {
        None | Some(Value::Null) => return Err(SubjectError::Missing(claim.to_owned())),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => number.to_string(),
        Some(other) => {
            return Err(SubjectError::NotText {
                claim: claim.to_owned(),
                observed: crate::json::kind(other),
            });
        }
    };
    if subject.is_empty() {
        return Err(SubjectError::Empty(claim.to_owned()));
    }
    if subject.len() > MAX_SUBJECT {
        return Err(SubjectError::TooLong {
            claim: claim.to_owned(),
            length: subject.len(),
        });
    }
    if !is_plain(&subject) {
        return Err(SubjectError::Control(claim.to_owned()));
    }
    Ok(subject)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(value: Value) -> Result<String, SubjectError> {
        sub(json!({ "sub": value }).as_object().unwrap())
    }

    #[test]
    fn only_a_text_of_reasonable_length_is_a_subject() {
        assert_eq!(of(json!("248289761001")).unwrap(), "248289761001");
        assert_eq!(of(json!("x".repeat(255))).unwrap().len(), 255);
        assert_eq!(of(json!("")), Err(SubjectError::Empty("sub".into())));
        assert_eq!(of(json!(null)), Err(SubjectError::Missing("sub".into())));
        assert_eq!(sub(&Map::new()), Err(SubjectError::Missing("sub".into())));
        assert!(matches!(
            of(json!("x".repeat(256))),
            Err(SubjectError::TooLong { length: 256, .. })
        ));
        assert!(matches!(of(json!(7)), Err(SubjectError::NotText { .. })));
        assert!(matches!(
            of(json!(["a"])),
            Err(SubjectError::NotText { .. })
        ));
        for hidden in ["a\0b", "admin\u{200b}", "a\u{202e}b"] {
            let error = SubjectError::Control("sub".into());
            assert_eq!(of(json!(hidden)), Err(error), "{hidden:?}");
        }
    }

    #[test]
    fn a_chosen_claim_may_be_a_number() {
        let claims = json!({ "id": 4711, "float": 1.5 });
        let claims = claims.as_object().unwrap();
        assert_eq!(named(claims, "id").unwrap(), "4711");
        assert!(matches!(
            named(claims, "float"),
            Err(SubjectError::NotText { .. })
        ));
    }
}
