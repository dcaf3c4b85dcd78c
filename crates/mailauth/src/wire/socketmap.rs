//! Postfix's socketmap protocol (`socketmap_table(5)`), inside netstrings.

use super::netstring;
use crate::decisions::{MapKey, Unavailable};
use model::address::{Address, DomainName};

/// Longest reply that Postfix accepts (`DICT_SOCKMAP_MAX_REPLY`).
const LONGEST_REPLY: usize = 100_000;

/// The maps that the rendered `main.cf` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Map {
    /// `virtual_mailbox_domains`.
    Domains,
    /// `virtual_mailbox_maps`.
    Mailboxes,
    /// `virtual_alias_maps`.
    Aliases,
    /// `smtpd_sender_login_maps`.
    Senders,
}

/// One look-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// Is this a domain of ours?
    Domain(DomainName),
    /// Is exactly this a mailbox?
    Mailbox(Address),
    /// Where does this go?
    Alias(MapKey),
    /// Who may send as this?
    Senders(MapKey),
    /// The key is outside the grammar of names, so it is surely in none of the maps.
    Nothing,
    /// A map that we do not have: the engine's configuration and we disagree.
    UnknownMap,
}

/// Parses the content of one netstring: `map key`.
#[must_use]
pub fn parse(request: &[u8]) -> Query {
    let space = request.iter().position(|b| *b == b' ');
    let (map, key) = space.map_or((request, &[][..]), |at| {
        (&request[..at], &request[at + 1..])
    });
    let map = match map {
        b"domains" => Map::Domains,
        b"mailboxes" => Map::Mailboxes,
        b"aliases" => Map::Aliases,
        b"senders" => Map::Senders,
        _ => return Query::UnknownMap,
    };
    std::str::from_utf8(key)
        .ok()
        .and_then(|key| query(map, key))
        .unwrap_or(Query::Nothing)
}

fn query(map: Map, key: &str) -> Option<Query> {
    match map {
        Map::Domains => DomainName::parse(key).ok().map(Query::Domain),
        Map::Mailboxes => Address::parse(key).ok().map(Query::Mailbox),
        Map::Aliases => map_key(key).map(Query::Alias),
        Map::Senders => map_key(key).map(Query::Senders),
    }
}

fn map_key(key: &str) -> Option<MapKey> {
    match key.strip_prefix('@') {
        Some(domain) => DomainName::parse(domain).ok().map(MapKey::Domain),
        None => Address::parse(key).ok().map(MapKey::Address),
    }
}

/// Writes the reply to a yes-or-no question. Postfix needs some value for "yes".
pub fn found(out: &mut Vec<u8>, value: &str, found: Result<bool, Unavailable>) {
    match found {
        Ok(true) => netstring::put(out, &["OK ", value]),
        Ok(false) => not_found(out),
        Err(Unavailable) => temporary(out, "temporarily unavailable"),
    }
}

/// Writes a list of addresses; the empty list means "no such key".
pub fn addresses(out: &mut Vec<u8>, list: Result<Vec<Address>, Unavailable>) {
    let Ok(list) = list else {
        return temporary(out, "temporarily unavailable");
    };
    let joined = list
        .iter()
        .map(Address::as_str)
        .collect::<Vec<_>>()
        .join(",");
    if joined.is_empty() {
        not_found(out);
    } else if joined.len() > LONGEST_REPLY - "OK ".len() {
        temporary(out, "more addresses than fit one reply");
    } else {
        netstring::put(out, &["OK ", &joined]);
    }
}

/// Writes "surely not there". The space is part of the protocol.
pub fn not_found(out: &mut Vec<u8>) {
    netstring::put(out, &["NOTFOUND "]);
}

/// Writes a fault of ours: mail waits. `PERM` is never used, since nothing that we could say with it
/// is worth a bounce.
pub fn temporary(out: &mut Vec<u8>, reason: &'static str) {
    netstring::put(out, &["TEMP ", reason]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn keys_come_in_canonical_form() {
        let alias = |key: &str| parse(format!("aliases {key}").as_bytes());
        assert_eq!(
            alias("Alice+Tag@Example.ORG"),
            Query::Alias(MapKey::Address(address("alice+tag@example.org")))
        );
        assert_eq!(alias("a@bücher.example"), alias("a@xn--bcher-kva.example"));
        assert_eq!(
            alias("@bücher.example"),
            Query::Alias(MapKey::Domain(
                DomainName::parse("xn--bcher-kva.example").unwrap()
            ))
        );
        assert_eq!(
            parse(b"domains EXAMPLE.org"),
            Query::Domain(DomainName::parse("example.org").unwrap())
        );
    }

    #[test]
    fn a_key_outside_the_grammar_is_surely_absent() {
        let long = "a".repeat(8192);
        for key in [
            "",
            long.as_str(),
            "a\0b@example.org",
            "\"quoted\"@example.org",
            "@a:b@c.example",
            "bare",
            "a@[127.0.0.1]",
        ] {
            assert_eq!(
                parse(format!("mailboxes {key}").as_bytes()),
                Query::Nothing,
                "{key:?}"
            );
        }
        assert_eq!(parse(b"mailboxes \xff@example.org"), Query::Nothing);
        assert_eq!(parse(b"mailboxes @example.org"), Query::Nothing);
        assert_eq!(parse(b"domains .example.org"), Query::Nothing);
        assert_eq!(parse(b"domains"), Query::Nothing);
        assert_eq!(parse(b"nosuchmap a@example.org"), Query::UnknownMap);
        assert_eq!(parse(b""), Query::UnknownMap);
    }

    #[test]
    fn replies_have_the_form_that_postfix_reads() {
        let mut out = Vec::new();
        found(&mut out, "example.org", Ok(true));
        found(&mut out, "example.org", Ok(false));
        found(&mut out, "example.org", Err(Unavailable));
        addresses(
            &mut out,
            Ok(vec![address("a@example.org"), address("b@example.org")]),
        );
        addresses(&mut out, Ok(Vec::new()));
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "14:OK example.org,9:NOTFOUND ,28:TEMP temporarily unavailable,30:OK a@example.org,b@example.org,9:NOTFOUND ,"
        );
    }

    #[test]
    fn a_list_that_postfix_could_not_read_makes_mail_wait() {
        let mut out = Vec::new();
        addresses(&mut out, Ok(vec![address("a@example.org"); 10_000]));
        assert!(
            out.starts_with(b"38:TEMP "),
            "{:?}",
            String::from_utf8_lossy(&out)
        );
    }
}
