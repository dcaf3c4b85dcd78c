//! Postfix's policy delegation protocol (`SMTPD_POLICY_README`): `name=value` lines, an empty line.

use super::{FramingError, lines};
use crate::decisions::PolicyAnswer;
use crate::wire::text;
use std::net::IpAddr;

/// Longest request, all lines together.
const LONGEST: usize = lines::HARD_LIMIT;

/// One question of an SMTP server. Values are as the client sent them, with bytes that are not UTF-8
/// replaced; what Postfix left empty is `None` or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyRequest {
    /// Stage of the SMTP session, such as `RCPT`.
    pub protocol_state: String,
    /// The login, as our own OK named it; `None` if the session is not signed in.
    pub sasl_username: Option<String>,
    /// SASL mechanism.
    pub sasl_method: Option<String>,
    /// Envelope sender; empty for bounces.
    pub sender: String,
    /// Envelope recipient.
    pub recipient: String,
    /// The client's address.
    pub client_address: Option<IpAddr>,
    /// The client's port.
    pub client_port: Option<u16>,
    /// The port it connected to.
    pub server_port: Option<u16>,
    /// TLS version; `None` without TLS.
    pub encryption_protocol: Option<String>,
    /// The same for all requests of one message.
    pub instance: String,
    /// Queue id, once there is one.
    pub queue_id: Option<String>,
    /// Announced message size in bytes.
    pub size: Option<u64>,
}

/// The first request of `bytes` and how many bytes it took; `None` if it has not arrived whole yet.
///
/// # Errors
/// [`FramingError::Policy`] for a line that is not `name=value`, a line with NUL, or a request of
/// another kind; [`FramingError::TooLong`] above 64 KiB.
pub fn take(bytes: &[u8]) -> Result<Option<(PolicyRequest, usize)>, FramingError> {
    let mut request = PolicyRequest::default();
    let mut ours = false;
    let mut used = 0;
    loop {
        if used > LONGEST {
            return Err(FramingError::TooLong);
        }
        let Some((line, length)) = lines::take(&bytes[used..])? else {
            return if bytes.len() > LONGEST {
                Err(FramingError::TooLong)
            } else {
                Ok(None)
            };
        };
        used += length;
        if line.is_empty() {
            break;
        }
        let at = line.iter().position(|b| *b == b'=');
        let (name, value) = match at {
            Some(at) if !line.contains(&0) => (&line[..at], &line[at + 1..]),
            _ => return Err(FramingError::Policy),
        };
        if name == b"request" {
            ours = value == b"smtpd_access_policy";
        } else {
            set(&mut request, name, &String::from_utf8_lossy(value));
        }
    }
    if ours {
        Ok(Some((request, used)))
    } else {
        Err(FramingError::Policy)
    }
}

fn set(request: &mut PolicyRequest, name: &[u8], value: &str) {
    let some = || (!value.is_empty()).then(|| value.to_owned());
    match name {
        b"protocol_state" => value.clone_into(&mut request.protocol_state),
        b"sasl_username" => request.sasl_username = some(),
        b"sasl_method" => request.sasl_method = some(),
        b"sender" => value.clone_into(&mut request.sender),
        b"recipient" => value.clone_into(&mut request.recipient),
        b"client_address" => {
            request.client_address = value.parse().ok().map(|ip: IpAddr| ip.to_canonical());
        }
        b"client_port" => request.client_port = value.parse().ok(),
        b"server_port" => request.server_port = value.parse().ok(),
        b"encryption_protocol" => request.encryption_protocol = some(),
        b"instance" => value.clone_into(&mut request.instance),
        b"queue_id" => request.queue_id = some(),
        b"size" => request.size = value.parse().ok(),
        _ => {}
    }
}

/// Writes the answer. An access action starts with a word or a number that Postfix reads, so the
/// status comes from us and only the words from elsewhere.
pub fn put(out: &mut Vec<u8>, answer: &PolicyAnswer) {
    let action = match answer {
        PolicyAnswer::Dunno => "DUNNO".to_owned(),
        PolicyAnswer::Refuse { status, text } => format!("550 {status} {}", text::printable(text)),
        PolicyAnswer::Defer { status, text } => format!("450 {status} {}", text::printable(text)),
        // Postfix hangs up after 421 (access(5)).
        PolicyAnswer::Close { status, text } => format!("421 {status} {}", text::printable(text)),
        PolicyAnswer::Unavailable => "451 4.3.0 Temporarily unavailable".to_owned(),
    };
    out.extend_from_slice(b"action=");
    out.extend_from_slice(action.as_bytes());
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "request=smtpd_access_policy\nprotocol_state=RCPT\nsender=a@example.org\nrecipient=b=c@example.net\nsasl_username=a@example.org\nsasl_method=\nclient_address=192.0.2.7\nclient_port=40000\nserver_port=587\nencryption_protocol=TLSv1.3\ninstance=12.3\nsize=10240\nsomething_new=x\n\n";

    #[test]
    fn reads_what_postfix_sends() {
        let (request, used) = take(WHOLE.as_bytes()).unwrap().unwrap();
        assert_eq!(used, WHOLE.len());
        assert_eq!(
            request,
            PolicyRequest {
                protocol_state: "RCPT".into(),
                sasl_username: Some("a@example.org".into()),
                sasl_method: None,
                sender: "a@example.org".into(),
                recipient: "b=c@example.net".into(),
                client_address: Some("192.0.2.7".parse().unwrap()),
                client_port: Some(40000),
                server_port: Some(587),
                encryption_protocol: Some("TLSv1.3".into()),
                instance: "12.3".into(),
                queue_id: None,
                size: Some(10240),
            }
        );
        for end in 0..WHOLE.len() {
            assert_eq!(take(&WHOLE.as_bytes()[..end]), Ok(None), "{end}");
        }
    }

    #[test]
    fn what_is_no_policy_request_is_a_framing_error() {
        for bad in [
            "\n",
            "protocol_state=RCPT\n\n",
            "request=something_else\n\n",
            "request=smtpd_access_policy\nno equals sign\n\n",
            "request=smtpd_access_policy\nsender=a\0b\n\n",
        ] {
            assert_eq!(take(bad.as_bytes()), Err(FramingError::Policy), "{bad:?}");
        }
        let endless = "sender=x\n".repeat(8000);
        assert_eq!(take(endless.as_bytes()), Err(FramingError::TooLong));
    }

    #[test]
    fn words_cannot_become_actions() {
        let mut out = Vec::new();
        put(
            &mut out,
            &PolicyAnswer::Refuse {
                status: "5.7.1",
                text: "no\n\naction=OK".into(),
            },
        );
        put(&mut out, &PolicyAnswer::Unavailable);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "action=550 5.7.1 no  action=OK\n\naction=451 4.3.0 Temporarily unavailable\n\n"
        );
    }
}
