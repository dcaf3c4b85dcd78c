//! The people of a bench: the same names, secrets and choices in every run.

use model::app_password;
use model::random::Random;
use secrecy::ExposeSecret as _;

/// SplitMix64: a few lines, the same numbers everywhere. Not for secrets of real people.
#[derive(Clone)]
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0. The bias is far below what a bench can show.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the remainder is below a u32"
        )]
        let number = (self.next() % u64::from(end)) as u32;
        number
    }
}

/// What an attempt is made of, and what must come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Right,
    WrongSecret,
    UnknownName,
}

/// Which attempts a load is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mix {
    /// 90 % right, 5 % wrong secret, 5 % unknown name.
    Usual,
    /// All of one kind.
    Only(Kind),
}

impl Mix {
    pub(crate) fn next(self, numbers: &mut Numbers) -> Kind {
        match self {
            Self::Only(kind) => kind,
            Self::Usual => match numbers.below(100) {
                0..5 => Kind::WrongSecret,
                5..10 => Kind::UnknownName,
                _ => Kind::Right,
            },
        }
    }
}

/// Everybody's mail domain.
pub(crate) const DOMAIN: &str = "example.test";

/// The address of person `person`.
pub(crate) fn address(person: u32) -> String {
    format!("person{person}@{DOMAIN}")
}

/// Secret `which` of a person: an app password with a right checksum, so that Gatepost looks up the
/// wrong ones too.
pub(crate) fn secret(person: u32, which: u32) -> String {
    let seed = (u64::from(person) << 32) | u64::from(which);
    app_password::generate(&Repeatable(seed))
        .expose_secret()
        .to_owned()
}

/// The same bytes for every call.
struct Repeatable(u64);

impl Random for Repeatable {
    fn fill(&self, out: &mut [u8]) {
        let mut numbers = Numbers::new(self.0);
        for chunk in out.chunks_mut(8) {
            let bytes = numbers.next().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn secrets_differ_and_repeat_from_run_to_run() {
        let all: HashSet<String> = (0..500)
            .flat_map(|person| (0..5).map(move |which| secret(person, which)))
            .collect();
        assert_eq!(all.len(), 2500);
        assert_eq!(secret(7, 1), secret(7, 1));
        assert_eq!(secret(7, 1).len(), 32);
    }

    #[test]
    fn the_mix_is_ninety_five_five() {
        let mut numbers = Numbers::new(1);
        let kinds: Vec<Kind> = (0..20_000).map(|_| Mix::Usual.next(&mut numbers)).collect();
        let count = |wanted| kinds.iter().filter(|kind| **kind == wanted).count();
        assert!((17_800..18_200).contains(&count(Kind::Right)));
        assert!((900..1_100).contains(&count(Kind::WrongSecret)));
        assert!((900..1_100).contains(&count(Kind::UnknownName)));
    }
}
