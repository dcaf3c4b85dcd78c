//! Sealing of secrets at rest: provider secrets, sign-ins under way, relay credentials.
//!
//! AES-256-GCM with a random nonce. The identity of the row is authenticated with the value, so a
//! sealed secret copied into another row does not open there. Stored form: version (1), key id (4),
//! nonce (12), ciphertext with its tag (16).

use crate::keys::KeyId;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use model::random::{self, Random};
use std::fmt;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const HEADER: usize = 1 + KeyId::LENGTH;

/// Why a value cannot be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Sealed under another master key.
    #[error("sealed with key {sealed}, but the key here is {ours}")]
    OtherKey {
        /// The key it was sealed with.
        sealed: KeyId,
        /// The key at hand.
        ours: KeyId,
    },
    /// Altered, moved to another row, or not a sealed value at all.
    #[error("not a value sealed for this row")]
    Damaged,
    /// The crypto library refused; never seen.
    #[error("the crypto library refused to seal")]
    Crypto,
}

/// The key that seals.
pub struct SealKey {
    id: KeyId,
    key: LessSafeKey,
}

impl SealKey {
    pub(crate) fn new(id: KeyId, secret: &[u8; 32]) -> Result<Self, Unspecified> {
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, secret)?);
        Ok(Self { id, key })
    }

    /// Seals `plain` for the row with the identity `row`, such as `provider/7/secret`.
    ///
    /// # Errors
    /// [`SealError::Crypto`] only.
    pub fn seal(
        &self,
        row: &[u8],
        plain: &[u8],
        random: &dyn Random,
    ) -> Result<Vec<u8>, SealError> {
        let nonce = random::bytes::<NONCE_LEN>(random);
        let mut body = Zeroizing::new(plain.to_vec());
        let tag = self
            .key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                self.aad(row),
                &mut body,
            )
            .map_err(|_| SealError::Crypto)?;
        let mut sealed = self.header().to_vec();
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&body);
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens what was sealed for the row with the identity `row`.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open(&self, row: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let damaged = SealError::Damaged;
        let (header, rest) = sealed.split_at_checked(HEADER).ok_or(damaged)?;
        let (&[version], id) = header.split_at_checked(1).ok_or(damaged)? else {
            return Err(damaged);
        };
        if version != VERSION {
            return Err(damaged);
        }
        let id = KeyId::from_slice(id).ok_or(damaged)?;
        if id != self.id {
            return Err(SealError::OtherKey {
                sealed: id,
                ours: self.id,
            });
        }
        let (nonce, body) = rest.split_at_checked(NONCE_LEN).ok_or(damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged)?;
        let mut body = Zeroizing::new(body.to_vec());
        let length = self
            .key
            .open_in_place(nonce, self.aad(row), &mut body)
            .map_err(|_| damaged)?
            .len();
        body.truncate(length);
        Ok(body)
    }

    /// The id of the master key behind it.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    fn header(&self) -> [u8; HEADER] {
        let mut header = [VERSION; HEADER];
        header[1..].copy_from_slice(self.id.as_bytes());
        header
    }

    fn aad(&self, row: &[u8]) -> Aad<Vec<u8>> {
        Aad::from([&self.header(), row].concat())
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKey({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::OsRandom;
    use proptest::prelude::*;

    fn key(id: u8, secret: u8) -> SealKey {
        SealKey::new(KeyId::from_bytes([id; 4]), &[secret; 32]).unwrap()
    }

    #[test]
    fn opens_only_in_its_own_row() {
        let key = key(1, 1);
        let sealed = key
            .seal(b"provider/7/secret", b"s3cret", &OsRandom)
            .unwrap();
        assert_eq!(
            key.open(b"provider/7/secret", &sealed).unwrap().as_slice(),
            b"s3cret"
        );
        assert_eq!(
            key.open(b"provider/8/secret", &sealed).unwrap_err(),
            SealError::Damaged
        );
    }

    #[test]
    fn another_key_is_told_apart_from_damage() {
        let sealed = key(1, 1).seal(b"row", b"s3cret", &OsRandom).unwrap();
        assert!(matches!(
            key(2, 2).open(b"row", &sealed).unwrap_err(),
            SealError::OtherKey { .. }
        ));
        // The same id over another secret: a forged header does not help.
        assert_eq!(
            key(1, 2).open(b"row", &sealed).unwrap_err(),
            SealError::Damaged
        );
    }

    #[test]
    fn the_same_secret_never_looks_the_same() {
        let key = key(1, 1);
        let first = key.seal(b"row", b"s3cret", &OsRandom).unwrap();
        let second = key.seal(b"row", b"s3cret", &OsRandom).unwrap();
        assert_ne!(first, second);
        assert!(!first.windows(6).any(|w| w == b"s3cret"));
    }

    proptest! {
        #[test]
        fn round_trips_and_notices_every_changed_byte(
            plain: Vec<u8>, row: Vec<u8>, at: prop::sample::Index, flip in 1u8..
        ) {
            let key = key(1, 1);
            let mut sealed = key.seal(&row, &plain, &OsRandom).unwrap();
            let opened = key.open(&row, &sealed).unwrap();
            prop_assert_eq!(opened.as_slice(), &plain);
            let at = at.index(sealed.len());
            sealed[at] ^= flip;
            prop_assert!(key.open(&row, &sealed).is_err());
            sealed.truncate(at);
            prop_assert!(key.open(&row, &sealed).is_err());
        }
    }
}
