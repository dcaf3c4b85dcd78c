//! Ending a person's mail sessions, through Dovecot's HTTP administration interface.
//!
//! Used after the revocation has been committed: live sessions do not end by themselves, and a
//! login in flight is checked once more after its password was accepted, so nobody slips between.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use model::address::{Address, DomainName};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// Where the administration interface listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A unix socket.
    Unix(PathBuf),
    /// TCP on loopback.
    Tcp(SocketAddr),
}

/// Why sessions could not be ended. All are worth another try.
#[derive(Debug, thiserror::Error)]
pub enum KickError {
    /// Dovecot is not there, or the socket is closed to this account.
    #[error("Dovecot's administration interface cannot be reached: {0}")]
    Connect(std::io::Error),
    /// The conversation broke off.
    #[error("Dovecot's administration interface: {0}")]
    Http(String),
    /// No answer in time.
    #[error("Dovecot's administration interface did not answer in time")]
    TimedOut,
    /// The key is not the one Dovecot was started with.
    #[error("Dovecot's administration interface refused the key")]
    Key,
    /// An answer that says neither yes nor no.
    #[error("Dovecot answered {0}")]
    Answer(String),
}

/// The client. Cheap to clone; each call makes its own connection.
#[derive(Debug, Clone)]
pub struct Kicker {
    endpoint: Endpoint,
    api_key: SecretString,
}

const LIMIT: Duration = Duration::from_secs(10);
const LARGEST_ANSWER: usize = 4 << 20;

impl Kicker {
    /// For the interface at `endpoint` (see [`crate::layout::kick_endpoint`]) with the key of
    /// [`crate::description::Kick`].
    #[must_use]
    pub const fn new(endpoint: Endpoint, api_key: SecretString) -> Self {
        Self { endpoint, api_key }
    }

    /// Ends every IMAP, POP3 and ManageSieve session of `mailbox`, idle ones included, and returns
    /// how many there were. A session that begins during the call may survive it: the revocation
    /// that the login itself meets must come first.
    ///
    /// # Errors
    /// See [`KickError`].
    pub async fn kick(&self, mailbox: &Address) -> Result<u32, KickError> {
        // An address in canonical form holds no `*` or `?`, so the mask matches nobody else.
        self.kick_all(mailbox.as_str()).await
    }

    /// As [`Kicker::kick`], for all mailboxes of a domain in one call.
    ///
    /// # Errors
    /// See [`KickError`].
    pub async fn kick_domain(&self, domain: &DomainName) -> Result<u32, KickError> {
        // No `*` or `?` in a name either, and no `@` in front of it but the one of the address.
        self.kick_all(&format!("*@{}", domain.as_str())).await
    }

    async fn kick_all(&self, mask: &str) -> Result<u32, KickError> {
        let both = async {
            let sessions = sessions_of(&self.ask("who", mask).await?)?;
            ended(&self.ask("kick", mask).await?, sessions)
        };
        let answer = tokio::time::timeout(LIMIT, both).await;
        answer.map_err(|_| KickError::TimedOut)?
    }

    async fn ask(&self, command: &str, mask: &str) -> Result<Bytes, KickError> {
        let command = serde_json::json!([[command, { "mask": [mask] }, command]]);
        self.post(command.to_string()).await
    }

    async fn post(&self, body: String) -> Result<Bytes, KickError> {
        match &self.endpoint {
            Endpoint::Unix(path) => {
                let stream = UnixStream::connect(path).await;
                self.exchange(stream.map_err(KickError::Connect)?, body)
                    .await
            }
            Endpoint::Tcp(address) => {
                let stream = TcpStream::connect(address).await;
                self.exchange(stream.map_err(KickError::Connect)?, body)
                    .await
            }
        }
    }

    async fn exchange<S>(&self, stream: S, body: String) -> Result<Bytes, KickError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let broken = |error: hyper::Error| KickError::Http(error.to_string());
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream))
                .await
                .map_err(broken)?;
        // Ends with the connection, at the latest when the sender below is dropped.
        tokio::spawn(connection);
        let request = self
            .request(body)
            .map_err(|error| KickError::Http(error.to_string()))?;
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LARGEST_ANSWER)
            .collect()
            .await
            .map_err(|error| KickError::Http(error.to_string()))?
            .to_bytes();
        match status {
            StatusCode::OK => Ok(body),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(KickError::Key),
            other => Err(KickError::Answer(other.to_string())),
        }
    }

    fn request(&self, body: String) -> Result<Request<Full<Bytes>>, http::Error> {
        let key = STANDARD.encode(self.api_key.expose_secret());
        let mut authorization = HeaderValue::try_from(format!("X-Dovecot-API {key}"))?;
        authorization.set_sensitive(true);
        Request::builder()
            .method(Method::POST)
            .uri("/doveadm/v1")
            .header(HOST, "localhost")
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
    }
}

/// One answer: kind, content, the tag of its command.
#[derive(Debug, Deserialize)]
struct Answer(
    String,
    serde_json::Value,
    #[expect(dead_code, reason = "each request holds one command")] String,
);

/// sysexits(3), what doveadm ends with when nobody matches the mask.
const EX_NOUSER: i64 = 68;

fn unexpected(answer: &[u8]) -> KickError {
    KickError::Answer(String::from_utf8_lossy(answer).chars().take(300).collect())
}

/// The sessions that `who` tells of, one line for each user and service.
///
/// Dovecot 2.3 closes the list after its first line and goes on, so that two lines are no JSON any
/// more; the numbers are read from between. A quotation mark within a value is escaped, so the name
/// of the field is found nowhere else.
fn sessions_of(answer: &[u8]) -> Result<u32, KickError> {
    let text = std::str::from_utf8(answer).map_err(|_| unexpected(answer))?;
    if !text.starts_with(r#"[["doveadmResponse",["#) {
        return Err(unexpected(answer));
    }
    let mut count: u32 = 0;
    for line in text.split(r#""connections":""#).skip(1) {
        let number = line.split('"').next().and_then(|n| n.parse::<u32>().ok());
        count = count.saturating_add(number.ok_or_else(|| unexpected(answer))?);
    }
    Ok(count)
}

/// The answer to `kick`: `sessions` if it ended any.
fn ended(answer: &[u8], sessions: u32) -> Result<u32, KickError> {
    let answers: Vec<Answer> = serde_json::from_slice(answer).map_err(|_| unexpected(answer))?;
    match answers.first() {
        Some(Answer(kind, _, _)) if kind == "doveadmResponse" => Ok(sessions),
        // Between the two commands the last one ended by itself, or there was none.
        Some(Answer(kind, detail, _))
            if kind == "error" && detail["exitCode"].as_i64() == Some(EX_NOUSER) =>
        {
            Ok(0)
        }
        _ => Err(unexpected(answer)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_of_all_services_are_counted() {
        // As Dovecot 2.3.19 wrote it, no JSON.
        let answer = br#"[["doveadmResponse",[
            {"username":"a@x.org","connections":"2","service":"imap","pids":"(1 2)","ips":"(::1)"}],
            {"username":"a@x.org","connections":"1","service":"pop3","pids":"(3)","ips":"(::1)"},
            "who"]]"#;
        assert_eq!(sessions_of(&squeezed(answer)).unwrap(), 3);
        assert_eq!(
            sessions_of(br#"[["doveadmResponse",[],"who"]]"#).unwrap(),
            0
        );
    }

    fn squeezed(answer: &[u8]) -> Vec<u8> {
        let kept = answer.iter().filter(|byte| !byte.is_ascii_whitespace());
        kept.copied().collect()
    }

    #[test]
    fn nobody_to_kick_is_not_an_error() {
        let answer = br#"[["error",{"type":"exitCode", "exitCode":68},"kick"]]"#;
        assert_eq!(ended(answer, 1).unwrap(), 0);
        let answer = br#"[["doveadmResponse",[{"result":"a@x.org"}],"kick"]]"#;
        assert_eq!(ended(answer, 3).unwrap(), 3);
    }

    #[test]
    fn an_answer_that_proves_nothing_is_an_error() {
        for answer in [
            r#"[["error",{"type":"exitCode", "exitCode":75},"kick"]]"#,
            r#"[["doveadmResponse",[{"connections":"many"}],"who"]"#,
            "[]",
            "",
            "<html>",
        ] {
            let kicked = ended(answer.as_bytes(), 1);
            assert!(matches!(kicked, Err(KickError::Answer(_))), "{answer}");
            let found = sessions_of(answer.as_bytes());
            assert!(matches!(found, Err(KickError::Answer(_))), "{answer}");
        }
    }
}
