//! Which template a person gets: claims against an ordered list of rules.

use crate::ids::TemplateId;
use crate::provider::EveryoneElse;
use crate::rule::{Rule, Test};
use crate::rules::claims::{any_text, brief_all, pointer_for};
use serde_json::Value;
use std::cell::OnceCell;
use std::collections::HashMap;

pub use crate::rules::claims::{Claims, brief, claim_at, values_at};

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
    /// No rule matches, but this one could not be asked: the provider sent a pointer in place of its
    /// claim. Whether the person is somebody else's kind, or everyone else's, nobody can tell.
    Withheld {
        /// Its position.
        position: usize,
        /// What was sent instead of the claim.
        pointer: &'static str,
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
    /// Its position, from 0.
    pub position: usize,
    /// Whether its own test is met, also when an earlier rule decides.
    pub matched: bool,
    /// Whether it decides: the first one that matched.
    pub decides: bool,
    /// The rule: `mailcow_template is staff`
    pub rule: String,
    /// `no, the claim is absent`
    pub why: String,
}

impl RuleVerdict {
    /// `mailcow_template is staff: no, the claim is absent`
    #[must_use]
    pub fn words(&self) -> String {
        format!("{}: {}", self.rule, self.why)
    }
}

/// Walks the rules until the first match. Returns the verdict of every rule looked at.
#[must_use]
pub fn map(
    rules: &[Rule],
    everyone_else: EveryoneElse,
    claims: &Claims,
) -> (Mapped, Vec<RuleVerdict>) {
    let first = first_match(rules, claims);
    let looked_at = first.map_or(rules, |first| &rules[..=first]);
    let mapped = match (first, withheld(rules, claims), everyone_else) {
        (Some(position), ..) => Mapped::Rule {
            position,
            template: rules[position].template,
        },
        (None, Some((position, pointer)), _) => Mapped::Withheld { position, pointer },
        (None, None, EveryoneElse::Template(template)) => Mapped::EveryoneElse(template),
        (None, None, EveryoneElse::Refuse) => Mapped::Refused {
            near: near_miss(rules, claims),
        },
    };
    (mapped, explain_all(looked_at, claims))
}

/// The position of the rule that decides: the first one whose test is met. None does behind one that
/// could not be asked, since that one might have come first.
#[must_use]
pub fn first_match(rules: &[Rule], claims: &Claims) -> Option<usize> {
    let stops = |rule: &Rule| rule.matches(claims) || pointer_for(claims, &rule.claim).is_some();
    let position = rules.iter().position(stops)?;
    rules[position].matches(claims).then_some(position)
}

/// The verdict of every rule, also of those behind the one that decides.
#[must_use]
pub fn explain_all(rules: &[Rule], claims: &Claims) -> Vec<RuleVerdict> {
    let mut first = None;
    let withheld = withheld(rules, claims).map(|(position, _)| position);
    // Rules mostly ask the same few claims: each is found and shown once.
    let mut found: HashMap<&str, (Vec<&Value>, OnceCell<String>)> = HashMap::new();
    let numbered = rules.iter().enumerate();
    numbered
        .map(|(position, rule)| {
            let (values, shown) = found
                .entry(rule.claim.as_str())
                .or_insert_with(|| (values_at(claims, &rule.claim), OnceCell::new()));
            let values: &[&Value] = values;
            let matched = rule.test.any_matches(values);
            let unknown = withheld.filter(|withheld| *withheld < position && first.is_none());
            let why = match (matched, first) {
                (true, None) => match unknown {
                    Some(before) => format!("yes, but rule {} could not be asked", before + 1),
                    None => "yes".to_owned(),
                },
                (true, Some(first)) => format!("yes too, but rule {} decides", first + 1),
                (false, _) if values.is_empty() => match pointer_for(claims, &rule.claim) {
                    Some(pointer) => format!(
                        "not known, the provider sent a pointer ({pointer}) in place of the claim"
                    ),
                    None => "no, the claim is absent".to_owned(),
                },
                (false, _) => {
                    format!("no, it is {}", shown.get_or_init(|| brief_all(values)))
                }
            };
            let decides = matched && first.is_none() && unknown.is_none();
            if decides {
                first = Some(position);
            }
            RuleVerdict {
                position,
                matched,
                decides,
                rule: rule.words(),
                why,
            }
        })
        .collect()
}

impl Rule {
    /// Whether its test is met.
    #[must_use]
    pub fn matches(&self, claims: &Claims) -> bool {
        self.test.any_matches(&values_at(claims, &self.claim))
    }
}

impl Test {
    fn any_matches(&self, values: &[&Value]) -> bool {
        values.iter().any(|value| self.matches(value))
    }

    fn matches(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Is(want), _) => any_text(value, |text| text == want),
            (Self::OneOf(wanted), _) => any_text(value, |text| wanted.iter().any(|w| w == text)),
            (Self::Contains(part), Value::String(text)) => text.contains(part),
            (Self::Contains(element), _) => any_text(value, |text| text == element),
            (Self::StartsWith(start), _) => any_text(value, |text| text.starts_with(start)),
            (Self::Matches(pattern), _) => any_text(value, |text| pattern.describes(text)),
            (Self::Present, Value::Null | Value::Bool(false)) => false,
            (Self::Present, Value::String(text)) => !text.is_empty(),
            (Self::Present, Value::Array(list)) => !list.is_empty(),
            (Self::Present, Value::Bool(true) | Value::Number(_) | Value::Object(_)) => true,
        }
    }
}

/// The first rule whose claim was not sent but pointed at, and the pointer.
pub(crate) fn withheld(rules: &[Rule], claims: &Claims) -> Option<(usize, &'static str)> {
    let pointer = |rule: &Rule| pointer_for(claims, &rule.claim);
    let mut numbered = rules.iter().enumerate();
    numbered.find_map(|(position, rule)| Some((position, pointer(rule)?)))
}

fn near_miss(rules: &[Rule], claims: &Claims) -> Option<(usize, String, String)> {
    rules.iter().enumerate().find_map(|(position, rule)| {
        values_at(claims, &rule.claim)
            .into_iter()
            .find_map(|value| {
                let near = |want: &&String| any_text(value, |text| same_but_for_case(text, want));
                let want = rule.test.texts().iter().find(near)?;
                Some((position, want.clone(), brief(value)))
            })
    })
}

/// Whether two texts are the same when letters' case does not count.
pub(super) fn same_but_for_case(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() {
        return a.eq_ignore_ascii_case(b);
    }
    let lower = |text: &'_ str| {
        text.chars()
            .flat_map(char::to_lowercase)
            .collect::<String>()
    };
    lower(a) == lower(b)
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

    fn asks(claim: &str, test: Test) -> Rule {
        Rule {
            claim: claim.to_owned(),
            test,
            template: STAFF,
        }
    }

    #[test]
    fn what_each_test_matches() {
        let pattern = |text: &str| Test::Matches(crate::rule::Pattern::new(text));
        let one_of = Test::OneOf(vec!["a".into(), "b".into()]);
        for (test, value, hit) in [
            (Test::Is("a".into()), json!("a"), true),
            (Test::Is("a".into()), json!("A"), false),
            (Test::Is("a".into()), json!("ab"), false),
            (Test::Is(String::new()), json!(null), false),
            (one_of.clone(), json!("b"), true),
            (one_of.clone(), json!(["x", "b"]), true),
            (one_of, json!("c"), false),
            // Of a text, a part; of a list, a whole element.
            (Test::Contains("mail".into()), json!("my mail box"), true),
            (Test::Contains("mail".into()), json!(["mail"]), true),
            (Test::Contains("mail".into()), json!(["my mail box"]), false),
            (Test::Contains("1".into()), json!(1), false),
            (Test::Contains("a".into()), json!({"a": 1}), false),
            (Test::StartsWith("mail-".into()), json!("mail-x"), true),
            (Test::StartsWith("mail-".into()), json!([3, "mail-x"]), true),
            (Test::StartsWith("mail-".into()), json!("x mail-"), false),
            (pattern("mail-(a|b)"), json!(["x", "mail-b"]), true),
            (pattern("mail-(a|b)"), json!("mail-bc"), false),
            (pattern("true"), json!(true), false),
            (pattern("(broken"), json!("(broken"), false),
        ] {
            let rule = [asks("claim", test)];
            let got = first_match(&rule, &claims(json!({ "claim": value }))).is_some();
            assert_eq!(got, hit, "{} {value}", rule[0].words());
        }
    }

    #[test]
    fn lists_of_objects_are_gone_through() {
        let sent = claims(json!({"roles": [{"name": "guest"}, {"name": "staff"}]}));
        let rules = [asks("roles.name", Test::Is("staff".into()))];
        assert_eq!(first_match(&rules, &sent), Some(0));
        let no = [asks("roles.name", Test::Is("boss".into()))];
        let words = explain_all(&no, &sent)[0].words();
        assert_eq!(words, r#"roles.name is boss: no, it is ["guest","staff"]"#);
    }

    #[test]
    fn every_rule_is_explained_and_one_decides() {
        let rules = [
            asks("groups", Test::Is("boss".into())),
            asks("groups", Test::Contains("staff".into())),
            asks("email", Test::Present),
            asks("dept", Test::Present),
        ];
        let sent = claims(json!({"groups": ["staff"], "email": "a@example.org"}));
        let verdicts = explain_all(&rules, &sent);
        let told: Vec<_> = verdicts
            .iter()
            .map(|v| (v.matched, v.decides, v.words()))
            .collect();
        assert_eq!(
            told,
            [
                (
                    false,
                    false,
                    r#"groups is boss: no, it is ["staff"]"#.to_owned()
                ),
                (true, true, "groups contains staff: yes".to_owned()),
                (
                    true,
                    false,
                    "email is present: yes too, but rule 2 decides".to_owned()
                ),
                (
                    false,
                    false,
                    "dept is present: no, the claim is absent".to_owned()
                ),
            ]
        );
    }

    #[test]
    fn ten_thousand_groups_and_two_hundred_rules_take_no_time() {
        let groups: Vec<_> = (0..10_000).map(|n| format!("group-{n}")).collect();
        let sent = claims(json!({ "groups": groups }));
        let rules: Vec<_> = (0..200)
            .map(|n| asks("groups", Test::Is(format!("Group-x{n}"))))
            .collect();
        let begun = std::time::Instant::now();
        let (mapped, verdicts) = map(&rules, EveryoneElse::Refuse, &sent);
        assert_eq!(mapped, Mapped::Refused { near: None });
        assert!(verdicts.iter().all(|v| v.words().len() < 200));
        // Unoptimised and on a busy machine, too: a bound to notice squares by, not to tune.
        assert!(begun.elapsed() < std::time::Duration::from_secs(10));
    }

    fn value() -> impl proptest::strategy::Strategy<Value = Value> {
        use proptest::prelude::*;
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[ab.A]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::hash_map("[ab.]{1,3}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn rule() -> impl proptest::strategy::Strategy<Value = Rule> {
        use proptest::prelude::*;
        let text = || "[ab.A]{0,3}";
        let test = prop_oneof![
            text().prop_map(Test::Is),
            proptest::collection::vec(text(), 0..3).prop_map(Test::OneOf),
            text().prop_map(Test::Contains),
            text().prop_map(Test::StartsWith),
            "[ab.()|*?+]{0,4}".prop_map(|p| Test::Matches(crate::rule::Pattern::new(p))),
            Just(Test::Present),
        ];
        ("[ab.]{0,5}", test, 0..9_i64).prop_map(|(claim, test, template)| Rule {
            claim,
            test,
            template: TemplateId(template),
        })
    }

    proptest::proptest! {
        /// Whatever arrives: the first rule that matches by itself decides, and every way of
        /// asking says so.
        #[test]
        fn the_first_match_wins(
            sent in proptest::collection::hash_map("[ab.]{1,3}", value(), 0..5),
            rules in proptest::collection::vec(rule(), 0..6),
        ) {
            let sent: Claims = sent.into_iter().collect();
            let alone: Vec<_> = rules
                .iter()
                .map(|rule| first_match(std::slice::from_ref(rule), &sent).is_some())
                .collect();
            let first = alone.iter().position(|matched| *matched);
            let (mapped, verdicts) = map(&rules, EveryoneElse::Refuse, &sent);
            match first {
                Some(position) => {
                    let template = rules[position].template;
                    proptest::prop_assert_eq!(mapped, Mapped::Rule { position, template });
                    proptest::prop_assert_eq!(verdicts.len(), position + 1);
                }
                None => {
                    let refused = matches!(mapped, Mapped::Refused { .. });
                    proptest::prop_assert!(refused);
                    proptest::prop_assert_eq!(verdicts.len(), rules.len());
                }
            }
            let all = explain_all(&rules, &sent);
            let matched: Vec<_> = all.iter().map(|verdict| verdict.matched).collect();
            proptest::prop_assert_eq!(matched, alone);
            let deciding = all.iter().position(|verdict| verdict.decides);
            proptest::prop_assert_eq!(deciding, first);
        }
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
    fn a_pointer_in_place_of_a_claim_is_no_answer() {
        let rules = [
            asks("groups", Test::Is("staff".into())),
            asks("dept", Test::Is("it".into())),
        ];
        let over = json!({"_claim_names": {"groups": "src1"}});
        let withheld = Mapped::Withheld {
            position: 0,
            pointer: "_claim_names",
        };
        assert_eq!(verdict(&rules, over.clone()), withheld);
        // Also where everyone else would get a mailbox: this may be no "everyone else".
        let (mapped, verdicts) = map(&rules, EveryoneElse::Template(REST), &claims(over));
        assert_eq!(mapped, withheld);
        assert_eq!(
            verdicts[0].words(),
            "groups is staff: not known, the provider sent a pointer (_claim_names) in place of the claim"
        );
        // A rule behind it might have come second; one before it decides.
        let known = json!({"_claim_names": {"groups": "src1"}, "dept": "it"});
        assert_eq!(verdict(&rules, known.clone()), withheld);
        let told = explain_all(&rules, &claims(known.clone()));
        assert_eq!(
            (told[1].decides, told[1].why.as_str()),
            (false, "yes, but rule 1 could not be asked")
        );
        let reversed = [rules[1].clone(), rules[0].clone()];
        assert!(matches!(
            verdict(&reversed, known),
            Mapped::Rule { position: 0, .. }
        ));
        // None asks for the claim.
        let nobody_asks = json!({"_claim_names": {"photos": "src1"}, "hasgroups": true});
        assert_eq!(
            verdict(&rules[1..], nobody_asks),
            Mapped::Refused { near: None }
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
