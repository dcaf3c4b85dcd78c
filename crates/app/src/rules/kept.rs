//! Which claims are kept of a person's last sign-in, to try other rules on.

use model::rules::claims::Claims;
use model::rules::effect::EVERYTHING;

/// Largest sum of claims kept of a person, in bytes of JSON.
const MOST_BYTES: usize = 16 * 1024;
/// Most names of claims noted as too large.
const MOST_NAMES: usize = 50;
/// Claims about this one sign-in: another value each time, and nothing a rule could ask for.
const PASSING: [&str; 12] = [
    "at_hash",
    "auth_time",
    "c_hash",
    "exp",
    "iat",
    "jti",
    "nbf",
    "nonce",
    "rat",
    "s_hash",
    "sid",
    "updated_at",
];

/// What is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The claims.
    pub(crate) claims: Claims,
    /// Names of claims that were too large.
    pub(crate) left_out: Vec<String>,
}

/// Keeps what fits, the small claims first.
pub(crate) fn kept(claims: &Claims) -> Kept {
    let lasting = claims
        .iter()
        .filter(|(name, _)| !PASSING.contains(&name.as_str()));
    let mut sized: Vec<_> = lasting
        .map(|(name, value)| (value.to_string().len() + name.len(), name, value))
        .collect();
    sized.sort_by_key(|(size, ..)| *size);
    let mut kept = Kept::default();
    let mut room = MOST_BYTES;
    for (size, name, value) in sized {
        if size <= room {
            room -= size;
            kept.claims.insert(name.clone(), value.clone());
        } else if kept.left_out.len() < MOST_NAMES && name.len() <= 200 {
            room = 0;
            kept.left_out.push(name.clone());
        } else {
            kept.left_out = vec![EVERYTHING.to_owned()];
            break;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn of(value: Value) -> Kept {
        kept(value.as_object().unwrap())
    }

    #[test]
    fn claims_of_one_sign_in_are_not_kept() {
        let kept = of(json!({"email": "a@example.org", "iat": 1, "nonce": "x", "groups": ["a"]}));
        let names: Vec<_> = kept.claims.keys().map(String::as_str).collect();
        assert_eq!(names, ["email", "groups"]);
        assert!(kept.left_out.is_empty());
    }

    #[test]
    fn what_is_too_large_is_named_and_the_rest_stays() {
        let groups: Vec<_> = (0..10_000).map(|n| format!("group-{n}")).collect();
        let kept = of(json!({"email": "a@example.org", "groups": groups, "dept": "IT"}));
        assert_eq!(kept.left_out, ["groups"]);
        assert_eq!(kept.claims.len(), 2);
        let many: Claims = (0..20_000).map(|n| (format!("c{n}"), json!("x"))).collect();
        let kept = super::kept(&many);
        assert_eq!(
            kept.left_out,
            [EVERYTHING],
            "named one by one they were too many"
        );
        assert!(json!(kept.claims).to_string().len() < 2 * MOST_BYTES);
    }
}
