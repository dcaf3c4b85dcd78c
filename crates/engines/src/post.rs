//! Mail that Gatepost itself writes, handed to our Postfix over SMTP.
//!
//! Only to addresses of domains that this server receives mail for: Postfix relays for nobody who
//! did not sign in, and we do not. Where an alias leads from there is Postfix's to know.

use std::net::SocketAddr;
use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use model::address::{Address, DomainName};

/// Why a letter was not taken. All are worth another try.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// It cannot be written as a message.
    #[error("the message cannot be written: {0}")]
    Message(String),
    /// Postfix is away, or refused it.
    #[error("Postfix did not take the message: {0}")]
    Refused(#[from] lettre::transport::smtp::Error),
    /// No answer in time.
    #[error("Postfix did not answer in time")]
    TimedOut,
}

/// The way to our Postfix. Cheap to clone; each letter makes its own connection.
#[derive(Debug, Clone)]
pub struct Post {
    smtp: SocketAddr,
    hostname: DomainName,
}

/// For one letter, from the connection to the last answer.
const LIMIT: Duration = Duration::from_secs(20);

impl Post {
    /// By the listener at `smtp`; `hostname` is this mail server's own name.
    #[must_use]
    pub const fn new(smtp: SocketAddr, hostname: DomainName) -> Self {
        Self { smtp, hostname }
    }

    /// Hands over a letter of plain text, from the postmaster of the recipient's domain. It has no
    /// return path: nobody would read what bounces.
    ///
    /// # Errors
    /// See [`PostError`]; `Ok` means that it is in Postfix's queue.
    pub async fn send(&self, to: &Address, subject: &str, text: &str) -> Result<(), PostError> {
        let (envelope, message) = written(to, subject, text)?;
        let transport =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(self.smtp.ip().to_string())
                .port(self.smtp.port())
                .hello_name(ClientId::Domain(self.hostname.to_string()))
                .timeout(Some(LIMIT))
                .build();
        let sent = tokio::time::timeout(LIMIT, transport.send_raw(&envelope, &message)).await;
        sent.map_err(|_| PostError::TimedOut)??;
        Ok(())
    }
}

/// Envelope and message (Postfix adds its Message-ID), with CRLF at the end of every line: lettre before 0.11.24 lets a bare LF
/// and a dot end a message (RUSTSEC-2026-0561).
fn written(to: &Address, subject: &str, text: &str) -> Result<(Envelope, Vec<u8>), PostError> {
    let problem = |error: &dyn std::fmt::Display| PostError::Message(error.to_string());
    let recipient: lettre::Address = to.as_str().parse().map_err(|e| problem(&e))?;
    let sender = lettre::Address::new("postmaster", to.domain().as_str());
    let sender = Mailbox::new(
        Some("Gatepost".to_owned()),
        sender.map_err(|e| problem(&e))?,
    );
    let envelope = Envelope::new(None, vec![recipient.clone()]).map_err(|e| problem(&e))?;
    let one_line: String = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    let message = Message::builder()
        .from(sender)
        .to(Mailbox::new(None, recipient))
        .subject(one_line)
        .date_now()
        .header(ContentType::TEXT_PLAIN)
        .raw_header(automatic())
        .envelope(envelope.clone())
        .body(with_crlf(text))
        .map_err(|e| problem(&e))?;
    Ok((envelope, with_crlf_bytes(&message.formatted())))
}

/// Tells out-of-office programs not to answer (RFC 3834).
fn automatic() -> HeaderValue {
    HeaderValue::new(
        HeaderName::new_from_ascii_str("Auto-Submitted"),
        "auto-generated".to_owned(),
    )
}

fn with_crlf(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    for line in text.replace("\r\n", "\n").split(['\n', '\r']) {
        out.push_str(line);
        out.push_str("\r\n");
    }
    out
}

/// The same for a whole message: whatever wrote it, no LF stands alone in it.
fn with_crlf_bytes(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 64);
    let mut before = 0;
    for &byte in message {
        if byte == b'\n' && before != b'\r' {
            out.push(b'\r');
        }
        out.push(byte);
        before = byte;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn letter(subject: &str, text: &str) -> String {
        let to = Address::parse("postmaster@example.org").unwrap();
        let (_, bytes) = written(&to, subject, text).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_letter_says_who_wrote_it_and_wants_no_answer() {
        let letter = letter("3 people were refused", "Hello\nWorld");
        for part in [
            "From: Gatepost <postmaster@example.org>\r\n",
            "To: postmaster@example.org\r\n",
            "Subject: 3 people were refused\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "\r\n\r\nHello\r\nWorld\r\n",
        ] {
            assert!(letter.contains(part), "{part:?} in {letter}");
        }
    }

    #[test]
    fn no_line_of_a_subject_becomes_a_header() {
        let letter = letter("a\r\nBcc: eve@example.net\n\nx", "text");
        assert!(!letter.contains("\nBcc:"), "{letter}");
    }

    proptest! {
        #[test]
        fn no_bare_line_end_reaches_postfix(text in "[a-z.\r\n\u{e4}]{0,60}", subject in "\\PC{0,40}") {
            let letter = letter(&subject, &text);
            let bytes = letter.as_bytes();
            for (at, byte) in bytes.iter().enumerate() {
                match byte {
                    b'\n' => prop_assert_eq!(bytes[at - 1], b'\r'),
                    b'\r' => prop_assert_eq!(bytes[at + 1], b'\n'),
                    _ => {}
                }
            }
        }
    }
}
