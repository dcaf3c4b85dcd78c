//! Dovecot's auth-client protocol, version 1.2: spoken by Dovecot's login processes and by Postfix.

use super::FramingError;
use super::fields::{self, Line};
use crate::decisions::{Origin, Refusal, RefusalKind};
use crate::wire::text;
use std::net::IpAddr;

/// The random proof that a later `REQUEST` belongs to a login on this connection.
pub type Cookie = [u8; 16];

/// Longest name that is echoed in a failure. Dovecot's login process reads lines of at most 8 KiB.
const LONGEST_ECHO: usize = 255;

/// One line from the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientLine<'a> {
    /// `VERSION major minor`. The minor version changes nothing for us.
    Version(u32),
    /// `CPID pid`: the engine process's own id.
    Cpid(u32),
    /// `AUTH`.
    Auth(Auth<'a>),
    /// `CONT id base64`: the next step of an exchange.
    Cont {
        /// Which request.
        id: u32,
        /// The response, still in base64.
        response: &'a [u8],
    },
    /// `CANCEL id`: the mail program is gone; no reply is wanted.
    Cancel(u32),
}

/// A request to authenticate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth<'a> {
    /// Chosen by the engine; echoed in replies.
    pub id: u32,
    /// Everything that the engine told, the mechanism included.
    pub origin: Origin,
    /// No `REQUEST` will follow: Postfix, and tests by `doveadm auth`.
    pub no_login: bool,
    /// The initial response, still in base64; `None` if the mechanism shall start.
    pub response: Option<&'a [u8]>,
}

/// Parses one line without its LF.
///
/// # Errors
/// [`FramingError`] if the line is no line of this protocol.
pub fn parse(line: &[u8]) -> Result<ClientLine<'_>, FramingError> {
    let fields = fields::split(line)?;
    let field = |n: usize| fields.get(n).copied().ok_or(FramingError::Number);
    match fields.first().copied() {
        Some(b"AUTH") => auth(&fields).map(ClientLine::Auth),
        Some(b"CONT") => Ok(ClientLine::Cont {
            id: fields::id(field(1)?)?,
            response: match fields.as_slice() {
                [_, _] => &[],
                [_, _, response] => response,
                _ => return Err(FramingError::TooManyFields),
            },
        }),
        Some(b"CANCEL") => Ok(ClientLine::Cancel(fields::id(field(1)?)?)),
        Some(b"VERSION") => {
            fields::number(field(2)?)?;
            fields::number(field(1)?).map(ClientLine::Version)
        }
        Some(b"CPID") => fields::id(field(1)?).map(ClientLine::Cpid),
        _ => Err(FramingError::Command),
    }
}

/// The id of an `AUTH` or `CONT` line that is too long to be worked on, and whether it is a `CONT`.
///
/// # Errors
/// [`FramingError`] if the line is neither or its id is not one.
pub fn parse_id(line: &[u8]) -> Result<(u32, bool), FramingError> {
    let mut fields = line.splitn(3, |b| *b == b'\t');
    let continued = match fields.next() {
        Some(b"AUTH") => false,
        Some(b"CONT") => true,
        _ => return Err(FramingError::TooLong),
    };
    Ok((fields::id(fields.next().unwrap_or_default())?, continued))
}

fn auth<'a>(fields: &[&'a [u8]]) -> Result<Auth<'a>, FramingError> {
    let [_, id, mechanism, params @ ..] = fields else {
        return Err(FramingError::Number);
    };
    let mut auth = Auth {
        id: fields::id(id)?,
        origin: Origin {
            mechanism: string(mechanism)?.to_ascii_uppercase(),
            ..Origin::default()
        },
        no_login: false,
        response: None,
    };
    let origin = &mut auth.origin;
    for param in params {
        // `resp` is last: a field behind it would mean that we and the engine disagree on framing.
        if auth.response.is_some() {
            return Err(FramingError::Order);
        }
        let (key, value) = fields::pair(param);
        match key {
            // 2.3 and Postfix say `service`, 2.4 says `protocol`.
            b"service" | b"protocol" => origin.service = string(value)?,
            b"rip" => origin.remote = address(value)?,
            b"lip" => origin.local = address(value)?,
            b"rport" => origin.remote_port = port(value),
            b"lport" => origin.local_port = port(value),
            b"secured" => origin.secured = true,
            b"session" => origin.session = Some(string(value)?),
            b"no-penalty" => origin.no_penalty = true,
            b"nologin" => auth.no_login = true,
            b"resp" => auth.response = Some(value),
            _ => drop(fields::unescape(value)?),
        }
    }
    Ok(auth)
}

fn string(field: &[u8]) -> Result<String, FramingError> {
    Ok(String::from_utf8_lossy(&fields::unescape(field)?).into_owned())
}

/// An address that cannot be read is as good as none: the attempt then counts in a shared bucket.
fn address(field: &[u8]) -> Result<Option<IpAddr>, FramingError> {
    let text = string(field)?;
    Ok(text.parse().ok().map(|ip: IpAddr| ip.to_canonical()))
}

fn port(field: &[u8]) -> Option<u16> {
    fields::number(field).ok().and_then(|n| n.try_into().ok())
}

/// Writes the server's side of the handshake.
pub fn greet(
    out: &mut Vec<u8>,
    mechanisms: impl IntoIterator<Item = &'static str>,
    server_pid: u32,
    connection: u32,
    cookie: &Cookie,
) {
    Line::new(out, "VERSION").number(1).number(2).end();
    for mechanism in mechanisms {
        // Every mechanism we have carries the secret in the clear: hidden until TLS is on.
        Line::new(out, "MECH")
            .word(mechanism)
            .word("plaintext")
            .end();
    }
    Line::new(out, "SPID").number(server_pid).end();
    Line::new(out, "CUID").number(connection).end();
    Line::new(out, "COOKIE")
        .field(hex::encode(cookie).as_bytes())
        .end();
    Line::new(out, "DONE").end();
}

/// Writes a challenge.
pub fn challenge(out: &mut Vec<u8>, id: u32, base64: &str) {
    Line::new(out, "CONT")
        .number(id)
        .field(base64.as_bytes())
        .end();
}

/// Writes a success; the engine goes on under `user`.
pub fn success(out: &mut Vec<u8>, id: u32, user: &str) {
    Line::new(out, "OK")
        .number(id)
        .pair("user", user.as_bytes())
        .end();
}

/// Writes a refusal, for either engine. `name` is for the engine's own log only.
///
/// What people then see, measured with Dovecot 2.3.19: without `code` the text as `[ALERT]`, or
/// `[AUTHENTICATIONFAILED]` if there is none; `pass_expired` `[EXPIRED]`, `authz_fail`
/// `[AUTHORIZATIONFAILED]`, `auth_mech_ssl_required` `[PRIVACYREQUIRED]`, each with the text.
/// Postfix shows the text behind 535 and ignores the rest.
pub fn refusal(out: &mut Vec<u8>, id: u32, name: Option<&str>, refusal: &Refusal) {
    let mut line = Line::new(out, "FAIL").number(id);
    if let Some(name) = name.filter(|name| name.len() <= LONGEST_ECHO) {
        line = line.pair("user", name.as_bytes());
    }
    line = match refusal.kind {
        RefusalKind::WrongCredentials => line,
        RefusalKind::Expired => line.pair("code", b"pass_expired"),
        RefusalKind::NotAllowed => line.word("authz").pair("code", b"authz_fail"),
        RefusalKind::NeedsTls => line.pair("code", b"auth_mech_ssl_required"),
        RefusalKind::Disabled => line.word("user_disabled").pair("code", b"user_disabled"),
    };
    if !refusal.text.is_empty() {
        line = line.pair("reason", text::printable(&refusal.text).as_bytes());
    }
    line.end();
}

/// Writes a fault of ours for Dovecot, which shows it as `[UNAVAILABLE]` only if both words are
/// there. Never for Postfix, which turns any `FAIL` into a permanent 535: close its connection.
pub fn unavailable(out: &mut Vec<u8>, id: u32) {
    Line::new(out, "FAIL")
        .number(id)
        .word("temp")
        .pair("code", b"temp_fail")
        .end();
}

/// Writes the end of an exchange that the mail program did not continue.
pub fn timed_out(out: &mut Vec<u8>, id: u32) {
    Line::new(out, "FAIL").number(id).end();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Auth<'_> {
        match parse(line.as_bytes()) {
            Ok(ClientLine::Auth(auth)) => auth,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_what_dovecot_2_3_sends() {
        let auth = parsed(
            "AUTH\t1\tPLAIN\tservice=imap\tsecured=tls\tsession=abc+/\tlip=10.0.0.1\trip=::ffff:192.0.2.7\tlport=993\trport=50000\tno-penalty\tssl_cipher=x\tresp=AGEAYg==",
        );
        assert_eq!(auth.id, 1);
        assert!(!auth.no_login);
        assert_eq!(auth.response, Some(&b"AGEAYg=="[..]));
        assert_eq!(
            auth.origin,
            Origin {
                mechanism: "PLAIN".into(),
                service: "imap".into(),
                remote: Some("192.0.2.7".parse().unwrap()),
                remote_port: Some(50000),
                local: Some("10.0.0.1".parse().unwrap()),
                local_port: Some(993),
                secured: true,
                session: Some("abc+/".into()),
                no_penalty: true,
            }
        );
    }

    #[test]
    fn reads_what_dovecot_2_4_and_postfix_send() {
        let auth = parsed("AUTH\t9\tlogin\tprotocol=sieve\tfinal-resp-ok\tsecured");
        assert_eq!(auth.origin.mechanism, "LOGIN");
        assert_eq!(auth.origin.service, "sieve");
        assert_eq!(auth.response, None);
        let auth = parsed("AUTH\t2\tPLAIN\tservice=submission\tnologin\tlip=\trip=nonsense\tresp=");
        assert!(auth.no_login);
        assert_eq!(auth.origin.remote, None);
        assert_eq!(auth.response, Some(&b""[..]));
    }

    #[test]
    fn framing_errors_are_told_apart() {
        for (line, error) in [
            ("", FramingError::Command),
            ("HELLO\t1", FramingError::Command),
            ("AUTH", FramingError::Number),
            ("AUTH\t0\tPLAIN", FramingError::Number),
            ("AUTH\t4294967296\tPLAIN", FramingError::Number),
            (
                "AUTH\t1\tPLAIN\tresp=QQ==\tservice=imap",
                FramingError::Order,
            ),
            ("AUTH\t1\tPLAIN\tservice=\u{1}x", FramingError::Escape),
            ("AUTH\t1\tPLAIN\tunknown=\u{1}x", FramingError::Escape),
            ("CONT\tx\tQQ==", FramingError::Number),
            ("CONT\t1\tQQ==\tQQ==", FramingError::TooManyFields),
            ("VERSION\t1", FramingError::Number),
            ("CPID\t0", FramingError::Number),
        ] {
            assert_eq!(parse(line.as_bytes()), Err(error), "{line:?}");
        }
    }

    #[test]
    fn a_hostile_text_or_name_stays_inside_its_field() {
        let mut out = Vec::new();
        let hostile = Refusal {
            code: "MAIL-601",
            text: "no\n1\tOK\tuser=x".into(),
            kind: RefusalKind::Disabled,
            delay: std::time::Duration::ZERO,
        };
        refusal(&mut out, 7, Some("a\tb\n\u{1}"), &hostile);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "FAIL\t7\tuser=a\u{1}tb\u{1}n\u{1}1\tuser_disabled\tcode=user_disabled\treason=no 1 OK user=x\n"
        );
    }
}
