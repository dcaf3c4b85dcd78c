//! The one canonical form of an address and of a mail domain.
//!
//! Made once, by parsing, before limits, look-up, audit and rendering: A-label domain in lower
//! case, local part in NFC and lower case. Everything later compares plain strings. The grammar is
//! also the character filter of mail logins: `'` and `+` are allowed; `*`, `?` and `%` are refused
//! because the engines read them as wildcards and variables.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

/// Why a text is not an address or a domain. Shown to people beside the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing before or after the `@`, or no text at all.
    #[error("an address looks like name@example.org")]
    Empty,
    /// No `@`, or more than one.
    #[error("an address has exactly one @")]
    At,
    /// RFC 5321 4.5.3.1: 64 octets before the `@`, 254 in all.
    #[error("an address has at most 64 characters before the @ and 254 in all")]
    TooLong,
    /// A character outside the grammar of local parts.
    #[error("the part before the @ may hold letters, digits and . _ - + ' only")]
    Character,
    /// A dot at either end, or two in a row.
    #[error("the part before the @ may not start or end with a dot, nor hold two in a row")]
    Dot,
    /// The domain is not a host name with at least two labels.
    #[error("the domain is not a valid name such as example.org")]
    Domain,
}

/// A mail domain in A-label form, lower case, without trailing dot, at least two labels.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DomainName(String);

impl DomainName {
    /// Parses `text` as typed by people, mail programs or providers: case, U-labels and one
    /// trailing dot are brought into canonical form.
    ///
    /// # Errors
    /// [`AddressError::Domain`] for anything that is not such a name, IP literals included.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() || text.len() > 1000 {
            return Err(AddressError::Domain);
        }
        let ascii = idna::domain_to_ascii_strict(text).map_err(|_| AddressError::Domain)?;
        let labels: Vec<&str> = ascii.split('.').collect();
        let label_ok = |label: &&str| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        let numeric_tld = labels
            .last()
            .is_some_and(|l| l.bytes().all(|b| b.is_ascii_digit()));
        if labels.len() < 2 || ascii.len() > 253 || numeric_tld || !labels.iter().all(label_ok) {
            return Err(AddressError::Domain);
        }
        Ok(Self(ascii))
    }

    /// The A-label form: what is stored, compared and handed to the engines.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The U-label form for people's eyes.
    #[must_use]
    pub fn unicode(&self) -> String {
        idna::domain_to_unicode(&self.0).0
    }
}

impl TryFrom<String> for DomainName {
    type Error = AddressError;
    fn try_from(text: String) -> Result<Self, AddressError> {
        Self::parse(&text)
    }
}

impl std::str::FromStr for DomainName {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text)
    }
}

impl From<DomainName> for String {
    fn from(domain: DomainName) -> Self {
        domain.0
    }
}

impl std::fmt::Display for DomainName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A mail address in canonical form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    text: String,
    at: usize,
}

impl Address {
    /// Parses `text` and brings it into canonical form.
    ///
    /// # Errors
    /// The first rule of the grammar that `text` breaks. Quoted local parts, source routes and
    /// address literals are refused.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.len() > 1000 {
            return Err(AddressError::TooLong);
        }
        let (local, domain) = text.split_once('@').ok_or(if text.is_empty() {
            AddressError::Empty
        } else {
            AddressError::At
        })?;
        if domain.contains('@') {
            return Err(AddressError::At);
        }
        if local.is_empty() || domain.is_empty() {
            return Err(AddressError::Empty);
        }
        // ASCII only for now: SMTPUTF8 local parts need script and confusable checks at creation.
        let local: String = local.nfc().collect::<String>().to_lowercase();
        if !local.bytes().all(local_byte) {
            return Err(AddressError::Character);
        }
        if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
            return Err(AddressError::Dot);
        }
        let domain = DomainName::parse(domain)?;
        if local.len() > 64 || local.len() + 1 + domain.0.len() > 254 {
            return Err(AddressError::TooLong);
        }
        Ok(Self {
            at: local.len(),
            text: format!("{local}@{domain}"),
        })
    }

    /// The address of `local` at `domain`, for role addresses such as postmaster.
    ///
    /// # Errors
    /// As [`Address::parse`].
    pub fn at(local: &str, domain: &DomainName) -> Result<Self, AddressError> {
        Self::parse(&format!("{local}@{domain}"))
    }

    /// The whole canonical address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part before the `@`.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.text[..self.at]
    }

    /// The mail domain.
    #[must_use]
    pub fn domain(&self) -> DomainName {
        DomainName(self.text[self.at + 1..].to_owned())
    }

    /// The address without its `+` extension: where mail for `name+tag@` goes. An address that
    /// starts with `+` has no extension.
    #[must_use]
    pub fn without_extension(&self) -> Self {
        match self.local().find('+') {
            Some(plus) if plus > 0 => Self {
                at: plus,
                text: format!("{}{}", &self.text[..plus], &self.text[self.at..]),
            },
            _ => self.clone(),
        }
    }

    /// Whether first sign-in may never hand this address out (design decision 6): exactly these
    /// names, with or without an extension. `admin1` is a name like any other.
    #[must_use]
    pub fn is_role(&self) -> bool {
        let base = self.without_extension();
        ROLES.contains(&base.local())
    }
}

/// Local parts that belong to a role and not to a person (RFC 2142 and common practice).
pub const ROLES: [&str; 20] = [
    "abuse",
    "admin",
    "administrator",
    "daemon",
    "ftp",
    "hostmaster",
    "info-security",
    "mailer-daemon",
    "mail-daemon",
    "news",
    "noc",
    "no-reply",
    "noreply",
    "nobody",
    "postmaster",
    "root",
    "security",
    "usenet",
    "uucp",
    "webmaster",
];

const fn local_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase()
        || byte.is_ascii_digit()
        || matches!(byte, b'.' | b'_' | b'-' | b'+' | b'\'')
}

impl TryFrom<String> for Address {
    type Error = AddressError;
    fn try_from(text: String) -> Result<Self, AddressError> {
        Self::parse(&text)
    }
}

impl std::str::FromStr for Address {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.text
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<String, AddressError> {
        Address::parse(text).map(String::from)
    }

    #[test]
    fn variants_of_one_address_become_the_same() {
        for text in [
            "Alice@Example.ORG",
            "alice@example.org.",
            "ALICE@EXAMPLE.org",
        ] {
            assert_eq!(parse(text).unwrap(), "alice@example.org");
        }
        assert_eq!(
            parse("a@Bücher.example").unwrap(),
            "a@xn--bcher-kva.example"
        );
        assert_eq!(
            parse("a@xn--bcher-kva.example").unwrap(),
            "a@xn--bcher-kva.example"
        );
        assert_eq!(
            DomainName::parse("xn--bcher-kva.example")
                .unwrap()
                .unicode(),
            "bücher.example"
        );
    }

    #[test]
    fn refuses_what_engines_would_read_as_something_else() {
        for text in [
            "a*@example.org",
            "a?@example.org",
            "a%b@example.org",
            "a b@example.org",
            "a\tb@example.org",
            "a\0@example.org",
            "a\u{1}@example.org",
            "\"a\"@example.org",
            "a,b@example.org",
            "a|b@example.org",
            "a/b@example.org",
            "$a@example.org",
            "ａ@example.org",
        ] {
            assert_eq!(parse(text), Err(AddressError::Character), "{text:?}");
        }
        assert_eq!(parse(""), Err(AddressError::Empty));
        assert_eq!(parse("alice"), Err(AddressError::At));
        assert_eq!(parse("@a:b@c.example"), Err(AddressError::At));
        assert_eq!(parse("a..b@example.org"), Err(AddressError::Dot));
        assert_eq!(
            parse(&format!("{}@example.org", "a".repeat(65))),
            Err(AddressError::TooLong)
        );
        for text in [
            "a@localhost",
            "a@127.0.0.1",
            "a@[::1]",
            "a@-x.org",
            "a@x..org",
            "a@x.org/..",
        ] {
            assert_eq!(parse(text), Err(AddressError::Domain), "{text:?}");
        }
    }

    #[test]
    fn apostrophe_and_plus_are_allowed() {
        assert_eq!(parse("o'neil@example.org").unwrap(), "o'neil@example.org");
        let tagged = Address::parse("alice+shop@example.org").unwrap();
        assert_eq!(tagged.without_extension().as_str(), "alice@example.org");
        assert_eq!(tagged.without_extension().local(), "alice");
    }

    #[test]
    fn role_addresses_are_exact_names_with_any_extension() {
        let role = |text: &str| Address::parse(text).unwrap().is_role();
        assert!(role("Postmaster@example.org"));
        assert!(role("abuse+x@example.org"));
        for person in ["alice", "admin1", "admin-1", "webmaster2+x", "rooted"] {
            assert!(!role(&format!("{person}@example.org")), "{person}");
        }
    }

    proptest! {
        #[test]
        fn canonical_form_is_a_fixed_point(text in "\\PC{0,80}") {
            if let Ok(once) = Address::parse(&text) {
                let twice = Address::parse(once.as_str()).unwrap();
                prop_assert_eq!(&once, &twice);
                prop_assert_eq!(once.domain().to_string().len() + once.local().len() + 1, once.as_str().len());
            }
        }
    }
}
