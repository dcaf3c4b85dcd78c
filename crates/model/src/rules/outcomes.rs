//! How every rule of a provider stood in one sign-in, "everyone else" as the last.

use crate::provider::EveryoneElse;
use crate::rule::Rule;
use crate::rules::claims::Claims;
use crate::rules::difference::template_name;
use crate::rules::mapping::{explain_all, withheld};
use crate::template::Template;
use serde::{Deserialize, Serialize};

/// A rule, and whether it fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleLine {
    /// The rule in words, or "everyone else".
    pub rule: String,
    /// What it gives: a template, or "refused".
    pub gives: String,
    /// How it stood.
    pub outcome: RuleOutcome,
    /// Why, in words.
    pub why: String,
}

/// How a rule stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleOutcome {
    /// It decides.
    Fits,
    /// It does not fit.
    FitsNot,
    /// One above decides.
    NotLookedAt,
}

impl RuleOutcome {
    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Fits => "decides",
            Self::FitsNot => "does not fit",
            Self::NotLookedAt => "not looked at",
        }
    }
}

/// Every rule with its outcome, those behind the one that decides included.
#[must_use]
pub fn outcomes(
    rules: &[Rule],
    everyone_else: EveryoneElse,
    claims: &Claims,
    templates: &[Template],
) -> Vec<RuleLine> {
    let verdicts = explain_all(rules, claims);
    let decides = verdicts.iter().position(|verdict| verdict.decides);
    let not_looked_at = |decides: usize| {
        let why = format!("rule {} decides", decides + 1);
        (RuleOutcome::NotLookedAt, why)
    };
    let withheld = withheld(rules, claims).filter(|_| decides.is_none());
    let rows = rules.iter().zip(verdicts);
    let rows = rows.map(|(rule, verdict)| {
        let (outcome, why) = match decides {
            Some(decides) if verdict.position > decides => not_looked_at(decides),
            None if withheld.is_some_and(|(before, _)| before < verdict.position) => {
                (RuleOutcome::NotLookedAt, verdict.why)
            }
            _ if verdict.decides => (RuleOutcome::Fits, verdict.why),
            _ => (RuleOutcome::FitsNot, verdict.why),
        };
        RuleLine {
            rule: verdict.rule,
            gives: template_name(templates, Some(rule.template)),
            outcome,
            why,
        }
    });
    let (outcome, why) = match decides {
        Some(decides) => not_looked_at(decides),
        None if rules.is_empty() => (RuleOutcome::Fits, "there are no rules".to_owned()),
        None => match withheld {
            Some((position, _)) => {
                let why = format!("rule {} could not be asked", position + 1);
                (RuleOutcome::NotLookedAt, why)
            }
            None => (RuleOutcome::Fits, "no rule fits".to_owned()),
        },
    };
    let everyone_else = RuleLine {
        rule: "everyone else".to_owned(),
        gives: match everyone_else {
            EveryoneElse::Refuse => "refused".to_owned(),
            EveryoneElse::Template(id) => template_name(templates, Some(id)),
        },
        outcome,
        why,
    };
    rows.chain([everyone_else]).collect()
}

/// The rules with their names in order: a number and the words, and "Everyone else" at the end.
pub fn named(lines: &[RuleLine]) -> impl Iterator<Item = (String, &RuleLine)> {
    lines.iter().enumerate().map(|(n, line)| {
        let name = if n + 1 == lines.len() {
            "Everyone else".to_owned()
        } else {
            format!("{}. {}", n + 1, line.rule)
        };
        (name, line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TemplateId;
    use serde_json::json;

    fn stood(rules: &[Rule], claims: &serde_json::Value) -> Vec<(RuleOutcome, String)> {
        let claims = claims.as_object().unwrap();
        let lines = outcomes(rules, EveryoneElse::Refuse, claims, &[]);
        lines.into_iter().map(|l| (l.outcome, l.why)).collect()
    }

    #[test]
    fn what_stands_below_the_rule_that_decides_is_not_looked_at() {
        use RuleOutcome::{Fits, FitsNot, NotLookedAt};
        let rules = ["board", "staff", "staff"].map(|v| Rule::mailcow(v, TemplateId(1)));
        let of = |outcome, why: &str| (outcome, why.to_owned());
        assert_eq!(
            stood(&rules, &json!({"mailcow_template": "staff"})),
            [
                of(FitsNot, "no, it is staff"),
                of(Fits, "yes"),
                of(NotLookedAt, "rule 2 decides"),
                of(NotLookedAt, "rule 2 decides"),
            ]
        );
        let absent = of(FitsNot, "no, the claim is absent");
        assert_eq!(
            stood(&rules[..1], &json!({})),
            [absent, of(Fits, "no rule fits")]
        );
        assert_eq!(stood(&[], &json!({})), [of(Fits, "there are no rules")]);
    }
}
