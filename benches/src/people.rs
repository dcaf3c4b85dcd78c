//! The people of a bench: the same names, secrets and choices in every run.

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

/// The mix of every bench of sign-ins: 90 % right, 5 % wrong secret, 5 % unknown name.
pub(crate) fn kind(numbers: &mut Numbers) -> Kind {
    match numbers.below(100) {
        0..5 => Kind::WrongSecret,
        5..10 => Kind::UnknownName,
        _ => Kind::Right,
    }
}

/// The address of person `person`.
pub(crate) fn address(person: u32) -> String {
    format!("person{person}@example.test")
}

/// Secret `which` of a person: 32 characters of the alphabet that app passwords use.
pub(crate) fn secret(person: u32, which: u32) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut numbers = Numbers::new((u64::from(person) << 32) | u64::from(which));
    (0..32)
        .map(|_| char::from(*ALPHABET.get(numbers.below(32) as usize).unwrap_or(&b'a')))
        .collect()
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
        let kinds: Vec<Kind> = (0..20_000).map(|_| kind(&mut numbers)).collect();
        let count = |wanted| kinds.iter().filter(|kind| **kind == wanted).count();
        assert!((17_800..18_200).contains(&count(Kind::Right)));
        assert!((900..1_100).contains(&count(Kind::WrongSecret)));
        assert!((900..1_100).contains(&count(Kind::UnknownName)));
    }
}
