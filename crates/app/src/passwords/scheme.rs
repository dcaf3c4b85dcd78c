//! Stored forms of human passwords: our own Argon2id and the hashes of other systems.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use model::random::{self, Random};
use sha_crypt::ShaCrypt;

/// A stored hash that can be verified. Dovecot's `{SCHEME}` prefix decides; without one, the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredHash {
    /// Argon2id or Argon2i in PHC form.
    Argon2(String),
    /// bcrypt, `$2a$`, `$2b$` or `$2y$`.
    Bcrypt(String),
    /// SHA-256-crypt or SHA-512-crypt, `$5$` or `$6$`.
    ShaCrypt(String),
    /// SHA-1, SHA-256 or SHA-512 of password and salt: hash, then salt.
    Salted {
        /// Which hash function.
        function: Salted,
        /// The hash.
        hash: Vec<u8>,
        /// The salt; empty for unsalted schemes.
        salt: Vec<u8>,
    },
}

/// Hash functions of salted schemes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Salted {
    /// `{SSHA}`, `{SHA}`.
    Sha1,
    /// `{SSHA256}`, `{SHA256}`.
    Sha256,
    /// `{SSHA512}`, `{SHA512}`.
    Sha512,
}

/// Why a stored hash cannot be verified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemeError {
    /// A scheme we do not verify.
    #[error(
        "password scheme {0:?} is not supported: ARGON2ID, ARGON2I, BLF-CRYPT, SHA512-CRYPT, \
         SHA256-CRYPT, CRYPT, SSHA512, SSHA256, SSHA, SHA512, SHA256 and SHA are"
    )]
    Unsupported(String),
    /// A supported scheme whose check would cost too much: whoever may import hashes could hold up
    /// everybody's sign-in with it.
    #[error("this {0} hash asks for more work than is allowed")]
    Costly(&'static str),
    /// A supported scheme with a value that is not of its form.
    #[error("this is not a valid {0} hash")]
    Malformed(&'static str),
}

impl StoredHash {
    /// Reads a stored hash.
    ///
    /// # Errors
    /// Schemes that are not supported and values that are not of their scheme's form.
    pub fn parse(text: &str) -> Result<Self, SchemeError> {
        let (scheme, value) = match text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((scheme, value)) => (scheme.to_ascii_uppercase(), value),
            None => (String::new(), text),
        };
        match scheme.as_str() {
            "" | "CRYPT" | "ARGON2ID" | "ARGON2I" | "BLF-CRYPT" | "SHA512-CRYPT"
            | "SHA256-CRYPT" => Self::parse_crypt(value),
            "SSHA" | "SHA" | "SHA1" => salted(Salted::Sha1, value),
            "SSHA256" | "SHA256" => salted(Salted::Sha256, value),
            "SSHA512" | "SHA512" => salted(Salted::Sha512, value),
            _ => Err(SchemeError::Unsupported(scheme.chars().take(32).collect())),
        }
    }

    fn parse_crypt(value: &str) -> Result<Self, SchemeError> {
        let value = value.to_owned();
        if value.starts_with("$argon2id$") || value.starts_with("$argon2i$") {
            check_argon2(&value)?;
            return Ok(Self::Argon2(value));
        }
        if ["$2a$", "$2b$", "$2y$"]
            .iter()
            .any(|start| value.starts_with(start))
        {
            check_bcrypt(&value)?;
            return Ok(Self::Bcrypt(value));
        }
        if value.starts_with("$5$") || value.starts_with("$6$") {
            check_sha_crypt(&value)?;
            return Ok(Self::ShaCrypt(value));
        }
        Err(SchemeError::Unsupported("crypt".to_owned()))
    }

    /// Whether `password` fits. Slow: run it on the pool.
    #[must_use]
    pub fn verify(&self, password: &[u8]) -> bool {
        match self {
            Self::Argon2(hash) => PasswordHash::new(hash)
                .is_ok_and(|hash| Argon2::default().verify_password(password, &hash).is_ok()),
            Self::Bcrypt(hash) => bcrypt::verify(password, hash).unwrap_or(false),
            Self::ShaCrypt(hash) => ShaCrypt::default()
                .verify_password(password, hash.as_str())
                .is_ok(),
            Self::Salted {
                function,
                hash,
                salt,
            } => {
                let mut context = digest::Context::new(function.algorithm());
                context.update(password);
                context.update(salt);
                aws_lc_rs::constant_time::verify_slices_are_equal(context.finish().as_ref(), hash)
                    .is_ok()
            }
        }
    }

    /// Whether a right password should be hashed anew: anything but Argon2id with today's settings.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        let Self::Argon2(text) = self else {
            return true;
        };
        !text.starts_with(&today())
    }
}

/// Most memory of an Argon2 hash in KiB, and most memory times passes: four times what Dovecot's
/// own default asks for.
const ARGON2_MEMORY: u32 = 256 * 1024;
const ARGON2_WORK: u64 = 1024 * 1024;
const ARGON2_LANES: u32 = 16;
/// Most rounds of bcrypt as a power of two.
const BCRYPT_COST: u32 = 15;
/// Most rounds of SHA-crypt.
const SHA_CRYPT_ROUNDS: u32 = 1_000_000;

fn check_argon2(value: &str) -> Result<(), SchemeError> {
    let malformed = SchemeError::Malformed("Argon2");
    let hash = PasswordHash::new(value).map_err(|_| malformed.clone())?;
    let params = argon2::Params::try_from(&hash).map_err(|_| malformed.clone())?;
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err(malformed);
    }
    let work = u64::from(params.m_cost()) * u64::from(params.t_cost());
    if params.m_cost() > ARGON2_MEMORY || work > ARGON2_WORK || params.p_cost() > ARGON2_LANES {
        return Err(SchemeError::Costly("Argon2"));
    }
    Ok(())
}

fn check_bcrypt(value: &str) -> Result<(), SchemeError> {
    let malformed = SchemeError::Malformed("bcrypt");
    if value.len() != 60 || !value.is_ascii() {
        return Err(malformed);
    }
    let parts: bcrypt::HashParts = value.parse().map_err(|_| malformed)?;
    if parts.get_cost() > BCRYPT_COST {
        return Err(SchemeError::Costly("bcrypt"));
    }
    Ok(())
}

/// `$5$` or `$6$`, perhaps `rounds=N$`, a salt of at most 16 characters, and the hash.
fn check_sha_crypt(value: &str) -> Result<(), SchemeError> {
    let malformed = SchemeError::Malformed("SHA-crypt");
    let length = if value.starts_with("$5$") { 43 } else { 86 };
    let mut fields = value[3..].split('$').peekable();
    if let Some(rounds) = fields
        .peek()
        .and_then(|field| field.strip_prefix("rounds="))
    {
        match rounds.parse::<u32>() {
            Ok(rounds) if rounds > SHA_CRYPT_ROUNDS => {
                return Err(SchemeError::Costly("SHA-crypt"));
            }
            Ok(_) => fields.next(),
            Err(_) => return Err(malformed),
        };
    }
    let plain = |text: &str| {
        let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/');
        text.bytes().all(known)
    };
    match (fields.next(), fields.next(), fields.next()) {
        (Some(salt), Some(hash), None)
            if salt.len() <= 16 && hash.len() == length && plain(hash) =>
        {
            Ok(())
        }
        _ => Err(malformed),
    }
}

/// How every hash with today's settings begins.
fn today() -> String {
    let params = argon2::Params::default();
    format!(
        "$argon2id$v=19$m={},t={},p={}$",
        params.m_cost(),
        params.t_cost(),
        params.p_cost()
    )
}

/// A hash with today's settings that no password is known for. Checking one against it costs what it
/// costs with any other; making it costs nothing, since the result of hashing is random anyway.
///
/// # Errors
/// [`SchemeError::Malformed`] if the hasher would not read it.
pub(super) fn decoy(random: &dyn Random) -> Result<StoredHash, SchemeError> {
    let salt = STANDARD_NO_PAD.encode(random::bytes::<16>(random));
    let hash = STANDARD_NO_PAD.encode(random::bytes::<32>(random));
    StoredHash::parse(&format!("{}{salt}${hash}", today()))
}

/// Hashes a new password: Argon2id, 19 MiB, two passes, 16 bytes of salt.
///
/// # Errors
/// [`SchemeError::Malformed`] if the hasher refuses the input, which only absurd lengths do.
pub fn hash(password: &[u8], random: &dyn Random) -> Result<String, SchemeError> {
    Argon2::default()
        .hash_password_with_salt(password, &random::bytes::<16>(random))
        .map(|hash: PasswordHash| hash.to_string())
        .map_err(|_| SchemeError::Malformed("Argon2"))
}

impl Salted {
    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha512 => &digest::SHA512,
        }
    }
}

/// Base64 of hash and salt, as Dovecot writes it.
fn salted(function: Salted, value: &str) -> Result<StoredHash, SchemeError> {
    let length = function.algorithm().output_len();
    match STANDARD.decode(value) {
        Ok(mut bytes) if bytes.len() >= length && bytes.len() <= length + 64 => {
            let salt = bytes.split_off(length);
            Ok(StoredHash::Salted {
                function,
                hash: bytes,
                salt,
            })
        }
        _ => Err(SchemeError::Malformed("salted SHA")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `doveadm pw -s SCHEME -p 'tr0ub4dor&3'` of Dovecot 2.3.19.
    const FROM_DOVECOT: &[&str] = &[
        "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$RKbVXExdB91GxfcvroFNZA$j0U8QK19EIV8cN6c4pOadr0rdRnsi1/wuWlsTfKxw6I",
        "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$X8EdtgJWJAVFzrm0+6vnTA$1Y6NJCc7gnQu6tkZRy+vqdHHCaA/PzgQySj9IKhLuQA",
        "{BLF-CRYPT}$2y$05$1.w41uvbtgvzIC7mQRpu/ec4wZwtFYOasIwyqorhUadWKgz6KPdWS",
        "{SHA512-CRYPT}$6$QC.nOqQihIuXTuzr$pouY9s2XZ9TvE/AJ/eAgVx95G7PpLZy0fLsBXUZu8Yk2I7pRke1twLCT2006DoIPDCiljEvedySBm54rzwdYK1",
        "{SHA256-CRYPT}$5$YvyXHX76ZVh/yk/T$FS677VS5ljeF6n.FwCQqOXRxUB2epBsmTjyGxE/qu51",
        "{SSHA}rJFkc93wNloAyhvxKPUo8Lx5dbyzqw3p",
        "{SSHA256}lr3qNCtKeePrE/YEhpiywW3RUzylHGfO7SFNyDvJMeggeqL9",
        "{SSHA512}fisxhJLOJfZi5NiMQDwdPHym38JSFmiwflUVjppS5ehB4aqlXXjscwulfBDDWixTT8nfbSX+P/u0hi7qm9YxDIPJi9U=",
        "{SHA}KBOXsfeICt4PU1MKVdmvAhC5rXs=",
        "{SHA256}iCoqP9tmWpGt57IaiJQ7ZsdNF48ILd8LKC1gT1HYveQ=",
        "{SHA512}b4vBG/J7I+kFaFXLmboUWmluj7UK7MAhXsVLo4ODFKFYs1WetSIC+I9Ld+7BQYNxWxQFuVnSXuCanpCMDeZu3w==",
    ];

    struct Fixed;
    impl Random for Fixed {
        fn fill(&self, out: &mut [u8]) {
            out.fill(7);
        }
    }

    #[test]
    fn verifies_what_other_systems_wrote() {
        for text in FROM_DOVECOT {
            let stored = StoredHash::parse(text).unwrap();
            assert!(stored.verify(b"tr0ub4dor&3"), "{text}");
            assert!(!stored.verify(b"tr0ub4dor&4"), "{text}");
        }
    }

    #[test]
    fn our_own_hash_is_up_to_date_and_others_are_not() {
        let own = hash(b"correct horse", &Fixed).unwrap();
        let stored = StoredHash::parse(&own).unwrap();
        assert!(stored.verify(b"correct horse") && !stored.is_outdated());
        for text in FROM_DOVECOT.iter().filter(|t| !t.starts_with("{ARGON2ID}")) {
            assert!(StoredHash::parse(text).unwrap().is_outdated(), "{text}");
        }
    }

    #[test]
    fn a_decoy_cannot_be_told_from_a_hash() {
        let (decoy, own) = (
            decoy(&Fixed).unwrap(),
            hash(b"correct horse", &Fixed).unwrap(),
        );
        let StoredHash::Argon2(text) = &decoy else {
            panic!("{decoy:?}");
        };
        // The same settings, salt and length: the same work.
        let salted = |text: &str| text.rsplit_once('$').unwrap().0.to_owned();
        assert_eq!((salted(text), text.len()), (salted(&own), own.len()));
        assert!(!decoy.verify(b"") && !decoy.verify(b"correct horse"));
    }

    #[test]
    fn refuses_what_would_hold_up_everybody() {
        let (salt, hash) = ("c29tZXNhbHQ", "RdescudvJCsgt3ub+b4dWRWJTmaaJObG");
        let sha = "FS677VS5ljeF6n.FwCQqOXRxUB2epBsmTjyGxE/qu51";
        let tail = "1.w41uvbtgvzIC7mQRpu/ec4wZwtFYOasIwyqorhUadWKgz6KPdWS";
        for (text, fine) in [
            (
                format!("$argon2id$v=19$m=65536,t=3,p=1${salt}${hash}"),
                true,
            ),
            (
                format!("$argon2id$v=19$m=4194304,t=1,p=1${salt}${hash}"),
                false,
            ),
            (
                format!("$argon2id$v=19$m=65536,t=4000000,p=1${salt}${hash}"),
                false,
            ),
            (
                format!("$argon2id$v=19$m=65536,t=3,p=200${salt}${hash}"),
                false,
            ),
            (format!("$2y$15${tail}"), true),
            (format!("$2y$16${tail}"), false),
            (format!("$2y$31${tail}"), false),
            (format!("$5$rounds=1000000$salt${sha}"), true),
            (format!("$5$rounds=1000001$salt${sha}"), false),
            (format!("$5$rounds=999999999$salt${sha}"), false),
        ] {
            let parsed = StoredHash::parse(&text);
            let costly = matches!(parsed, Err(SchemeError::Costly(_)));
            assert_eq!(
                (parsed.is_ok(), costly),
                (fine, !fine),
                "{text}: {parsed:?}"
            );
        }
    }

    #[test]
    fn refuses_what_it_cannot_verify() {
        for text in [
            "",
            "secret",
            "{PLAIN}secret",
            "{MD5-CRYPT}$1$x$y",
            "{SSHA}AAAA",
            "$2y$10$x",
            "$argon2id$v=19$m=65536,t=3,p=1",
            "$5$",
            "$6$salt$short",
            "$5$rounds=x$salt$FS677VS5ljeF6n.FwCQqOXRxUB2epBsmTjyGxE/qu51",
        ] {
            assert!(StoredHash::parse(text).is_err(), "{text}");
        }
    }
}
