//! One rule as a row of form fields: its test by name, its value as text.

use crate::parts::Opt;
use model::rule::{Pattern, Test};

/// The tests, each by its name in forms and by the words for it.
const TESTS: [(&str, &str); 6] = [
    ("is", "is"),
    ("one_of", "is one of"),
    ("contains", "contains"),
    ("starts_with", "starts with"),
    ("matches", "matches"),
    ("present", "is present"),
];

/// The tests to choose from.
pub(super) fn test_options(chosen: &str) -> Vec<Opt> {
    let option = |(value, words)| Opt::new(value, words, value == chosen);
    TESTS.into_iter().map(option).collect()
}

/// A test as its row shows it: its name, and its value.
pub(super) fn shown(test: &Test) -> (&'static str, String) {
    match test {
        Test::Is(value) => ("is", value.clone()),
        Test::OneOf(values) => ("one_of", joined(values)),
        Test::Contains(value) => ("contains", value.clone()),
        Test::StartsWith(value) => ("starts_with", value.clone()),
        Test::Matches(pattern) => ("matches", pattern.text().to_owned()),
        Test::Present => ("present", String::new()),
    }
}

/// The test of a row. A name that is none asks whether the claim *is* the value.
pub(super) fn read(name: &str, value: &str) -> Test {
    let value = value.trim();
    match name {
        "one_of" => Test::OneOf(split(value)),
        "contains" => Test::Contains(value.to_owned()),
        "starts_with" => Test::StartsWith(value.to_owned()),
        "matches" => Test::Matches(Pattern::new(value)),
        "present" => Test::Present,
        _ => Test::Is(value.to_owned()),
    }
}

/// Values separated by commas; as a JSON list where one of them holds a comma itself, as names of
/// LDAP groups do.
fn joined(values: &[String]) -> String {
    let plain = values.join(", ");
    if split(&plain) == values {
        return plain;
    }
    serde_json::to_string(values).unwrap_or(plain)
}

fn split(text: &str) -> Vec<String> {
    if text.starts_with('[')
        && let Ok(values) = serde_json::from_str(text)
    {
        return values;
    }
    let values = text.split(',').map(|value| value.trim().to_owned());
    values.filter(|value| !value.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_comes_back_as_it_was() {
        let texts = |values: &[&str]| values.iter().map(ToString::to_string).collect();
        for test in [
            Test::Is("staff".into()),
            Test::Contains("a, b".into()),
            Test::StartsWith("mail-".into()),
            Test::Matches(Pattern::new("mail-(a|b)")),
            Test::Present,
            Test::OneOf(texts(&["a", "b"])),
            Test::OneOf(texts(&["cn=staff,ou=groups", "b"])),
            Test::OneOf(texts(&["[a", " b "])),
            Test::OneOf(texts(&["[\"a\"]"])),
        ] {
            let (name, value) = shown(&test);
            assert_eq!(read(name, &value), test, "{value}");
        }
        assert_eq!(read("nothing", " x "), Test::Is("x".into()));
        assert_eq!(read("one_of", "a,, b ,"), Test::OneOf(texts(&["a", "b"])));
    }
}
