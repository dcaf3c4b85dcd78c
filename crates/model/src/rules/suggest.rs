//! What to change in a mapping so that it says something about people who came with given claims.
//! A suggestion for an administrator to look at, never applied by itself.

use crate::foreign::is_plain;
use crate::ids::TemplateId;
use crate::provider::EveryoneElse;
use crate::rule::{MAILCOW_CLAIM, Pattern, Rule, Test};
use crate::rules::mapping::{self, Claims, Mapped, values_at};
use serde_json::Value;

/// Claims that tell kinds of people apart, where no rule asks for one already.
const TELLING: [&str; 4] = [MAILCOW_CLAIM, "groups", "roles", "department"];

/// One change of the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suggestion {
    /// A rule behind the others; which template it gives is the administrator's choice.
    Add {
        /// The claim it asks.
        claim: String,
        /// What it asks.
        test: Test,
    },
    /// The rule at this position (from 0) asks otherwise, so that the case of letters does not
    /// count.
    IgnoreCase {
        /// Its position.
        position: usize,
        /// What it asks then.
        test: Test,
    },
    /// The rule at this position gives a template that is gone.
    Template(usize),
    /// Everyone else gets a template that is gone.
    EveryoneElse,
}

/// What would help somebody with these claims, if they are refused by the mapping and anything in
/// the claims can be gone by.
#[must_use]
pub fn suggest(
    rules: &[Rule],
    everyone_else: EveryoneElse,
    templates: &[TemplateId],
    claims: &Claims,
) -> Option<Suggestion> {
    match mapping::map(rules, everyone_else, claims).0 {
        Mapped::Rule { position, template } => {
            (!templates.contains(&template)).then_some(Suggestion::Template(position))
        }
        // No rule that could be asked would be the right one for somebody whose groups are not known.
        Mapped::Withheld { .. } => None,
        Mapped::EveryoneElse(template) => {
            (!templates.contains(&template)).then_some(Suggestion::EveryoneElse)
        }
        Mapped::Refused { near } => near
            .and_then(|(position, ..)| ignoring_case(rules, position))
            .or_else(|| row(rules, claims)),
    }
}

/// The claim that [`suggest`] would add a rule for.
#[must_use]
pub fn telling_claim(rules: &[Rule], claims: &Claims) -> Option<String> {
    match row(rules, claims)? {
        Suggestion::Add { claim, .. } => Some(claim),
        _ => None,
    }
}

fn ignoring_case(rules: &[Rule], position: usize) -> Option<Suggestion> {
    let wanted = match &rules.get(position)?.test {
        Test::Is(value) => regex::escape(value),
        Test::OneOf(values) => {
            let values: Vec<_> = values.iter().map(|value| regex::escape(value)).collect();
            values.join("|")
        }
        // A part of a text is no whole text.
        _ => return None,
    };
    let pattern = Pattern::new(format!("(?i){wanted}"));
    pattern.check().ok()?;
    let test = Test::Matches(pattern);
    Some(Suggestion::IgnoreCase { position, test })
}

fn row(rules: &[Rule], claims: &Claims) -> Option<Suggestion> {
    let asked = rules.iter().map(|rule| rule.claim.as_str());
    asked.chain(TELLING).find_map(|claim| {
        let test = values_at(claims, claim).into_iter().find_map(asking)?;
        let claim = claim.to_owned();
        Some(Suggestion::Add { claim, test })
    })
}

/// The test that a value meets.
fn asking(value: &Value) -> Option<Test> {
    let text = |value: &Value| {
        let text = value.as_str()?;
        // What hides or turns text is nothing that somebody could check before saving it.
        (!text.trim().is_empty() && is_plain(text)).then(|| text.to_owned())
    };
    match value {
        Value::Array(list) => list.iter().find_map(text).map(Test::Contains),
        value => text(value).map(Test::Is),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const STAFF: TemplateId = TemplateId(1);
    const GONE: TemplateId = TemplateId(9);

    fn rule(claim: &str, test: Test, template: TemplateId) -> Rule {
        let claim = claim.to_owned();
        Rule {
            claim,
            test,
            template,
        }
    }

    fn suggested(rules: &[Rule], else_: EveryoneElse, claims: Value) -> Option<Suggestion> {
        let claims = claims.as_object().unwrap().clone();
        let suggestion = suggest(rules, else_, &[STAFF], &claims);
        // What is suggested would decide about exactly these claims.
        let test = match &suggestion {
            Some(Suggestion::Add { claim, test }) => Some(rule(claim, test.clone(), STAFF)),
            Some(Suggestion::IgnoreCase { position, test }) => {
                Some(rule(&rules[*position].claim, test.clone(), STAFF))
            }
            _ => None,
        };
        assert!(
            test.is_none_or(|rule| rule.matches(&claims)),
            "{suggestion:?}"
        );
        suggestion
    }

    #[test]
    fn a_row_is_made_of_the_claim_that_tells_people_apart() {
        let is = |text: &str| Test::Is(text.to_owned());
        let staff = [rule("org.kind", is("staff"), STAFF)];
        let add = |claim: &str, test| {
            let claim = claim.to_owned();
            Some(Suggestion::Add { claim, test })
        };
        for (claims, expected) in [
            // What rules ask already, then what often tells it.
            (
                json!({"org": {"kind": "sales"}, "groups": ["x"]}),
                add("org.kind", is("sales")),
            ),
            (
                json!({"groups": [7, " ", "sales"], "roles": "r"}),
                add("groups", Test::Contains("sales".into())),
            ),
            (
                json!({"mailcow_template": "sales", "groups": ["x"]}),
                add(MAILCOW_CLAIM, is("sales")),
            ),
            (json!({"groups": [], "roles": ""}), None),
            (json!({"email": "a@example.org", "groups": {"a": 1}}), None),
        ] {
            let got = suggested(&staff, EveryoneElse::Refuse, claims.clone());
            assert_eq!(got, expected, "{claims}");
        }
    }

    #[test]
    fn a_rule_that_differs_in_case_is_made_to_ignore_it() {
        let pattern = |text: &str| Test::Matches(Pattern::new(text));
        for (test, sent, expected) in [
            (
                Test::Is("staff (a)".into()),
                json!("Staff (A)"),
                r"(?i)staff \(a\)",
            ),
            (
                Test::OneOf(vec!["board".into(), "staff".into()]),
                json!(["x", "STAFF"]),
                "(?i)board|staff",
            ),
        ] {
            let rules = [rule("kind", test, STAFF)];
            let got = suggested(&rules, EveryoneElse::Refuse, json!({ "kind": sent }));
            let test = pattern(expected);
            assert_eq!(got, Some(Suggestion::IgnoreCase { position: 0, test }));
        }
        // Where the pattern would be too long, the value itself becomes a rule.
        let long = "x".repeat(300);
        let rules = [rule("kind", Test::Is(long.clone()), STAFF)];
        let got = suggested(
            &rules,
            EveryoneElse::Refuse,
            json!({ "kind": long.to_uppercase() }),
        );
        assert!(matches!(got, Some(Suggestion::Add { .. })), "{got:?}");
    }

    #[test]
    fn a_template_that_is_gone_is_found_and_nothing_is_suggested_to_who_gets_in() {
        let rules = [rule("kind", Test::Present, GONE)];
        let sent = json!({"kind": "staff"});
        let got = suggested(&rules, EveryoneElse::Refuse, sent.clone());
        assert_eq!(got, Some(Suggestion::Template(0)));
        let got = suggested(&[], EveryoneElse::Template(GONE), sent.clone());
        assert_eq!(got, Some(Suggestion::EveryoneElse));
        assert_eq!(suggested(&[], EveryoneElse::Template(STAFF), sent), None);
    }
}
