//! Randomness that repeats itself from run to run.

use model::random::Random;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that look random, differ on every call and are the same in every run. Never for secrets
/// outside a test.
#[derive(Debug)]
pub struct CountedRandom {
    seed: u64,
    drawn: AtomicU64,
}

impl CountedRandom {
    /// Two sources with different seeds give different bytes.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self {
            seed,
            drawn: AtomicU64::new(0),
        }
    }

    /// How many blocks of eight bytes were drawn so far: whether something was random at all.
    #[must_use]
    pub fn drawn(&self) -> u64 {
        self.drawn.load(Ordering::SeqCst)
    }
}

impl Default for CountedRandom {
    fn default() -> Self {
        Self::seeded(1)
    }
}

impl Random for CountedRandom {
    fn fill(&self, out: &mut [u8]) {
        for block in out.chunks_mut(8) {
            let count = self.drawn.fetch_add(1, Ordering::SeqCst);
            let bytes = mixed(self.seed.rotate_left(32) ^ count).to_le_bytes();
            block.copy_from_slice(&bytes[..block.len()]);
        }
    }
}

/// The output function of `SplitMix64` (Steele, Lea, Flood 2014). It is a bijection, so blocks of
/// one source never repeat.
const fn mixed(state: u64) -> u64 {
    let mut z = state
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn repeats_from_run_to_run_and_never_within_one() {
        let (one, same, other) = (
            CountedRandom::default(),
            CountedRandom::default(),
            CountedRandom::seeded(2),
        );
        let draw = |random: &CountedRandom| model::random::bytes::<16>(random);
        let first: Vec<_> = (0..1000).map(|_| draw(&one)).collect();
        assert_eq!(first, (0..1000).map(|_| draw(&same)).collect::<Vec<_>>());
        assert_eq!(first.iter().collect::<HashSet<_>>().len(), 1000);
        assert!(!first.contains(&draw(&other)));
        assert_eq!(one.drawn(), 2000);
    }
}
