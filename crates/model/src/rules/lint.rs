//! What looks wrong with rules, before anybody meets it.

use crate::foreign::printable;
use crate::ids::TemplateId;
use crate::provider::EveryoneElse;
use crate::rule::{MAILCOW_CLAIM, Rule, Test};
use crate::rules::mapping::same_but_for_case;
use crate::rules::seen::{Seen, SeenPath};
use serde::{Deserialize, Serialize};

/// One thing that looks wrong. Programs read its rule's number and how bad it is, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Told", into = "Told")]
pub struct Finding {
    /// The rule's position, from 0; `None` for "everyone else".
    pub position: Option<usize>,
    /// What it is.
    pub kind: Kind,
    /// In a sentence or two.
    pub words: String,
}

/// As programs read it.
#[derive(Serialize, Deserialize)]
struct Told {
    /// From 1; nothing for "everyone else".
    number: Option<usize>,
    kind: Kind,
    /// For the reader: it follows from the kind.
    severity: Severity,
    words: String,
}

impl From<Finding> for Told {
    fn from(finding: Finding) -> Self {
        Self {
            number: finding.position.map(|position| position + 1),
            kind: finding.kind,
            severity: finding.kind.severity(),
            words: finding.words,
        }
    }
}

impl From<Told> for Finding {
    fn from(told: Told) -> Self {
        Self {
            position: told.number.and_then(|number| number.checked_sub(1)),
            kind: told.kind,
            words: told.words,
        }
    }
}

/// What can look wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The template does not exist.
    TemplateMissing,
    /// The pattern cannot be used.
    Pattern,
    /// An earlier rule asks exactly the same.
    Duplicate,
    /// Earlier rules match everything that this one would.
    Unreachable,
    /// Nobody came with this claim.
    ClaimNeverSeen,
    /// The claim or its value came only with other capital or small letters.
    OnlyCaseDiffers,
    /// The value is the name of a claim.
    ValueIsClaim,
    /// What came at this claim is of a kind that the test never matches, or matches too much of.
    Shape,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It cannot be saved so.
    Error,
    /// Probably not what was meant.
    Warning,
}

impl Kind {
    /// How bad it is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::TemplateMissing | Self::Pattern | Self::Duplicate => Severity::Error,
            Self::Unreachable
            | Self::ClaimNeverSeen
            | Self::OnlyCaseDiffers
            | Self::ValueIsClaim
            | Self::Shape => Severity::Warning,
        }
    }
}

/// Looks at rules in order. `exists` says whether there is such a template; `seen` is what people
/// came with, which may be nothing yet.
#[must_use]
pub fn lint(
    rules: &[Rule],
    everyone_else: EveryoneElse,
    exists: impl Fn(TemplateId) -> bool,
    seen: &Seen,
) -> Vec<Finding> {
    let mut found = Vec::new();
    for (position, rule) in rules.iter().enumerate() {
        let mut note = |kind, words| {
            found.push(Finding {
                position: Some(position),
                kind,
                words,
            });
        };
        if !exists(rule.template) {
            let words = "Its template does not exist any more. Choose another one.".to_owned();
            note(Kind::TemplateMissing, words);
        }
        if let Test::Matches(pattern) = &rule.test
            && let Err(error) = pattern.check()
        {
            note(Kind::Pattern, format!("{error}."));
        }
        if let Some((kind, words)) = shadowed(&rules[..position], rule) {
            note(kind, words);
        }
        if let Some(words) = value_is_claim(rule, rules, seen) {
            note(Kind::ValueIsClaim, words);
        }
        if let Some((kind, words)) = against(seen, rule) {
            note(kind, words);
        }
    }
    if let EveryoneElse::Template(template) = everyone_else
        && !exists(template)
    {
        found.push(Finding {
            position: None,
            kind: Kind::TemplateMissing,
            words: "The template of everyone else does not exist any more.".to_owned(),
        });
    }
    found
}

/// Whether earlier rules leave nothing for this one.
fn shadowed(earlier: &[Rule], rule: &Rule) -> Option<(Kind, String)> {
    let of_claim = || {
        let numbered = earlier.iter().enumerate();
        numbered.filter(|(_, other)| other.claim == rule.claim)
    };
    if let Some((at, _)) = of_claim().find(|(_, other)| other.test == rule.test) {
        let words = format!(
            "Rule {} asks exactly the same, so this one never matches.",
            at + 1
        );
        return Some((Kind::Duplicate, words));
    }
    if let Some((at, _)) = of_claim().find(|(_, other)| covers(&other.test, &rule.test)) {
        let words = format!(
            "Rule {} matches everybody whom this one would match, so this one never decides.",
            at + 1
        );
        return Some((Kind::Unreachable, words));
    }
    let Test::OneOf(values) = &rule.test else {
        return None;
    };
    // Its values one by one may be taken by different rules.
    let taken = |value: &String| {
        let alone = Test::Is(value.clone());
        of_claim().any(|(_, other)| covers(&other.test, &alone))
    };
    (!values.is_empty() && values.iter().all(taken)).then(|| {
        let words = "Earlier rules match each of its values, so this one never decides.";
        (Kind::Unreachable, words.to_owned())
    })
}

/// Whether `first` matches whatever `second` does, at the same claim.
fn covers(first: &Test, second: &Test) -> bool {
    match (first, second) {
        (Test::Present, Test::Matches(pattern)) => !pattern.describes(""),
        (Test::Present, Test::Present) => true,
        (Test::Present, Test::StartsWith(start)) => !start.is_empty(),
        (Test::Present, other) => other.texts().iter().all(|text| !text.is_empty()),
        (Test::StartsWith(start), Test::StartsWith(longer)) => longer.starts_with(start.as_str()),
        // An element of a list that contains the text is that text; a text may hold more.
        (Test::Contains(part), Test::Contains(other)) => part == other,
        (_, Test::Is(value)) => covers_text(first, value),
        (_, Test::OneOf(values)) => values.iter().all(|value| covers_text(first, value)),
        _ => false,
    }
}

/// Whether `test` matches a claim that is this text, and a list that holds it.
fn covers_text(test: &Test, text: &str) -> bool {
    match test {
        Test::Is(value) | Test::Contains(value) => value == text,
        Test::OneOf(values) => values.iter().any(|value| value == text),
        Test::StartsWith(start) => text.starts_with(start.as_str()),
        Test::Matches(pattern) => pattern.describes(text),
        Test::Present => !text.is_empty(),
    }
}

/// mailcow's form invites to type the claim's name where its value belongs.
fn value_is_claim(rule: &Rule, rules: &[Rule], seen: &Seen) -> Option<String> {
    let is_claim = |text: &str| {
        text == MAILCOW_CLAIM
            || rules.iter().any(|other| other.claim == text)
            || seen.at(text).is_some()
    };
    let value = rule.test.texts().iter().find(|text| is_claim(text))?;
    let value = printable(value, 60);
    Some(format!(
        "“{value}” is the name of a claim, not a value of it. Write what the claim holds, such as \
         the name of a group."
    ))
}

/// What people came with speaks against the rule.
fn against(seen: &Seen, rule: &Rule) -> Option<(Kind, String)> {
    if seen.people() == 0 {
        return None;
    }
    let Some(there) = seen.at(&rule.claim) else {
        let other = seen
            .paths()
            .find(|(path, _)| same_but_for_case(path, &rule.claim));
        return Some(match other {
            Some((path, _)) => {
                let words = format!(
                    "People come with “{path}”; capital and small letters count in a claim's name."
                );
                (Kind::OnlyCaseDiffers, words)
            }
            None => {
                let words = format!(
                    "Nobody whose claims are known ({} so far) came with it.",
                    seen.people()
                );
                (Kind::ClaimNeverSeen, words)
            }
        });
    };
    shape(there, rule, seen)
        .map(|words| (Kind::Shape, words))
        .or_else(|| only_case(there, rule).map(|words| (Kind::OnlyCaseDiffers, words)))
}

fn shape(there: &SeenPath, rule: &Rule, seen: &Seen) -> Option<String> {
    let claim = &rule.claim;
    if rule.test == Test::Present {
        return None;
    }
    if !there.any_text && there.object {
        let below = format!("{claim}.");
        let fields = seen
            .paths()
            .filter_map(|(path, _)| path.strip_prefix(&below));
        let fields: Vec<_> = fields
            .take(5)
            .map(|field| format!("“{claim}.{}”", printable(field, 60)))
            .collect();
        return Some(format!(
            "It comes as an object, which is never equal to a text. Name a part of it: {}.",
            fields.join(", ")
        ));
    }
    if !there.any_text {
        return Some(
            "It comes without any text (as a number, true or false, or an empty list); only “is \
             present” can match that."
                .to_owned(),
        );
    }
    match &rule.test {
        Test::Contains(part) if there.text && !there.list => {
            let also = there
                .values
                .iter()
                .find(|text| text.contains(part) && *text != part)?;
            Some(format!(
                "It comes as one text and not as a list, so “{}” matches as well. If the whole \
                 text is meant, use “is”.",
                printable(also, 60)
            ))
        }
        // One text that holds several values: only a part of it can be found.
        Test::Is(value) if there.text && !there.list => {
            let holds = |text: &&String| {
                let mut parts = text.split([',', ';', ' ']).map(str::trim);
                *text != value && parts.any(|part| part == value)
            };
            let joined = there.values.iter().find(holds)?;
            (!there.values.contains(value)).then(|| {
                format!(
                    "It comes as one text that holds several values, such as “{}”. Use “contains”, \
                     or have the provider send a list.",
                    printable(joined, 60)
                )
            })
        }
        _ => None,
    }
}

fn only_case(there: &SeenPath, rule: &Rule) -> Option<String> {
    rule.test.texts().iter().find_map(|want| {
        if there.values.contains(want) {
            return None;
        }
        let near = there
            .values
            .iter()
            .find(|text| same_but_for_case(text, want))?;
        Some(format!(
            "People come with “{}” and not with “{}”: capital and small letters count.",
            printable(near, 60),
            printable(want, 60)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Pattern;
    use serde_json::{Value, json};

    fn rule(claim: &str, test: Test) -> Rule {
        Rule {
            claim: claim.to_owned(),
            test,
            template: TemplateId(1),
        }
    }

    fn is(value: &str) -> Test {
        Test::Is(value.to_owned())
    }

    fn one_of(values: &[&str]) -> Test {
        Test::OneOf(values.iter().map(ToString::to_string).collect())
    }

    fn seen(claims: &[Value]) -> Seen {
        let mut seen = Seen::default();
        for claims in claims {
            seen.add(claims.as_object().unwrap());
        }
        seen
    }

    fn found(rules: &[Rule], seen: &Seen) -> Vec<(Option<usize>, Kind)> {
        let exists = |template| template == TemplateId(1);
        let found = lint(rules, EveryoneElse::Refuse, exists, seen);
        found.into_iter().map(|f| (f.position, f.kind)).collect()
    }

    #[test]
    fn a_rule_behind_one_that_takes_everything_is_unreachable() {
        let matches = |text: &str| Test::Matches(Pattern::new(text));
        let starts = |text: &str| Test::StartsWith(text.to_owned());
        let contains = |text: &str| Test::Contains(text.to_owned());
        for (first, second, kind) in [
            (is("a"), is("a"), Some(Kind::Duplicate)),
            (is("a"), is("b"), None),
            (one_of(&["a", "b"]), is("a"), Some(Kind::Unreachable)),
            (is("a"), one_of(&["a"]), Some(Kind::Unreachable)),
            (is("a"), one_of(&["a", "b"]), None),
            (Test::Present, is("a"), Some(Kind::Unreachable)),
            (Test::Present, contains("a"), Some(Kind::Unreachable)),
            (Test::Present, matches("a*"), None),
            (Test::Present, matches("a+"), Some(Kind::Unreachable)),
            (is("a"), Test::Present, None),
            (starts("mail-"), is("mail-x"), Some(Kind::Unreachable)),
            (starts("mail-"), starts("mail-x"), Some(Kind::Unreachable)),
            (starts("mail-x"), starts("mail-"), None),
            // A list with the element “mail box” does not contain the element “mail”.
            (contains("mail"), is("mail box"), None),
            (contains("mail"), is("mail"), Some(Kind::Unreachable)),
            (matches("a|b"), one_of(&["a", "b"]), Some(Kind::Unreachable)),
            (matches("a|b"), starts("a"), None),
        ] {
            let rules = [rule("groups", first), rule("groups", second)];
            let expected: Vec<_> = kind.map(|kind| (Some(1), kind)).into_iter().collect();
            let words = rules[1].words();
            assert_eq!(found(&rules, &Seen::default()), expected, "{words}");
            let elsewhere = [rule("other", rules[0].test.clone()), rules[1].clone()];
            assert_eq!(found(&elsewhere, &Seen::default()), [], "{words}");
        }
        let rules = [
            rule("g", is("a")),
            rule("g", is("b")),
            rule("g", one_of(&["a", "b"])),
        ];
        assert_eq!(
            found(&rules, &Seen::default()),
            [(Some(2), Kind::Unreachable)]
        );
    }

    #[test]
    fn a_lost_template_and_a_broken_pattern_are_errors() {
        let lost = Rule {
            template: TemplateId(9),
            ..rule("a", is("x"))
        };
        let broken = rule("b", Test::Matches(Pattern::new("(")));
        assert_eq!(
            found(&[lost, broken], &Seen::default()),
            [(Some(0), Kind::TemplateMissing), (Some(1), Kind::Pattern)]
        );
        let everyone = EveryoneElse::Template(TemplateId(9));
        let lost = lint(&[], everyone, |_| false, &Seen::default());
        assert_eq!(lost[0].position, None);
        assert_eq!(lost[0].kind.severity(), Severity::Error);
    }

    #[test]
    fn what_people_came_with_speaks_against_a_rule() {
        let people = seen(&[
            json!({"groups": ["Staff", "sales"], "dept": "Sales, Mail", "type": "not-mail",
                   "realm": {"roles": ["a"]}, "admin": true}),
            json!({"groups": ["sales"], "dept": "IT", "type": "mail"}),
        ]);
        let contains = |text: &str| Test::Contains(text.to_owned());
        for (claim, test, kind) in [
            ("groups", is("sales"), None),
            ("groups", is("staff"), Some(Kind::OnlyCaseDiffers)),
            ("Groups", is("sales"), Some(Kind::OnlyCaseDiffers)),
            ("grps", is("sales"), Some(Kind::ClaimNeverSeen)),
            ("groups", is("dept"), Some(Kind::ValueIsClaim)),
            ("groups", is("mailcow_template"), Some(Kind::ValueIsClaim)),
            ("groups", contains("boss"), None),
            ("realm", is("a"), Some(Kind::Shape)),
            ("realm", Test::Present, None),
            ("realm.roles", is("a"), None),
            ("admin", is("true"), Some(Kind::Shape)),
            ("admin", Test::Present, None),
            ("dept", is("Mail"), Some(Kind::Shape)),
            ("dept", contains("Mail"), Some(Kind::Shape)),
            ("type", contains("mail"), Some(Kind::Shape)),
            ("type", contains("not"), Some(Kind::Shape)),
            ("type", is("mail"), None),
        ] {
            let rules = [rule(claim, test)];
            let kinds: Vec<_> = found(&rules, &people).into_iter().map(|f| f.1).collect();
            let expected: Vec<_> = kind.into_iter().collect();
            assert_eq!(kinds, expected, "{}", rules[0].words());
        }
        // Nobody known: nothing to say about what comes.
        assert_eq!(found(&[rule("grps", is("x"))], &Seen::default()), []);
    }

    #[test]
    fn the_words_name_what_would_be_right() {
        let people = seen(&[json!({"groups": ["Staff"], "realm": {"roles": ["a"]}})]);
        let words = |claim, test| {
            let found = lint(
                &[rule(claim, test)],
                EveryoneElse::Refuse,
                |_| true,
                &people,
            );
            found[0].words.clone()
        };
        assert!(words("groups", is("staff")).contains("“Staff” and not with “staff”"));
        assert!(words("realm", is("a")).contains("“realm.roles”"));
        assert!(words("x", is("a")).contains("Nobody whose claims are known (1 so far)"));
    }
}
