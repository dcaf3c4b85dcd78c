//! What claims look like that really came: names, shapes and some values, over many people.

use crate::foreign::printable;
use crate::rules::claims::Claims;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Most paths remembered.
const MOST_PATHS: usize = 300;
/// Most values remembered of a path.
const MOST_VALUES: usize = 100;
/// Deepest object looked into.
const DEEPEST: usize = 5;
/// Longest path and longest value remembered, in characters.
const LONGEST: usize = 200;

/// A summary of the claims of many people. Its size is bounded whatever they are.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    people: u32,
    paths: BTreeMap<String, SeenPath>,
}

/// What was seen at one path.
#[derive(Debug, Clone, Default)]
pub struct SeenPath {
    /// How many people have something there.
    pub people: u32,
    /// A text was there by itself.
    pub text: bool,
    /// A list was there.
    pub list: bool,
    /// A text was there, by itself or in a list.
    pub any_text: bool,
    /// An object was there, by itself or in a list.
    pub object: bool,
    /// The texts that were there, by themselves or in lists; not all of them if there are many.
    pub values: BTreeSet<String>,
    /// There were more texts than are remembered.
    pub more: bool,
    last: u32,
}

impl Seen {
    /// Adds the claims of one more person.
    pub fn add(&mut self, claims: &Claims) {
        self.people += 1;
        self.object("", claims, 0);
    }

    /// How many people were added.
    #[must_use]
    pub const fn people(&self) -> u32 {
        self.people
    }

    /// What was seen at a path.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&SeenPath> {
        self.paths.get(path)
    }

    /// Forgets the texts at each of these names and below it, and keeps in what forms they came.
    pub fn forget_values(&mut self, private: &[String]) {
        for (path, here) in &mut self.paths {
            let within = |name: &String| {
                let below = path.strip_prefix(name.as_str());
                below.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            if private.iter().any(within) {
                here.more |= !here.values.is_empty();
                here.values.clear();
            }
        }
    }

    /// The paths, in alphabetical order.
    pub fn paths(&self) -> impl Iterator<Item = (&str, &SeenPath)> {
        self.paths.iter().map(|(path, seen)| (path.as_str(), seen))
    }

    fn object(&mut self, above: &str, object: &Map<String, Value>, depth: usize) {
        for (name, value) in object {
            let path = if above.is_empty() {
                name.clone()
            } else {
                format!("{above}.{name}")
            };
            self.value(&path, value, depth);
        }
    }

    fn value(&mut self, path: &str, value: &Value, depth: usize) {
        let full = self.paths.len() >= MOST_PATHS && !self.paths.contains_key(path);
        if full || path.chars().count() > LONGEST {
            return;
        }
        let person = self.people;
        let here = self.paths.entry(path.to_owned()).or_default();
        if here.last != person {
            here.last = person;
            here.people += 1;
        }
        match value {
            Value::String(text) => {
                here.text = true;
                here.note(text);
            }
            Value::Object(object) if depth < DEEPEST => {
                here.object = true;
                self.object(path, object, depth + 1);
            }
            Value::Array(list) => {
                here.list = true;
                self.list(path, list, depth);
            }
            _ => {}
        }
    }

    fn list(&mut self, path: &str, list: &[Value], depth: usize) {
        for element in list {
            match element {
                Value::String(text) => {
                    if let Some(here) = self.paths.get_mut(path) {
                        here.note(text);
                    }
                }
                Value::Object(object) if depth < DEEPEST => {
                    if let Some(here) = self.paths.get_mut(path) {
                        here.object = true;
                    }
                    self.object(path, object, depth + 1);
                }
                Value::Array(within) if depth < DEEPEST => self.list(path, within, depth + 1),
                _ => {}
            }
        }
    }
}

impl SeenPath {
    fn note(&mut self, text: &str) {
        self.any_text = true;
        if self.values.contains(text) {
            return;
        }
        if self.values.len() < MOST_VALUES
            && text.len() <= LONGEST
            && printable(text, LONGEST) == text
        {
            self.values.insert(text.to_owned());
        } else {
            self.more = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_shapes_and_values_are_counted_by_people() {
        let mut seen = Seen::default();
        for claims in [
            json!({"groups": ["staff", "sales"], "roles": [{"name": "a"}, {"name": "b"}]}),
            json!({"groups": "staff", "custom": {"mail": {"type": "x"}}, "admin": true}),
        ] {
            seen.add(claims.as_object().unwrap());
        }
        let paths: Vec<_> = seen.paths().map(|(path, at)| (path, at.people)).collect();
        assert_eq!(
            paths,
            [
                ("admin", 1),
                ("custom", 1),
                ("custom.mail", 1),
                ("custom.mail.type", 1),
                ("groups", 2),
                ("roles", 1),
                ("roles.name", 1),
            ]
        );
        let groups = seen.at("groups").unwrap();
        assert!(groups.text && groups.list && !groups.object);
        assert_eq!(groups.values.len(), 2);
        let roles = seen.at("roles").unwrap();
        assert!(roles.object && !roles.any_text);
        assert!(!seen.at("admin").unwrap().any_text);
    }

    #[test]
    fn hostile_claims_do_not_make_it_large() {
        let mut seen = Seen::default();
        let many: Map<_, _> = (0..5000).map(|n| (format!("c{n}"), json!(n))).collect();
        seen.add(&many);
        assert_eq!(seen.paths().count(), MOST_PATHS);
        let mut seen = Seen::default();
        let groups: Vec<_> = (0..10_000).map(|n| format!("g{n}")).collect();
        let deep = (0..100).fold(json!("x"), |inner, _| json!({ "a": inner }));
        let long = "a".repeat(5000);
        seen.add(
            json!({"groups": groups, "deep": deep, "long": long})
                .as_object()
                .unwrap(),
        );
        let groups = seen.at("groups").unwrap();
        assert!(groups.more && groups.values.len() == MOST_VALUES);
        assert!(seen.at("long").unwrap().values.is_empty());
        assert!(seen.paths().count() < 20);
    }
}
