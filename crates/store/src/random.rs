//! The real source of randomness, beside the crypto library.

use model::random::Random;

/// The operating system's randomness through aws-lc's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    fn fill(&self, out: &mut [u8]) {
        if aws_lc_rs::rand::fill(out).is_err() {
            // Weak bytes would outlive the process in keys and tokens.
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_differ_from_call_to_call() {
        let first = model::random::bytes::<32>(&OsRandom);
        assert_ne!(first, model::random::bytes::<32>(&OsRandom));
    }
}
