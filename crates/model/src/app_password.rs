//! App passwords: generated secrets for one device or program (design decision 8).

use crate::ids::{AppPasswordId, MailboxId};
use crate::protocol::{Protocol, Protocols};
use crate::random::{self, Random};
use crate::time::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// An app password as lists show it; the secret itself is never stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppPassword {
    /// Its id.
    pub id: AppPasswordId,
    /// Whose mailbox it opens.
    pub mailbox: MailboxId,
    /// The person's name for the device.
    pub name: String,
    /// The protocols it opens, within those the mailbox allows.
    pub protocols: Protocols,
    /// When it stops working by itself.
    pub ends: Option<Timestamp>,
    /// When it was made.
    pub created: Timestamp,
    /// When a mail program last used it.
    pub last_used: Option<LastUse>,
    /// When it was revoked; a revoked one is kept as long as attempts of mail programs are, so that a
    /// refusal can name it.
    pub revoked: Option<Timestamp>,
}

/// The last use of a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastUse {
    /// When, to the minute.
    pub at: Timestamp,
    /// With which protocol.
    pub protocol: Protocol,
    /// From which address.
    pub ip: Option<IpAddr>,
}

/// 32 characters, 5 bits each, without l, o, 0 and 1, which look alike.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Makes an app password recognisable to people, programs and secret scanners.
const PREFIX: &str = "gp";
/// Random characters: 26 × 5 = 130 bits, above the 112 that OWASP ASVS 5.0 6.5.2 asks of secrets
/// that are stored by a fast hash.
const RANDOM_CHARS: usize = 26;
/// Checksum characters: 20 bits against typing errors.
const CHECK_CHARS: usize = 4;
/// The length without hyphens; some devices cut longer ones.
pub const LENGTH: usize = PREFIX.len() + RANDOM_CHARS + CHECK_CHARS;

/// What a typed text is, judged by its form alone.
#[derive(Debug)]
pub enum Shape {
    /// An app password with a right checksum: 32 lower-case characters, to be looked up.
    AppPassword(SecretString),
    /// Of that shape with a wrong checksum: mistyped, and never tried as anything else.
    Mistyped,
    /// Something else: a human password.
    Other,
}

/// Makes a new app password: 32 lower-case characters without hyphens.
#[must_use]
pub fn generate(random: &dyn Random) -> SecretString {
    let mut text = String::with_capacity(LENGTH);
    text.push_str(PREFIX);
    for byte in random::bytes::<RANDOM_CHARS>(random) {
        // 256 is a multiple of 32, so the low five bits are unbiased.
        text.push(char::from(ALPHABET[usize::from(byte & 31)]));
    }
    let check = checksum(text.as_bytes());
    text.push_str(&check);
    SecretString::from(text)
}

/// The form people read: groups of four with hyphens.
#[must_use]
pub fn grouped(secret: &SecretString) -> SecretString {
    let mut text = String::with_capacity(LENGTH + LENGTH / 4);
    for (n, c) in secret.expose_secret().chars().enumerate() {
        if n > 0 && n % 4 == 0 {
            text.push('-');
        }
        text.push(c);
    }
    SecretString::from(text)
}

/// Judges a typed text. Spaces, hyphens and case do not count.
#[must_use]
pub fn shape(typed: &str) -> Shape {
    if typed.len() > 4 * LENGTH {
        return Shape::Other;
    }
    let text: String = typed
        .chars()
        .filter(|c| !matches!(c, ' ' | '-'))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if text.len() != LENGTH
        || !text.starts_with(PREFIX)
        || !text.bytes().all(|b| ALPHABET.contains(&b))
    {
        return Shape::Other;
    }
    let (body, check) = text.split_at(LENGTH - CHECK_CHARS);
    if checksum(body.as_bytes()) == check {
        Shape::AppPassword(SecretString::from(text))
    } else {
        Shape::Mistyped
    }
}

/// FNV-1a folded to 20 bits: it only has to catch typing errors, strength lies in the random part.
fn checksum(body: &[u8]) -> String {
    let hash = body.iter().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    let folded = (hash >> 20) ^ hash;
    (0..CHECK_CHARS)
        .map(|n| char::from(ALPHABET[((folded >> (5 * n)) & 31) as usize]))
        .collect()
}

/// Longest name of a device, in characters.
pub const NAME_CHARS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Fixed(u8);
    impl Random for Fixed {
        fn fill(&self, out: &mut [u8]) {
            for (n, byte) in out.iter_mut().enumerate() {
                *byte = self
                    .0
                    .wrapping_mul(31)
                    .wrapping_add(u8::try_from(n * 7).unwrap());
            }
        }
    }

    fn accepted(typed: &str) -> Option<String> {
        match shape(typed) {
            Shape::AppPassword(secret) => Some(secret.expose_secret().to_owned()),
            Shape::Mistyped | Shape::Other => None,
        }
    }

    #[test]
    fn is_found_however_people_type_it() {
        let secret = generate(&Fixed(3));
        let plain = secret.expose_secret().to_owned();
        assert_eq!(plain.len(), 32);
        let hyphens = grouped(&secret).expose_secret().to_owned();
        assert_eq!(hyphens.split('-').count(), 8);
        for typed in [
            plain.clone(),
            hyphens.clone(),
            hyphens.replace('-', " "),
            plain.to_uppercase(),
        ] {
            assert_eq!(accepted(&typed), Some(plain.clone()), "{typed}");
        }
    }

    #[test]
    fn a_human_password_is_never_taken_for_one() {
        for typed in [
            "",
            "correct horse battery staple",
            "gp",
            "gpabc",
            &"gp".repeat(40),
        ] {
            assert!(matches!(shape(typed), Shape::Other), "{typed}");
        }
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_noticed(seed: u8, at in 2usize..32, other in 0usize..32) {
            let plain = generate(&Fixed(seed)).expose_secret().to_owned();
            let mut typed = plain.clone().into_bytes();
            typed[at] = ALPHABET[other];
            let typed = String::from_utf8(typed).unwrap();
            if typed == plain {
                prop_assert_eq!(accepted(&typed), Some(plain));
            } else {
                prop_assert!(matches!(shape(&typed), Shape::Mistyped));
            }
        }
    }
}
