//! Proof key for code exchange (RFC 7636) as the server sees it.

use crate::pkce::{Verifier, VerifierError};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

/// How a challenge was made from its verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ChallengeMethod {
    /// It is the verifier. Whoever sees the request has it, so few may use it.
    #[serde(rename = "plain")]
    Plain,
    /// It is the base64url of the verifier's SHA-256.
    S256,
}

impl ChallengeMethod {
    /// The value of `code_challenge_method`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::S256 => "S256",
        }
    }

    /// From the value of `code_challenge_method`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Plain, Self::S256]
            .into_iter()
            .find(|method| method.name() == name)
    }
}

/// Why there is no challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeError {
    /// Neither `S256` nor `plain`.
    #[error("code_challenge_method is neither S256 nor plain")]
    Method,
    /// A plain one that could be no verifier.
    #[error("code_challenge is not 43 to 128 characters of A-Z a-z 0-9 - . _ ~")]
    Plain,
    /// No verifier has this hash.
    #[error("code_challenge is not the base64url of a SHA-256: 43 characters without =")]
    S256,
}

/// What the app sent ahead of the code, to be kept with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// How it was made.
    pub method: ChallengeMethod,
    /// Its text.
    pub value: String,
}

impl Challenge {
    /// Reads the two parameters; without a method it is a plain one (RFC 7636 section 4.3).
    ///
    /// # Errors
    /// [`ChallengeError`].
    pub fn parse(value: &str, method: Option<&str>) -> Result<Self, ChallengeError> {
        let method = match method {
            None => ChallengeMethod::Plain,
            Some(name) => ChallengeMethod::parse(name).ok_or(ChallengeError::Method)?,
        };
        match method {
            ChallengeMethod::Plain => {
                Verifier::parse(value).map_err(|VerifierError| ChallengeError::Plain)?;
            }
            ChallengeMethod::S256 => {
                let base64url = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
                if value.len() != 43 || !value.bytes().all(base64url) {
                    return Err(ChallengeError::S256);
                }
            }
        }
        Ok(Self {
            method,
            value: value.to_owned(),
        })
    }
}

/// Whether `verifier` is one, and `challenge` was made from it. Takes the same time wherever they
/// differ.
#[must_use]
pub fn verify(challenge: &Challenge, verifier: &str) -> bool {
    let Ok(verifier) = Verifier::parse(verifier) else {
        return false;
    };
    let made = match challenge.method {
        ChallengeMethod::Plain => verifier.expose().to_owned(),
        ChallengeMethod::S256 => verifier.challenge(),
    };
    made.as_bytes().ct_eq(challenge.value.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const S256: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_rfc_7636_appendix_b() {
        let challenge = Challenge::parse(S256, Some("S256")).unwrap();
        assert!(verify(&challenge, VERIFIER));
        assert!(!verify(&challenge, S256));
        let plain = Challenge::parse(VERIFIER, None).unwrap();
        assert_eq!(plain.method, ChallengeMethod::Plain);
        assert!(verify(&plain, VERIFIER) && !verify(&plain, S256));
    }

    #[test]
    fn a_verifier_has_43_to_128_unreserved_characters() {
        for (length, good) in [
            (0, false),
            (42, false),
            (43, true),
            (128, true),
            (129, false),
        ] {
            let verifier = "~".repeat(length);
            let challenge = Challenge {
                method: ChallengeMethod::Plain,
                value: verifier.clone(),
            };
            assert_eq!(verify(&challenge, &verifier), good, "{length}");
            assert_eq!(Challenge::parse(&verifier, Some("plain")).is_ok(), good);
        }
        for last in ["=", "+", "/", " ", "\n", "ä", "\0"] {
            let verifier = format!("{}{last}", "a".repeat(60));
            assert_eq!(
                Challenge::parse(&verifier, None),
                Err(ChallengeError::Plain)
            );
            let challenge = Challenge {
                method: ChallengeMethod::Plain,
                value: verifier.clone(),
            };
            assert!(!verify(&challenge, &verifier), "{last:?}");
        }
    }

    #[test]
    fn a_challenge_that_nothing_can_meet_is_refused() {
        for bad in [
            "",
            &S256[1..],
            &format!("{S256}="),
            &format!("{S256}a"),
            &S256.replace('-', "+"),
            &S256.replace('-', "."),
        ] {
            let error = Err(ChallengeError::S256);
            assert_eq!(Challenge::parse(bad, Some("S256")), error, "{bad}");
        }
        for method in ["s256", "PLAIN", "S512", "none", " S256"] {
            let error = Err(ChallengeError::Method);
            assert_eq!(Challenge::parse(S256, Some(method)), error, "{method}");
        }
    }
}
