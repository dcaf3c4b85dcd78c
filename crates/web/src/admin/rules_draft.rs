//! A draft of rules as the editor's form sends it: rows in their order, and the act that was asked.

use super::rules_row;
use crate::parts::Problems;
use app::Problem;
use model::ids::TemplateId;
use model::provider::EveryoneElse;
use model::rule::Rule;
use model::rules::suggest::Suggestion;
use model::rules::versions::RuleSet;
use serde::Deserialize;
use std::cmp::Ordering;

/// What was typed. The lists hold one entry a row.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    /// The act: `preview`, `save`, `up.2` …
    #[serde(rename = "do")]
    pub act: String,
    /// The state of the rules that the draft was made from.
    pub seen: i64,
    number: Vec<String>,
    claim: Vec<String>,
    test: Vec<String>,
    value: Vec<String>,
    template: Vec<String>,
    pub everyone_else: String,
    pub try_from: String,
    pub try_address: String,
    pub try_json: String,
}

/// One row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub claim: String,
    pub test: String,
    pub value: String,
    pub template: String,
}

/// What is to be done with the draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// Nothing but showing the rows in their new order.
    Show,
    /// Say what it would change.
    Preview,
    /// The same, everybody as CSV.
    Csv,
    /// Try it on one set of claims.
    Try,
    /// The same with the values of private claims, which is put on record.
    TryOpened,
    /// Put it in force.
    Save,
    /// Put it in force although people would be refused.
    SaveAnyway,
}

/// Most rows taken from a form.
const MOST_ROWS: usize = 400;

impl Row {
    fn is_empty(&self) -> bool {
        self.claim.trim().is_empty() && self.value.trim().is_empty()
    }

    fn of(rule: &Rule) -> Self {
        let (test, value) = rules_row::shown(&rule.test);
        Self {
            claim: rule.claim.clone(),
            test: test.to_owned(),
            value,
            template: rule.template.to_string(),
        }
    }
}

/// A draft: rows, some of which may be empty.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    /// The rows in their order.
    pub rows: Vec<Row>,
    /// `refuse`, or a template's id.
    pub everyone_else: String,
}

impl Draft {
    /// Rules that were saved, with an empty row behind them.
    pub fn of(set: &RuleSet) -> Self {
        let mut rows: Vec<_> = set.rules.iter().map(Row::of).collect();
        rows.push(Row::default());
        Self {
            rows,
            everyone_else: match set.everyone_else {
                EveryoneElse::Refuse => "refuse".to_owned(),
                EveryoneElse::Template(id) => id.to_string(),
            },
        }
    }

    /// What was typed, after the act that concerns rows alone.
    pub fn typed(typed: &Typed) -> (Self, Act) {
        let cell = |cells: &[String], n: usize| cells.get(n).cloned().unwrap_or_default();
        let rows = (0..typed.claim.len().min(MOST_ROWS)).map(|n| Row {
            claim: cell(&typed.claim, n),
            test: cell(&typed.test, n),
            value: cell(&typed.value, n),
            template: cell(&typed.template, n),
        });
        let mut draft = Self {
            rows: rows.collect(),
            everyone_else: typed.everyone_else.clone(),
        };
        let (verb, number) = typed.act.split_once('.').unwrap_or((&typed.act, ""));
        // Rows are counted from 1 on the page.
        let at = number.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
        let at = at.filter(|at| *at < draft.rows.len());
        let act = match (verb, at) {
            ("up", Some(at)) => {
                draft.rows.swap(at, at.saturating_sub(1));
                Act::Show
            }
            ("down", Some(at)) => {
                let below = (at + 1).min(draft.rows.len() - 1);
                draft.rows.swap(at, below);
                Act::Show
            }
            ("remove", Some(at)) => {
                draft.rows.remove(at);
                Act::Show
            }
            (verb, _) => {
                draft.sort(&typed.number);
                match verb {
                    "preview" => Act::Preview,
                    "csv" => Act::Csv,
                    "try" => Act::Try,
                    "try-open" => Act::TryOpened,
                    "save" => Act::Save,
                    "save-anyway" => Act::SaveAnyway,
                    "add" => {
                        draft.rows.push(Row::default());
                        Act::Show
                    }
                    _ => Act::Show,
                }
            }
        };
        (draft, act)
    }

    /// Puts each row where its number says. Of two with one number, the one that was moved up comes
    /// first and the one that was moved down last.
    fn sort(&mut self, numbers: &[String]) {
        let mut keyed: Vec<_> = std::mem::take(&mut self.rows)
            .into_iter()
            .enumerate()
            .map(|(n, row)| {
                let number = numbers.get(n).and_then(|text| text.trim().parse().ok());
                let number: usize = number.unwrap_or(n + 1);
                let moved = match number.cmp(&(n + 1)) {
                    Ordering::Less => 0,
                    Ordering::Equal => 1,
                    Ordering::Greater => 2,
                };
                ((number, moved), row)
            })
            .collect();
        keyed.sort_by_key(|(key, _)| *key);
        self.rows = keyed.into_iter().map(|(_, row)| row).collect();
    }

    /// Reads a suggestion into a draft of the rules in force; tells which row it is about.
    pub fn suggest(&mut self, suggestion: &Suggestion) -> Option<usize> {
        match suggestion {
            Suggestion::Add { claim, test } => {
                let (test, value) = rules_row::shown(test);
                let row = Row {
                    claim: claim.clone(),
                    test: test.to_owned(),
                    value,
                    template: String::new(),
                };
                let at = self.rows.iter().position(Row::is_empty);
                let at = at.unwrap_or(self.rows.len());
                self.rows.truncate(at);
                self.rows.push(row);
                Some(at)
            }
            Suggestion::IgnoreCase { position, test } => {
                let row = self.rows.get_mut(*position)?;
                let (test, value) = rules_row::shown(test);
                test.clone_into(&mut row.test);
                row.value = value;
                Some(*position)
            }
            Suggestion::Template(position) => {
                self.rows.get_mut(*position)?.template.clear();
                Some(*position)
            }
            Suggestion::EveryoneElse => {
                self.everyone_else.clear();
                None
            }
        }
    }

    /// The rows that say something, each with its place among all rows.
    fn filled(&self) -> impl Iterator<Item = (usize, &Row)> {
        self.rows
            .iter()
            .enumerate()
            .filter(|(_, row)| !row.is_empty())
    }

    /// The row of each rule.
    pub fn places(&self) -> Vec<usize> {
        self.filled().map(|(at, _)| at).collect()
    }

    /// The draft as rules. What is wrong is told at the field `rule-N`, N the row from 1.
    pub fn set(&self) -> Result<RuleSet, Problems> {
        let mut problems = Problems::new();
        let mut rules = Vec::new();
        for (at, row) in self.filled() {
            let template = row.template.parse().unwrap_or_else(|_| {
                let words = format!("Rule {}: choose the template it gives.", at + 1);
                problems.add(format!("rule-{}", at + 1), words);
                TemplateId(0)
            });
            rules.push(Rule {
                claim: row.claim.trim().to_owned(),
                test: rules_row::read(&row.test, &row.value),
                template,
            });
        }
        let everyone_else = match self.everyone_else.as_str() {
            "refuse" => EveryoneElse::Refuse,
            id => id.parse().map(EveryoneElse::Template).unwrap_or_else(|_| {
                let words = "Choose what people get whom no rule matches.";
                problems.add("everyone_else", words);
                EveryoneElse::Refuse
            }),
        };
        let set = RuleSet {
            rules,
            everyone_else,
        };
        if problems.is_empty()
            && let Err(problem) = app::rules::check(&set)
        {
            problems = self.wrong(problem);
        }
        if problems.is_empty() {
            Ok(set)
        } else {
            Err(problems)
        }
    }

    /// What the use case found wrong, by row.
    pub fn wrong(&self, problem: Problem) -> Problems {
        let mut problems = Problems::new();
        let places = self.places();
        match problem {
            Problem::Invalid(fields) => {
                for found in fields {
                    let number = found.field.strip_prefix("rules.");
                    let number = number.and_then(|n| n.parse::<usize>().ok());
                    let row = number.and_then(|n| places.get(n.checked_sub(1)?));
                    match row {
                        Some(at) => {
                            let words = format!("Rule {}: {}.", at + 1, found.message);
                            problems.add(format!("rule-{}", at + 1), words);
                        }
                        None => problems.add(found.field, format!("{}.", found.message)),
                    }
                }
            }
            other => problems.add("", other.to_string()),
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::rule::Test;

    fn typed(act: &str, claims: &[&str], numbers: &[&str]) -> Typed {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        Typed {
            act: act.to_owned(),
            claim: texts(claims),
            number: texts(numbers),
            everyone_else: "refuse".to_owned(),
            ..Typed::default()
        }
    }

    #[test]
    fn rows_are_moved_by_buttons_and_by_numbers() {
        for (act, numbers, expected) in [
            ("up.2", &[][..], "bacd"),
            ("up.1", &[], "abcd"),
            ("down.2", &[], "acbd"),
            ("down.4", &[], "abcd"),
            ("remove.3", &[], "abd"),
            ("add", &[], "abcd "),
            ("up.0", &[], "abcd"),
            ("up.9", &[], "abcd"),
            ("remove.99999999999999999999", &[], "abcd"),
            ("nonsense", &[], "abcd"),
            ("order", &["1", "2", "1", "4"], "cabd"),
            ("order", &["3", "2", "3", "4"], "bcad"),
            ("preview", &["9", "", "x", "4"], "bcda"),
        ] {
            let (draft, _) = Draft::typed(&typed(act, &["a", "b", "c", "d"], numbers));
            let shown = draft.rows.iter().map(|row| match row.claim.as_str() {
                "" => " ",
                claim => claim,
            });
            assert_eq!(shown.collect::<String>(), expected, "{act} {numbers:?}");
        }
    }

    #[test]
    fn acts_are_read_and_short_lists_do_no_harm() {
        for (act, expected) in [
            ("preview", Act::Preview),
            ("csv", Act::Csv),
            ("try", Act::Try),
            ("try-open", Act::TryOpened),
            ("save", Act::Save),
            ("save-anyway", Act::SaveAnyway),
            ("", Act::Show),
        ] {
            assert_eq!(Draft::typed(&typed(act, &["a"], &[])).1, expected);
        }
        let (draft, _) = Draft::typed(&typed("", &["a", "b"], &["1"]));
        assert_eq!(draft.rows[1].template, "");
        let many = vec!["x"; MOST_ROWS + 50];
        let (draft, _) = Draft::typed(&typed("", &many, &[]));
        assert_eq!(draft.rows.len(), MOST_ROWS);
    }

    #[test]
    fn what_is_wrong_is_told_at_its_row() {
        let mut draft = Draft {
            rows: vec![Row::default(); 4],
            everyone_else: "everything".to_owned(),
        };
        draft.rows[0] = Row {
            claim: "groups".to_owned(),
            value: "staff".to_owned(),
            ..Row::default()
        };
        draft.rows[2].claim = "groups".to_owned();
        draft.rows[2].template = "1".to_owned();
        let problems = draft.set().unwrap_err();
        assert!(problems.of("rule-1").is_some(), "no template");
        assert!(problems.of("everyone_else").is_some());
        draft.everyone_else = "refuse".to_owned();
        draft.rows[0].template = "1".to_owned();
        let problems = draft.set().unwrap_err();
        assert!(problems.of("rule-3").is_some(), "no value: {problems:?}");
        draft.rows[2].value = "x".to_owned();
        let set = draft.set().unwrap();
        assert_eq!((set.rules.len(), draft.places()), (2, vec![0, 2]));
    }

    #[test]
    fn a_suggestion_is_read_into_the_draft() {
        let rule = |value: &str, template| Rule {
            claim: "kind".to_owned(),
            test: Test::Is(value.to_owned()),
            template: TemplateId(template),
        };
        let draft = || {
            Draft::of(&RuleSet {
                rules: vec![rule("staff", 1), rule("sales", 9)],
                everyone_else: EveryoneElse::Template(TemplateId(9)),
            })
        };
        let mut added = draft();
        let test = Test::Contains("x".to_owned());
        let claim = "groups".to_owned();
        let row = added.suggest(&Suggestion::Add { claim, test });
        assert_eq!((row, added.rows.len()), (Some(2), 3));
        assert_eq!(added.rows[2].test, "contains");
        assert!(
            added.set().unwrap_err().of("rule-3").is_some(),
            "no template"
        );

        let mut nearer = draft();
        let test = Test::Matches(model::rule::Pattern::new("(?i)staff"));
        let row = nearer.suggest(&Suggestion::IgnoreCase { position: 0, test });
        assert_eq!((row, nearer.rows[0].value.as_str()), (Some(0), "(?i)staff"));
        assert_eq!(nearer.set().unwrap().rules[0].template, TemplateId(1));

        let mut broken = draft();
        assert_eq!(broken.suggest(&Suggestion::Template(1)), Some(1));
        assert!(broken.set().unwrap_err().of("rule-2").is_some());
        assert_eq!(broken.suggest(&Suggestion::Template(7)), None);
        assert_eq!(broken.suggest(&Suggestion::EveryoneElse), None);
        assert!(broken.set().unwrap_err().of("everyone_else").is_some());
    }
}
