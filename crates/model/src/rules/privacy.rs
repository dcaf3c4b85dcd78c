//! Who sees the values of claims: their names always, the values by role, and those of private
//! claims only when they are opened, which is written down.

use crate::attempt::Trace;
use crate::outcome::Refusal;
use serde_json::Value;

/// Claims that are private unless an administrator says otherwise.
pub const DEFAULT_PRIVATE: [&str; 5] = [
    "address",
    "birthdate",
    "gender",
    "phone_number",
    "phone_number_verified",
];

/// What stands in the place of a hidden value.
pub const HIDDEN: &str = "(private)";

/// Shorter values are not looked for in sentences: they would be found everywhere.
const SHORTEST: usize = 3;

/// Who looks at an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    /// An administrator.
    Administrator,
    /// An administrator who opened the private values of this very attempt.
    AdministratorOpened,
    /// Somebody who helps people sign in, or looks at records: names only.
    Helpdesk,
}

/// Whether `viewer` sees the value of a claim; `private` are the names of private claims.
#[must_use]
pub fn may_see(viewer: Viewer, claim: &str, private: &[String]) -> bool {
    match viewer {
        Viewer::AdministratorOpened => true,
        Viewer::Administrator => !private.iter().any(|name| name == claim),
        Viewer::Helpdesk => false,
    }
}

/// Takes the values out of a trace and a refusal that `viewer` does not see, also where a sentence
/// quotes them. Tells whether there were any.
pub fn hide(
    viewer: Viewer,
    private: &[String],
    trace: &mut Trace,
    refusal: Option<&mut Refusal>,
) -> bool {
    let mut values = Vec::new();
    let mut hidden = false;
    for claim in &mut trace.claims {
        if may_see(viewer, &claim.name, private) {
            continue;
        }
        hidden = true;
        collect(&claim.exact.take().unwrap_or_default(), &mut values);
        values.push(std::mem::replace(&mut claim.value, HIDDEN.to_owned()));
    }
    values.retain(|value| value.chars().count() >= SHORTEST);
    // The longest first, so that no rest of one stays when another is part of it.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    values.dedup();
    for step in &mut trace.steps {
        replace(&mut step.evidence, &values);
    }
    for fact in refusal
        .into_iter()
        .flat_map(|refusal| refusal.facts.values_mut())
    {
        replace(fact, &values);
    }
    hidden
}

/// The texts within a value, each by itself: sentences may quote one item of a list.
fn collect(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Number(number) => into.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, into)),
        Value::Null | Value::Bool(_) => {}
    }
}

fn replace(text: &mut String, values: &[String]) {
    for value in values {
        if text.contains(value.as_str()) {
            *text = text.replace(value.as_str(), HIDDEN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::{SeenClaim, StepState};
    use crate::outcome::Code;
    use serde_json::json;

    #[test]
    fn only_an_administrator_sees_values_and_private_ones_only_when_opened() {
        let private = vec!["phone_number".to_owned()];
        for (viewer, claim, want) in [
            (Viewer::Administrator, "email", true),
            (Viewer::Administrator, "phone_number", false),
            (Viewer::AdministratorOpened, "phone_number", true),
            (Viewer::Helpdesk, "email", false),
            (Viewer::Helpdesk, "phone_number", false),
        ] {
            assert_eq!(may_see(viewer, claim, &private), want, "{viewer:?} {claim}");
        }
    }

    #[test]
    fn a_hidden_value_is_in_no_sentence_either() {
        let address = json!({ "street": "Canary Lane 7", "post": "12345", "country": "x" });
        let mut left = 9999;
        let mut trace = Trace {
            claims: vec![
                SeenClaim::of("address", &address, "userinfo", &mut left),
                SeenClaim::of("email", &json!("a@example.org"), "userinfo", &mut left),
            ],
            ..Trace::default()
        };
        trace.push(
            "rule",
            StepState::Note,
            "1. address.street is Elsewhere: no, it is Canary Lane 7",
        );
        trace.push("address claim", StepState::Ok, "a@example.org");
        let mut refusal = Refusal::new(Code::NoMapping).with("detail", "it is Canary Lane 7");
        let private = vec!["address".to_owned()];
        let hidden = hide(
            Viewer::Administrator,
            &private,
            &mut trace,
            Some(&mut refusal),
        );
        assert!(hidden);
        let all = format!("{trace:?} {refusal:?}");
        for canary in ["Canary", "12345"] {
            assert!(!all.contains(canary), "{all}");
        }
        assert!(all.contains("a@example.org") && all.contains("address"));
        assert!(all.contains("no, it is (private)"), "{all}");
        let again = trace.clone();
        assert!(!hide(
            Viewer::AdministratorOpened,
            &private,
            &mut trace,
            None
        ));
        assert_eq!(trace, again);
    }
}
