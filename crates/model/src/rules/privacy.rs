//! Who sees the values of claims: their names always, the values by role, and those of private
//! claims only when they are opened, which is written down.

use crate::attempt::{SeenClaim, Trace};
use crate::outcome::Refusal;
use crate::rules::claims::brief;
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

/// Who looks at an attempt, a test sign-in or a trial of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    /// An administrator.
    Administrator,
    /// An administrator who opened the private values of this very one.
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
    let quoted = Quoted::of_seen(viewer, private, &trace.claims);
    let mut hidden = false;
    for claim in &mut trace.claims {
        if !may_see(viewer, &claim.name, private) {
            hidden = true;
            claim.exact = None;
            HIDDEN.clone_into(&mut claim.value);
        }
    }
    for step in &mut trace.steps {
        quoted.take_out_of(&mut step.evidence);
    }
    if let Some(refusal) = refusal {
        quoted.take_out_of_refusal(refusal);
    }
    hidden
}

/// Texts of hidden values, to be taken out of the sentences that quote them.
#[derive(Debug, Default)]
pub struct Quoted(Vec<String>);

impl Quoted {
    /// The values of those claims that `viewer` does not see.
    pub fn of<'a>(
        viewer: Viewer,
        private: &[String],
        claims: impl IntoIterator<Item = (&'a str, &'a Value)>,
    ) -> Self {
        let mut quoted = Self::default();
        for (name, value) in claims {
            if !may_see(viewer, name, private) {
                quoted.collect(value);
            }
        }
        quoted.longest_first()
    }

    /// The same of an attempt's claims.
    #[must_use]
    pub fn of_seen(viewer: Viewer, private: &[String], claims: &[SeenClaim]) -> Self {
        let mut quoted = Self::default();
        for claim in claims {
            if !may_see(viewer, &claim.name, private) {
                if let Some(exact) = &claim.exact {
                    quoted.collect(exact);
                }
                quoted.0.push(claim.value.clone());
            }
        }
        quoted.longest_first()
    }

    /// The texts within a value, each by itself: sentences may quote one item of a list. As they
    /// came and as they are shown.
    fn collect(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                self.0.push(text.clone());
                self.0.push(brief(value));
            }
            Value::Number(number) => self.0.push(number.to_string()),
            Value::Array(items) => {
                self.0.push(brief(value));
                items.iter().for_each(|item| self.collect(item));
            }
            Value::Object(fields) => {
                self.0.push(brief(value));
                fields.values().for_each(|field| self.collect(field));
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// The longest first, so that no rest of one stays when another is part of it.
    fn longest_first(mut self) -> Self {
        self.0.retain(|text| text.chars().count() >= SHORTEST);
        self.0
            .sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        self.0.dedup();
        self
    }

    /// Takes them out of a sentence.
    pub fn take_out_of(&self, text: &mut String) {
        for quoted in &self.0 {
            if text.contains(quoted.as_str()) {
                *text = text.replace(quoted.as_str(), HIDDEN);
            }
        }
    }

    /// Takes them out of what a refusal tells.
    pub fn take_out_of_refusal(&self, refusal: &mut Refusal) {
        for fact in refusal.facts.values_mut() {
            self.take_out_of(fact);
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

    #[test]
    fn a_long_value_is_found_as_it_is_shown_too() {
        let long = format!("Canary Lane {}", "7".repeat(200));
        let claims = json!({ "address": { "street": long }, "email": "a@example.org" });
        let claims = claims.as_object().unwrap();
        let named = claims.iter().map(|(name, value)| (name.as_str(), value));
        let quoted = Quoted::of(Viewer::Administrator, &["address".to_owned()], named);
        let shown = brief(&json!(long));
        let mut words = format!("no, it is {shown} of a@example.org");
        quoted.take_out_of(&mut words);
        assert_eq!(words, "no, it is (private) of a@example.org");
    }
}
