//! What lists share: their URL is their whole state, and they are paged by key.

use crate::parts::Pager;
use form_urlencoded::{Serializer, byte_serialize};

/// A name as one segment of a path.
pub(super) fn segment(name: impl AsRef<str>) -> String {
    byte_serialize(name.as_ref().as_bytes()).collect()
}

/// A path with the parameters that are not empty.
pub(super) fn with_query(path: &str, parameters: &[(&str, &str)]) -> String {
    let said = parameters.iter().filter(|(_, value)| !value.is_empty());
    let query = Serializer::new(String::new()).extend_pairs(said).finish();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

/// The foot of a list.
pub(super) struct Turn {
    /// Onward.
    pub pager: Pager,
    /// Back to the first page, when this is another.
    pub first: Option<String>,
}

impl Turn {
    /// The foot of the page `after` of the list at `path` with these parameters.
    pub fn of(
        summary: String,
        path: &str,
        parameters: &[(&str, &str)],
        after: &str,
        next: Option<&str>,
        previous: Option<&str>,
    ) -> Self {
        let at = |after| {
            let mut all = parameters.to_vec();
            all.push(("after", after));
            with_query(path, &all)
        };
        Self {
            pager: Pager {
                summary,
                previous: previous.map(at),
                next: next.map(at),
            },
            first: (!after.is_empty() && (previous.is_some() || !after.starts_with('<')))
                .then(|| with_query(path, parameters)),
        }
    }
}

/// A removable filter: what it says, and the list without it.
pub(super) struct Chip {
    /// Its words.
    pub text: String,
    /// The list without it.
    pub without: String,
}

impl Chip {
    /// The filters in force among `parameters`, each worded as `words` has it.
    pub fn all(
        path: &str,
        parameters: &[(&str, &str)],
        words: impl Fn(&str, &str) -> String,
    ) -> Vec<Self> {
        let said = parameters.iter().filter(|(_, value)| !value.is_empty());
        said.map(|(name, value)| {
            let rest: Vec<_> = parameters
                .iter()
                .filter(|(other, _)| other != name)
                .copied()
                .collect();
            Self {
                text: words(name, value),
                without: with_query(path, &rest),
            }
        })
        .collect()
    }
}

/// "1 mailbox", "2 mailboxes".
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_in_paths_and_queries() {
        assert_eq!(segment("a+b/c'@example.org"), "a%2Bb%2Fc%27%40example.org");
        assert_eq!(with_query("/x", &[("q", ""), ("d", "a&b")]), "/x?d=a%26b");
        assert_eq!(with_query("/x", &[]), "/x");
    }

    #[test]
    fn a_chip_drops_its_own_filter_only() {
        let chips = Chip::all(
            "/x",
            &[("q", "a"), ("d", ""), ("s", "on")],
            |name, value| format!("{name}: {value}"),
        );
        let all: Vec<_> = chips
            .iter()
            .map(|c| (c.text.as_str(), c.without.as_str()))
            .collect();
        assert_eq!(all, [("q: a", "/x?s=on"), ("s: on", "/x?q=a")]);
    }
}
