//! Proof key for code exchange (RFC 7636), always S256.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::random::{self, Random};
use secrecy::{ExposeSecret as _, SecretString};

/// Not 43 to 128 unreserved characters (RFC 7636 section 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a PKCE verifier has 43 to 128 characters of A-Z a-z 0-9 - . _ ~")]
pub struct VerifierError;

/// The secret that ties the code to the browser's sign-in. Kept with the sign-in's state.
#[derive(Debug, Clone)]
pub struct Verifier(SecretString);

impl Verifier {
    /// 256 fresh random bits, 43 characters.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        Self(random::token(random).into())
    }

    /// Takes one back from where it was kept.
    ///
    /// # Errors
    /// [`VerifierError`].
    pub fn parse(text: &str) -> Result<Self, VerifierError> {
        let unreserved =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
        if (43..=128).contains(&text.len()) && text.bytes().all(unreserved) {
            Ok(Self(text.to_owned().into()))
        } else {
            Err(VerifierError)
        }
    }

    /// The text, for keeping and for the token request.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The S256 challenge for the authorization request: base64url of its SHA-256.
    #[must_use]
    pub fn challenge(&self) -> String {
        let digest =
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.expose().as_bytes());
        URL_SAFE_NO_PAD.encode(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl Random for Fixed {
        fn fill(&self, out: &mut [u8]) {
            out.fill(7);
        }
    }

    #[test]
    fn the_example_of_rfc_7636_appendix_b() {
        let verifier = Verifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        assert_eq!(
            verifier.challenge(),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn a_fresh_verifier_is_long_enough() {
        let verifier = Verifier::generate(&Fixed);
        assert_eq!(verifier.expose().len(), 43);
        assert!(Verifier::parse(verifier.expose()).is_ok());
        assert!(!format!("{verifier:?}").contains(verifier.expose()));
    }

    #[test]
    fn length_and_alphabet_are_checked() {
        for bad in ["a".repeat(42), "a".repeat(129), "+".repeat(43)] {
            assert!(Verifier::parse(&bad).is_err());
        }
    }
}
