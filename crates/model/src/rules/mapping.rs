//! Which template a person gets: claims against an ordered list of rules.

use crate::foreign::printable;
use crate::ids::TemplateId;
use crate::provider::EveryoneElse;
use crate::rule::{Rule, Test};
use serde_json::{Map, Value};

/// Claims by name, as the provider sent them.
pub type Claims = Map<String, Value>;

/// What the mapping says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mapped {
    /// The rule at this position (from 0) matches first.
    Rule {
        /// Its position.
        position: usize,
        /// Its template.
        template: TemplateId,
    },
    /// No rule matches; everyone else gets this template, at creation only.
    EveryoneElse(TemplateId),
    /// No rule matches, and everyone else is refused.
    Refused {
        /// A rule that would match if letters' case did not count: (position, its text, the value
        /// received).
        near: Option<(usize, String, String)>,
    },
}

/// Why one rule did or did not match, for the trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleVerdict {
    /// Its position.
    pub position: usize,
    /// Whether it matched.
    pub matched: bool,
    /// `mailcow_template is staff: no, the claim is absent`.
    pub words: String,
}

/// Walks the rules until the first match. Returns the verdict of every rule looked at.
#[must_use]
pub fn map(
    rules: &[Rule],
    everyone_else: EveryoneElse,
    claims: &Claims,
) -> (Mapped, Vec<RuleVerdict>) {
    let mut verdicts = Vec::new();
    for (position, rule) in rules.iter().enumerate() {
        let value = claim_at(claims, &rule.claim);
        let matched = value.is_some_and(|value| rule.test.matches(value));
        let why = match (matched, value) {
            (true, _) => "yes".to_owned(),
            (false, None) => "no, the claim is absent".to_owned(),
            (false, Some(value)) => format!("no, it is {}", brief(value)),
        };
        verdicts.push(RuleVerdict {
            position,
            matched,
            words: format!("{}: {why}", rule.words()),
        });
        if matched {
            return (
                Mapped::Rule {
                    position,
                    template: rule.template,
                },
                verdicts,
            );
        }
    }
    let mapped = match everyone_else {
        EveryoneElse::Template(template) => Mapped::EveryoneElse(template),
        EveryoneElse::Refuse => Mapped::Refused {
            near: near_miss(rules, claims),
        },
    };
    (mapped, verdicts)
}

/// The value at a path: first a claim of exactly that name, then step by step through objects.
#[must_use]
pub fn claim_at<'a>(claims: &'a Claims, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let mut names = path.split('.');
    let first = claims.get(names.next()?)?;
    names.try_fold(first, |value, name| value.as_object()?.get(name))
}

impl Test {
    fn matches(&self, value: &Value) -> bool {
        match self {
            Self::Is(want) => any_text(value, |text| text == want),
            Self::OneOf(wanted) => any_text(value, |text| wanted.iter().any(|w| w == text)),
            Self::StartsWith(start) => any_text(value, |text| text.starts_with(start)),
            Self::Present => match value {
                Value::Null | Value::Bool(false) => false,
                Value::String(text) => !text.is_empty(),
                Value::Array(list) => !list.is_empty(),
                Value::Bool(true) | Value::Number(_) | Value::Object(_) => true,
            },
        }
    }
}

impl Rule {
    /// The rule as people read it: `mailcow_template is staff`.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.test {
            Test::Is(value) => format!("{} is {value}", self.claim),
            Test::OneOf(values) => format!("{} is one of {}", self.claim, values.join(", ")),
            Test::StartsWith(value) => format!("{} starts with {value}", self.claim),
            Test::Present => format!("{} is present", self.claim),
        }
    }
}

fn any_text(value: &Value, fits: impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => fits(text),
        Value::Array(list) => list.iter().filter_map(Value::as_str).any(fits),
        _ => false,
    }
}

fn near_miss(rules: &[Rule], claims: &Claims) -> Option<(usize, String, String)> {
    rules.iter().enumerate().find_map(|(position, rule)| {
        let Test::Is(want) = &rule.test else {
            return None;
        };
        let value = claim_at(claims, &rule.claim)?;
        any_text(value, |text| text.to_lowercase() == want.to_lowercase())
            .then(|| (position, want.clone(), brief(value)))
    })
}

/// A value as an administrator may read it in one line: 120 characters at most, none of them
/// harmful.
#[must_use]
pub fn brief(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text, 120),
        other => printable(&other.to_string(), 120),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const STAFF: TemplateId = TemplateId(1);
    const REST: TemplateId = TemplateId(2);

    fn claims(value: Value) -> Claims {
        value.as_object().unwrap().clone()
    }

    fn verdict(rules: &[Rule], value: Value) -> Mapped {
        map(rules, EveryoneElse::Refuse, &claims(value)).0
    }

    #[test]
    fn mailcows_claim_matches_as_text_and_in_a_list() {
        let rules = [Rule::mailcow("staff", STAFF)];
        let hit = Mapped::Rule {
            position: 0,
            template: STAFF,
        };
        assert_eq!(verdict(&rules, json!({"mailcow_template": "staff"})), hit);
        assert_eq!(
            verdict(&rules, json!({"mailcow_template": ["guest", "staff"]})),
            hit
        );
    }

    #[test]
    fn only_texts_match_texts() {
        let rules = [Rule::mailcow("true", STAFF), Rule::mailcow("1", STAFF)];
        for value in [
            json!(true),
            json!(1),
            json!(null),
            json!({"true": 1}),
            json!([true, 1]),
        ] {
            let got = verdict(&rules, json!({"mailcow_template": value}));
            assert!(matches!(got, Mapped::Refused { near: None }), "{value}");
        }
    }

    #[test]
    fn the_first_match_wins_and_the_rest_is_not_looked_at() {
        let rules = [Rule::mailcow("staff", STAFF), Rule::mailcow("staff", REST)];
        let (mapped, verdicts) = map(
            &rules,
            EveryoneElse::Refuse,
            &claims(json!({"mailcow_template": "staff"})),
        );
        assert_eq!(
            mapped,
            Mapped::Rule {
                position: 0,
                template: STAFF
            }
        );
        assert_eq!(verdicts.len(), 1);
    }

    #[test]
    fn nested_claims_and_names_with_dots_are_found() {
        let rule = |claim: &str| Rule {
            claim: claim.to_owned(),
            test: Test::Is("x".to_owned()),
            template: STAFF,
        };
        let value = json!({"custom": {"mail": {"type": "x"}}, "urn:a.b": "x"});
        for path in ["custom.mail.type", "urn:a.b"] {
            assert!(
                matches!(verdict(&[rule(path)], value.clone()), Mapped::Rule { .. }),
                "{path}"
            );
        }
        assert!(matches!(
            verdict(&[rule("custom.mail")], value),
            Mapped::Refused { .. }
        ));
    }

    #[test]
    fn a_difference_in_case_is_told() {
        let got = verdict(
            &[Rule::mailcow("staff", STAFF)],
            json!({"mailcow_template": "Staff"}),
        );
        assert_eq!(
            got,
            Mapped::Refused {
                near: Some((0, "staff".to_owned(), "Staff".to_owned()))
            }
        );
    }

    #[test]
    fn everyone_else_is_an_explicit_choice() {
        let (mapped, _) = map(&[], EveryoneElse::Template(REST), &Claims::new());
        assert_eq!(mapped, Mapped::EveryoneElse(REST));
    }

    #[test]
    fn present_wants_something_in_it() {
        let rule = [Rule {
            claim: "groups".into(),
            test: Test::Present,
            template: STAFF,
        }];
        for (value, hit) in [
            (json!(""), false),
            (json!([]), false),
            (json!(null), false),
            (json!(["a"]), true),
        ] {
            let got = matches!(
                verdict(&rule, json!({"groups": value})),
                Mapped::Rule { .. }
            );
            assert_eq!(got, hit, "{value}");
        }
    }
}
