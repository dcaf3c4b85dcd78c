//! Tags: what the store holds in place of app passwords, session tokens and states.
//!
//! A tag is the key's id and an HMAC-SHA-256 under a key that is not in the database. The secrets
//! behind them have at least 128 random bits, so a fast function is enough, and the tag can be the
//! index by which the row is found.

use crate::keys::KeyId;
use aws_lc_rs::hmac;
use std::fmt;

/// A key for the tags of one purpose.
#[derive(Clone)]
pub struct PurposeKey {
    id: KeyId,
    key: hmac::Key,
}

impl PurposeKey {
    pub(crate) fn new(id: KeyId, secret: &[u8; 32]) -> Self {
        Self {
            id,
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
        }
    }

    /// The tag of `parts`: key id, then 32 bytes. Where one key serves several kinds, the first part
    /// names the kind (`session`), so that no tag of one is ever one of another; parts cannot flow
    /// into each other.
    #[must_use]
    pub fn tag(&self, parts: &[&[u8]]) -> Vec<u8> {
        [self.id.as_bytes(), self.mac(parts).as_ref()].concat()
    }

    /// The id of the master key behind it.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Whether `tag` is the tag of `parts`, in constant time.
    #[must_use]
    pub fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        tag.strip_prefix(self.id.as_bytes()).is_some_and(|mac| {
            aws_lc_rs::constant_time::verify_slices_are_equal(self.mac(parts).as_ref(), mac).is_ok()
        })
    }

    fn mac(&self, parts: &[&[u8]]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        context.sign()
    }
}

impl fmt::Debug for PurposeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PurposeKey({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(secret: u8) -> PurposeKey {
        PurposeKey::new(KeyId::from_bytes([1, 2, 3, 4]), &[secret; 32])
    }

    #[test]
    fn parts_do_not_flow_into_each_other() {
        let key = key(1);
        assert_ne!(key.tag(&[b"ab", b"c"]), key.tag(&[b"a", b"bc"]));
        assert_ne!(key.tag(&[b"ab"]), key.tag(&[b"ab", b""]));
        assert_eq!(key.tag(&[b"ab", b"c"]), key.tag(&[b"ab", b"c"]));
    }

    #[test]
    fn verifies_only_its_own_tags() {
        let tag = key(1).tag(&[b"session", b"token"]);
        assert!(key(1).verify(&[b"session", b"token"], &tag));
        assert!(!key(2).verify(&[b"session", b"token"], &tag));
        assert!(!key(1).verify(&[b"session", b"tokem"], &tag));
        assert!(!key(1).verify(&[b"session", b"token"], &tag[..10]));
        assert!(!key(1).verify(&[b"session", b"token"], b""));
    }

    #[test]
    fn is_the_hmac_that_other_tools_compute() {
        // printf '\0\0\0\0\0\0\0\7message' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0b…0b
        let tag = key(0x0b).tag(&[b"message"]);
        assert_eq!(hex::encode(&tag[..4]), "01020304");
        assert_eq!(
            hex::encode(&tag[4..]),
            "17df9cf620046bb498f3ebe7db77fc6380afe0153794948db3bf2e3def63ba15"
        );
    }
}
