//! The randomness parameter.

/// A source of cryptographically secure random bytes. The real one stands in `store`, beside the
/// crypto library; tests pass a counted one.
pub trait Random: Send + Sync {
    /// Fills `out` with random bytes. There is no error: a system without entropy cannot run
    /// Gatepost, so the real source aborts the operation instead of returning weak bytes.
    fn fill(&self, out: &mut [u8]);
}

/// `N` fresh random bytes.
#[must_use]
pub fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut out = [0; N];
    random.fill(&mut out);
    out
}

/// A token of 256 random bits as 43 characters of unpadded base64url: states, nonces, session ids.
#[must_use]
pub fn token(random: &dyn Random) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes::<32>(random))
}
