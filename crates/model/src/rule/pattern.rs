//! Patterns: regular expressions that cost time in proportion to the text, whatever they are.

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

/// Longest pattern in characters.
const MOST_CHARS: usize = 200;
/// Most memory of a compiled pattern, in bytes. Counted repetitions of whole Unicode classes reach
/// it first: `\w{20}`.
const MOST_BYTES: usize = 512 * 1024;
/// Most compiled patterns that are remembered. Compiling takes up to thousands of times as long as
/// asking, and a sign-in meets its provider's rules fresh from the store, inside the one writer's
/// transaction.
const MOST_KEPT: usize = 128;
/// Most groups within groups.
const MOST_NESTED: u32 = 20;

/// A regular expression in the syntax of the `regex` crate: no look-around, no references back, so
/// that matching takes linear time. It must describe the whole text. Compiled when first asked.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Pattern {
    text: String,
    compiled: OnceLock<Option<Regex>>,
}

/// Why a pattern is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is empty or longer than 200 characters.
    #[error("a pattern has 1 to {MOST_CHARS} characters")]
    Length,
    /// It would take too much memory.
    #[error("this pattern is too large; say less, or repeat less often")]
    TooLarge,
    /// It cannot be read; in the words of the `regex` crate.
    #[error("this is not a pattern: {0}")]
    Syntax(String),
}

impl Pattern {
    /// A pattern as it was typed, which may be none ([`Pattern::check`]).
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            compiled: OnceLock::new(),
        }
    }

    /// As it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it can be used.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), PatternError> {
        compile(&self.text).map(drop)
    }

    /// Whether it describes the whole of `text`. A pattern that cannot be used describes nothing.
    #[must_use]
    pub fn describes(&self, text: &str) -> bool {
        let compiled = self.compiled.get_or_init(|| compile(&self.text).ok());
        compiled.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

fn compile(text: &str) -> Result<Regex, PatternError> {
    if text.is_empty() || text.chars().count() > MOST_CHARS {
        return Err(PatternError::Length);
    }
    if let Some(known) = kept().get(text) {
        return known.clone();
    }
    // First alone: `a)|(b` would become a pattern by what is put around it.
    let compiled = build(text).and_then(|_| build(&format!(r"\A(?:{text})\z")));
    let mut kept = kept();
    // Any makes room: with more in use than are kept, most of those that are still stay.
    if kept.len() >= MOST_KEPT
        && let Some(any) = kept.keys().next().cloned()
    {
        kept.remove(&any);
    }
    kept.insert(text.to_owned(), compiled.clone());
    compiled
}

type Compiled = HashMap<String, Result<Regex, PatternError>>;

/// What texts compiled to: the same for ever, so it does not matter what is remembered.
fn kept() -> std::sync::MutexGuard<'static, Compiled> {
    static KEPT: LazyLock<Mutex<Compiled>> = LazyLock::new(Mutex::default);
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

fn build(text: &str) -> Result<Regex, PatternError> {
    RegexBuilder::new(text)
        .size_limit(MOST_BYTES)
        .dfa_size_limit(MOST_BYTES)
        .nest_limit(MOST_NESTED)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => PatternError::TooLarge,
            // Several lines that point at the place; the last one says what is wrong.
            other => {
                let words = other.to_string();
                let last = words.lines().last().unwrap_or_default();
                PatternError::Syntax(last.trim_start_matches("error: ").to_owned())
            }
        })
}

impl std::fmt::Debug for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pattern({:?})", self.text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_describes_the_whole_text() {
        for (pattern, text, fits) in [
            ("staff|guest", "guest", true),
            ("staff|guest", "guests", false),
            ("staff", "the staff", false),
            ("mail-.*", "mail-staff", true),
            ("(?i)staff", "STAFF", true),
            ("a|ab", "ab", true),
            ("", "", false),
            ("staff", "staff\n", false),
            ("größe.", "größe!", true),
        ] {
            assert_eq!(Pattern::new(pattern).describes(text), fits, "{pattern}");
        }
    }

    #[test]
    fn what_cannot_be_used_says_why_and_describes_nothing() {
        for (pattern, error) in [
            (String::new(), PatternError::Length),
            ("a".repeat(201), PatternError::Length),
            (r"\w{200}{200}".to_owned(), PatternError::TooLarge),
            (
                "(a".to_owned(),
                PatternError::Syntax("unclosed group".into()),
            ),
            // Brackets that only close what stands around the pattern.
            (
                "a)|(b".to_owned(),
                PatternError::Syntax("unopened group".into()),
            ),
        ] {
            let pattern = Pattern::new(pattern);
            assert_eq!(pattern.check(), Err(error), "{pattern:?}");
            assert!(!pattern.describes("a"));
        }
        for refused in ["(?=a)a", r"(a)\1", &"(".repeat(21).clone()] {
            assert!(Pattern::new(refused).check().is_err(), "{refused}");
        }
    }

    #[test]
    fn a_pattern_is_compiled_once_and_few_are_kept() {
        let slow = r"(?i)\p{L}{3,12}.*";
        let time = || {
            let begun = std::time::Instant::now();
            assert!(Pattern::new(slow).describes("Alice@example"));
            begun.elapsed()
        };
        let first = time();
        let again: std::time::Duration = (0..20).map(|_| time()).sum();
        assert!(again < first, "{again:?} for twenty, {first:?} for one");
        for n in 0..2 * MOST_KEPT {
            assert!(Pattern::new(format!("v{n}")).describes(&format!("v{n}")));
        }
        assert!(kept().len() <= MOST_KEPT);
    }

    #[test]
    fn the_known_slow_pattern_is_not_slow() {
        let pattern = Pattern::new("(a+)+b");
        assert_eq!(pattern.check(), Ok(()));
        let begun = std::time::Instant::now();
        assert!(!pattern.describes(&"a".repeat(100_000)));
        assert!(begun.elapsed() < std::time::Duration::from_secs(2));
    }
}
