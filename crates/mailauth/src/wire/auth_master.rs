//! Dovecot's auth-master protocol, version 1.1: after a login, and for user look-ups.

use super::FramingError;
use super::auth_client::Cookie;
use super::fields::{self, Line};
use crate::decisions::UserEntry;
use crate::settings::QuotaField;
use std::borrow::Cow;

/// One line from the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MasterLine<'a> {
    /// `VERSION major minor`.
    Version(u32),
    /// `CPID pid`, which some clients send; it means nothing here.
    Cpid,
    /// `REQUEST`: a session process claims a login.
    Request {
        /// Chosen by the engine; echoed in the reply.
        id: u32,
        /// The login process, as its `CPID` said.
        client_pid: u32,
        /// The id of its `AUTH`.
        auth_id: u32,
        /// The cookie of its connection.
        cookie: Cookie,
        /// The session process wants a token of its own.
        wants_token: bool,
    },
    /// `USER`: attributes of a mailbox.
    User {
        /// Chosen by the engine.
        id: u32,
        /// The name, unescaped.
        name: Cow<'a, [u8]>,
        /// Dovecot's quota service asks whether a recipient has room.
        for_quota: bool,
    },
    /// `PASS`: a passdb look-up, which we never answer with anything.
    Pass(u32),
    /// `LIST`: all mailboxes.
    List(u32),
    /// `CACHE-FLUSH`: there is no cache.
    CacheFlush(u32),
}

impl MasterLine<'_> {
    /// The request's id; `None` for a line of the handshake.
    #[must_use]
    pub const fn id(&self) -> Option<u32> {
        match self {
            Self::Version(_) | Self::Cpid => None,
            Self::Request { id, .. }
            | Self::User { id, .. }
            | Self::Pass(id)
            | Self::List(id)
            | Self::CacheFlush(id) => Some(*id),
        }
    }
}

/// Parses one line without its LF.
///
/// # Errors
/// [`FramingError`] if the line is no line of this protocol.
pub fn parse(line: &[u8]) -> Result<MasterLine<'_>, FramingError> {
    let fields = fields::split(line)?;
    let field = |n: usize| fields.get(n).copied().ok_or(FramingError::Number);
    let id = || field(1).and_then(fields::id);
    match fields.first().copied() {
        Some(b"REQUEST") => {
            let mut cookie = Cookie::default();
            hex::decode_to_slice(field(4)?, &mut cookie).map_err(|_| FramingError::Cookie)?;
            Ok(MasterLine::Request {
                id: id()?,
                client_pid: fields::number(field(2)?)?,
                auth_id: fields::number(field(3)?)?,
                cookie,
                wants_token: fields[5..].contains(&&b"request_auth_token"[..]),
            })
        }
        Some(b"USER") => Ok(MasterLine::User {
            id: id()?,
            name: fields::unescape(field(2)?)?,
            for_quota: fields[3..].contains(&&b"service=quota-status"[..]),
        }),
        Some(b"PASS") => id().map(MasterLine::Pass),
        Some(b"LIST") => id().map(MasterLine::List),
        Some(b"CACHE-FLUSH") => id().map(MasterLine::CacheFlush),
        Some(b"VERSION") => {
            fields::number(field(2)?)?;
            fields::number(field(1)?).map(MasterLine::Version)
        }
        Some(b"CPID") => fields::number(field(1)?).map(|_| MasterLine::Cpid),
        _ => Err(FramingError::Command),
    }
}

/// Writes the server's side of the handshake. Dovecot aborts logins if `server_pid` is not the one
/// that the login process was told.
pub fn greet(out: &mut Vec<u8>, server_pid: u32) {
    Line::new(out, "VERSION").number(1).number(1).end();
    Line::new(out, "SPID").number(server_pid).end();
}

/// Writes a mailbox's attributes.
pub fn user(out: &mut Vec<u8>, id: u32, user: &UserEntry, quota: QuotaField, token: Option<&str>) {
    let mut line = Line::new(out, "USER")
        .number(id)
        .field(user.address.as_str().as_bytes())
        .pair("uid", user.uid.to_string().as_bytes())
        .pair("gid", user.gid.to_string().as_bytes())
        .pair("home", user.home.as_bytes());
    if let Some(mail) = &user.mail {
        line = line.pair("mail", mail.as_bytes());
    }
    if let Some(bytes) = user.quota {
        line = match quota {
            QuotaField::Rule => line.pair("quota_rule", format!("*:bytes={bytes}").as_bytes()),
            QuotaField::StorageSize => {
                line.pair("quota_storage_size", format!("{bytes}B").as_bytes())
            }
        };
    }
    for (key, value) in &user.settings {
        line = line.pair(key, value.as_bytes());
    }
    if let Some(token) = token {
        line = line.pair("auth_token", token.as_bytes());
    }
    line.end();
}

/// Writes "there surely is no such mailbox".
pub fn not_found(out: &mut Vec<u8>, id: u32) {
    Line::new(out, "NOTFOUND").number(id).end();
}

/// Writes a fault of ours, or a login that does not stand any more.
pub fn fail(out: &mut Vec<u8>, id: u32) {
    Line::new(out, "FAIL").number(id).end();
}

/// Writes one name of a listing.
pub fn listed(out: &mut Vec<u8>, id: u32, name: &str) {
    Line::new(out, "LIST")
        .number(id)
        .field(name.as_bytes())
        .end();
}

/// Writes the end of a listing; a failed one is not taken for a short one.
pub fn list_done(out: &mut Vec<u8>, id: u32, complete: bool) {
    let line = Line::new(out, "DONE").number(id);
    if complete {
        line.end();
    } else {
        line.word("fail").end();
    }
}

/// Writes that nothing was flushed.
pub fn flushed(out: &mut Vec<u8>, id: u32) {
    Line::new(out, "OK").number(id).number(0).end();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_session_processes_and_doveadm_send() {
        assert_eq!(
            parse(b"REQUEST\t3\t42\t7\t000102030405060708090a0b0c0d0e0f\tsession_pid=9\trequest_auth_token"),
            Ok(MasterLine::Request {
                id: 3,
                client_pid: 42,
                auth_id: 7,
                cookie: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
                wants_token: true,
            })
        );
        assert_eq!(
            parse(b"USER\t1\to'neil+x@example.org\tservice=lmtp"),
            Ok(MasterLine::User {
                id: 1,
                name: Cow::Borrowed(b"o'neil+x@example.org"),
                for_quota: false,
            })
        );
        assert!(matches!(
            parse(b"USER\t1\ta@b.example\tservice=quota-status"),
            Ok(MasterLine::User {
                for_quota: true,
                ..
            })
        ));
        assert_eq!(parse(b"LIST\t2\tuser=*"), Ok(MasterLine::List(2)));
        assert_eq!(parse(b"CACHE-FLUSH\t5"), Ok(MasterLine::CacheFlush(5)));
    }

    #[test]
    fn framing_errors_are_told_apart() {
        for (line, error) in [
            ("REQUEST\t1\t2\t3", FramingError::Number),
            ("REQUEST\t1\t2\t3\t00", FramingError::Cookie),
            (
                "REQUEST\t1\t2\t3\tzz0102030405060708090a0b0c0d0e0f",
                FramingError::Cookie,
            ),
            ("USER\t1", FramingError::Number),
            ("USER\t0\ta@b.example", FramingError::Number),
            ("USER\t1\ta\u{1}", FramingError::Escape),
            ("AUTH\t1", FramingError::Command),
        ] {
            assert_eq!(parse(line.as_bytes()), Err(error), "{line:?}");
        }
    }
}
