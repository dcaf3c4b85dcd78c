//! The four protocols a mail program may speak.

use serde::{Deserialize, Serialize};

/// A mail protocol, as templates, mailboxes and app passwords switch it on and off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Reading mail, with folders (ports 993 and 143).
    Imap,
    /// Fetching mail (ports 995 and 110).
    Pop3,
    /// Submitting mail (ports 465 and 587).
    Smtp,
    /// Editing filter scripts by ManageSieve (port 4190).
    Sieve,
}

impl Protocol {
    /// All four, in the order in which pages and the CLI show them.
    pub const ALL: [Self; 4] = [Self::Imap, Self::Pop3, Self::Smtp, Self::Sieve];

    /// The lower-case name used in the CLI, the API and the store.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Smtp => "smtp",
            Self::Sieve => "sieve",
        }
    }

    /// The name people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Imap => "IMAP",
            Self::Pop3 => "POP3",
            Self::Smtp => "SMTP",
            Self::Sieve => "Sieve",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.label())
    }
}

/// Not one of `imap`, `pop3`, `smtp`, `sieve`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown protocol {0:?}: use imap, pop3, smtp or sieve")]
pub struct UnknownProtocol(pub String);

impl std::str::FromStr for Protocol {
    type Err = UnknownProtocol;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|p| p.name() == text)
            .ok_or_else(|| UnknownProtocol(text.chars().take(32).collect()))
    }
}

/// A set of protocols.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(into = "Vec<Protocol>", from = "Vec<Protocol>")]
pub struct Protocols(u8);

impl Protocols {
    /// No protocol at all.
    pub const NONE: Self = Self(0);
    /// All four.
    pub const ALL: Self = Self(0b1111);

    /// Whether `protocol` is in the set.
    #[must_use]
    pub const fn contains(self, protocol: Protocol) -> bool {
        self.0 & protocol.bit() != 0
    }

    /// The set with `protocol` added or removed.
    #[must_use]
    pub const fn with(self, protocol: Protocol, on: bool) -> Self {
        if on {
            Self(self.0 | protocol.bit())
        } else {
            Self(self.0 & !protocol.bit())
        }
    }

    /// What both sets hold.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What this set holds and `other` does not.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether no protocol is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members in display order.
    pub fn iter(self) -> impl Iterator<Item = Protocol> {
        Protocol::ALL.into_iter().filter(move |p| self.contains(*p))
    }

    /// The stored form: bit 0 IMAP, 1 POP3, 2 SMTP, 3 Sieve.
    #[must_use]
    pub const fn bits(self) -> i64 {
        self.0 as i64
    }

    /// From the stored form; bits that mean nothing are dropped.
    #[must_use]
    pub const fn from_bits(bits: i64) -> Self {
        Self((bits & 0b1111) as u8)
    }
}

impl FromIterator<Protocol> for Protocols {
    fn from_iter<I: IntoIterator<Item = Protocol>>(protocols: I) -> Self {
        protocols
            .into_iter()
            .fold(Self::NONE, |set, p| set.with(p, true))
    }
}

impl From<Vec<Protocol>> for Protocols {
    fn from(protocols: Vec<Protocol>) -> Self {
        protocols.into_iter().collect()
    }
}

impl From<Protocols> for Vec<Protocol> {
    fn from(protocols: Protocols) -> Self {
        protocols.iter().collect()
    }
}

impl std::fmt::Debug for Protocols {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// "IMAP, SMTP"; "none" for the empty set.
impl std::fmt::Display for Protocols {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        for (n, protocol) in self.iter().enumerate() {
            if n > 0 {
                f.write_str(", ")?;
            }
            f.write_str(protocol.label())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_round_trips_through_its_stored_bits() {
        for bits in 0..16 {
            let set = Protocols::from_bits(bits);
            assert_eq!(set.bits(), bits);
            assert_eq!(set.iter().collect::<Protocols>(), set);
        }
        assert_eq!(Protocols::from_bits(0xff), Protocols::ALL);
    }

    #[test]
    fn a_set_reads_as_people_write_it() {
        let set: Protocols = [Protocol::Smtp, Protocol::Imap].into_iter().collect();
        assert_eq!(set.to_string(), "IMAP, SMTP");
        assert_eq!(Protocols::NONE.to_string(), "none");
        assert!("IMAP".parse::<Protocol>().is_err());
    }
}
