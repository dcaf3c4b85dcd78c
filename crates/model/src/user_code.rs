//! The code that a device shows and a person types elsewhere (RFC 8628 section 6.1).

use crate::random::{self, Random};
use std::fmt;

/// Consonants alone: nobody reads one for another, and they make no words. Eight of them are 34.5
/// bits, for guesses that are counted and codes that end within minutes.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Letters of a code.
const LENGTH: usize = 8;
/// Longer texts are no code, however many spaces they have.
const MOST_TYPED: usize = 64;

/// A code, in its one form: eight letters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserCode(String);

impl UserCode {
    /// A fresh one; each letter is as likely as any other.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        let mut code = String::with_capacity(LENGTH);
        // Bytes beyond the last whole round of the alphabet would make its first letters likelier.
        let rounds = u8::MAX - u8::MAX % LETTERS.len() as u8;
        while code.len() < LENGTH {
            for byte in random::bytes::<LENGTH>(random) {
                if byte < rounds && code.len() < LENGTH {
                    code.push(char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
                }
            }
        }
        Self(code)
    }

    /// Reads a code as somebody typed it: only its letters count, large or small.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > MOST_TYPED {
            return None;
        }
        let between = |c: &char| !(c.is_whitespace() || "-_.–—‐‑".contains(*c));
        let letters = typed.chars().filter(between);
        let code: String = letters.map(|c| c.to_ascii_uppercase()).collect();
        let ours = code.len() == LENGTH && code.bytes().all(|b| LETTERS.contains(&b));
        ours.then_some(Self(code))
    }

    /// The eight letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// As devices show it: `BCDF-GHJK`.
impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (left, right) = self.0.split_at(LENGTH / 2);
        write!(f, "{left}-{right}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    /// Every byte in turn.
    struct Counting(Mutex<u8>);

    impl Random for Counting {
        fn fill(&self, out: &mut [u8]) {
            let mut next = self.0.lock().unwrap();
            for byte in out {
                *byte = *next;
                *next = next.wrapping_add(1);
            }
        }
    }

    #[test]
    fn no_letter_is_likelier_than_another() {
        let random = Counting(Mutex::new(0));
        let mut seen = BTreeMap::new();
        // 12 rounds of the alphabet in each 256 bytes, in 32 draws of 8 bytes.
        for _ in 0..(12 * 20 / LENGTH) {
            let code = UserCode::generate(&random);
            assert_eq!(UserCode::parse(code.as_str()), Some(code.clone()));
            for letter in code.as_str().chars() {
                *seen.entry(letter).or_insert(0) += 1;
            }
        }
        assert_eq!(seen.len(), 20);
        assert!(seen.values().all(|count| *count == 12), "{seen:?}");
    }

    #[test]
    fn typed_codes_are_read_as_people_type_them() {
        let code = UserCode::parse("BCDFGHJK").unwrap();
        assert_eq!(code.to_string(), "BCDF-GHJK");
        for typed in [
            "BCDF-GHJK",
            "bcdf-ghjk",
            " bcdf ghjk\t",
            "b c d f – g h j k",
            "BCDF_GHJK.",
        ] {
            assert_eq!(UserCode::parse(typed).as_ref(), Some(&code), "{typed}");
        }
        for typed in [
            "",
            "BCDF-GHJ",
            "BCDF-GHJKL",
            "ACDF-GHJK",
            "BCDF-GHJ1",
            "BCDF/GHJK",
            "ΒCDF-GHJK",
            &"-".repeat(1000),
        ] {
            assert_eq!(UserCode::parse(typed), None, "{typed}");
        }
    }

    proptest! {
        #[test]
        fn foreign_text_never_panics_and_what_is_read_has_one_form(typed in "\\PC{0,70}|[b-hB-H -]{0,20}") {
            if let Some(code) = UserCode::parse(&typed) {
                prop_assert_eq!(code.as_str().len(), LENGTH);
                prop_assert_eq!(UserCode::parse(&code.to_string()), Some(code));
            }
        }
    }
}
