//! States of a provider's rules over time, and what differs between two.

use crate::audit::Actor;
use crate::ids::{ProviderId, RuleVersionId, TemplateId};
use crate::provider::{EveryoneElse, Provider};
use crate::rule::Rule;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Rules with what everyone else gets: what an administrator saves at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSet {
    /// First match wins.
    pub rules: Vec<Rule>,
    /// What people get whom no rule matches.
    pub everyone_else: EveryoneElse,
}

/// A state of a provider's rules as it was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleVersion {
    /// Its id; ids grow.
    pub id: RuleVersionId,
    /// The provider.
    pub provider: ProviderId,
    /// When it was saved.
    pub at: Timestamp,
    /// By whom.
    pub actor: Actor,
    /// What was saved.
    pub set: RuleSet,
}

/// A line of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// In both.
    Same,
    /// Only in the earlier one.
    Gone,
    /// Only in the later one.
    New,
}

impl RuleSet {
    /// The provider with these rules; the same in everything else.
    #[must_use]
    pub fn put_in(&self, provider: &Provider) -> Provider {
        let mut provider = provider.clone();
        provider.settings.rules.clone_from(&self.rules);
        provider.settings.everyone_else = self.everyone_else;
        provider
    }

    /// The set as lines people read: `groups is staff: Staff`, the last one for everyone else.
    /// `name` gives a template's name, if it still exists.
    #[must_use]
    pub fn lines(&self, name: impl Fn(TemplateId) -> Option<String>) -> Vec<String> {
        let rules = self.rules.iter();
        let mut lines: Vec<_> = rules
            .map(|rule| format!("{}: {}", rule.words(), named(&name, rule.template)))
            .collect();
        let everyone_else = self.everyone_else_words(&name);
        lines.push(format!("everyone else: {everyone_else}"));
        lines
    }

    /// What everyone else gets: `refused`, or a template's name.
    #[must_use]
    pub fn everyone_else_words(&self, name: impl Fn(TemplateId) -> Option<String>) -> String {
        match self.everyone_else {
            EveryoneElse::Refuse => "refused".to_owned(),
            EveryoneElse::Template(id) => named(&name, id),
        }
    }
}

fn named(name: impl Fn(TemplateId) -> Option<String>, id: TemplateId) -> String {
    name(id).unwrap_or_else(|| "a deleted template".to_owned())
}

/// What differs between two lists of lines: the fewest lines gone and new, gone ones first.
#[must_use]
pub fn difference(before: &[String], after: &[String]) -> Vec<(Mark, String)> {
    // longest[i][j]: most lines that before[i..] and after[j..] share in order.
    let width = after.len() + 1;
    let mut longest = vec![0_u32; (before.len() + 1) * width];
    for i in (0..before.len()).rev() {
        for j in (0..after.len()).rev() {
            longest[i * width + j] = if before[i] == after[j] {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    while i < before.len() || j < after.len() {
        let (was, is) = (before.get(i), after.get(j));
        match (was, is) {
            (Some(was), Some(is)) if was == is => {
                lines.push((Mark::Same, was.clone()));
                (i, j) = (i + 1, j + 1);
            }
            (Some(was), is)
                if is.is_none() || longest[(i + 1) * width + j] >= longest[i * width + j + 1] =>
            {
                lines.push((Mark::Gone, was.clone()));
                i += 1;
            }
            (_, Some(is)) => {
                lines.push((Mark::New, is.clone()));
                j += 1;
            }
            (_, None) => break,
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Test;

    fn lines(text: &str) -> Vec<String> {
        text.chars().map(String::from).collect()
    }

    fn told(before: &str, after: &str) -> String {
        let mark = |mark| match mark {
            Mark::Same => "",
            Mark::Gone => "-",
            Mark::New => "+",
        };
        difference(&lines(before), &lines(after))
            .into_iter()
            .map(|(m, line)| format!("{}{line}", mark(m)))
            .collect()
    }

    #[test]
    fn a_difference_is_short() {
        for (before, after, expected) in [
            ("", "", ""),
            ("abc", "abc", "abc"),
            ("abc", "axc", "a-b+xc"),
            ("abc", "cab", "+cab-c"),
            ("", "a", "+a"),
            ("a", "", "-a"),
            ("abcd", "bcd", "-abcd"),
        ] {
            assert_eq!(told(before, after), expected, "{before} {after}");
        }
    }

    proptest::proptest! {
        #[test]
        fn both_sides_can_be_read_out_of_a_difference(before in "[abc]{0,8}", after in "[abc]{0,8}") {
            let (before, after) = (lines(&before), lines(&after));
            let difference = difference(&before, &after);
            let side = |other| {
                let lines = difference.iter().filter(|(mark, _)| *mark != other);
                lines.map(|(_, line)| line.clone()).collect::<Vec<_>>()
            };
            proptest::prop_assert_eq!(side(Mark::New), before);
            proptest::prop_assert_eq!(side(Mark::Gone), after);
        }
    }

    #[test]
    fn a_set_reads_as_lines() {
        let set = RuleSet {
            rules: vec![Rule {
                claim: "groups".into(),
                test: Test::Is("staff".into()),
                template: TemplateId(1),
            }],
            everyone_else: EveryoneElse::Template(TemplateId(2)),
        };
        let name = |id| (id == TemplateId(1)).then(|| "Staff".to_owned());
        assert_eq!(
            set.lines(name),
            [
                "groups is staff: Staff",
                "everyone else: a deleted template"
            ]
        );
    }
}
