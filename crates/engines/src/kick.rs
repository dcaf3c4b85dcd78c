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
use model::address::Address;
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
        let mask = [mailbox.as_str()];
        let commands = serde_json::json!([
            ["who", {"mask": mask}, "who"],
            ["kick", {"mask": mask}, "kick"],
        ]);
        let answer = tokio::time::timeout(LIMIT, self.post(commands.to_string()))
            .await
            .map_err(|_| KickError::TimedOut)??;
        sessions_ended(&answer)
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
struct Answer(String, serde_json::Value, String);

/// One line of `who`: the sessions of one user in one service. Dovecot 2.3 writes the number as
/// text.
#[derive(Debug, Deserialize)]
struct Who {
    connections: String,
}

/// sysexits(3), what doveadm ends with when nobody matches the mask.
const EX_NOUSER: i64 = 68;

fn sessions_ended(answer: &[u8]) -> Result<u32, KickError> {
    let unexpected = || {
        let text: String = String::from_utf8_lossy(answer).chars().take(300).collect();
        KickError::Answer(text)
    };
    let answers: Vec<Answer> = serde_json::from_slice(answer).map_err(|_| unexpected())?;
    let find = |wanted: &str| answers.iter().find(|Answer(_, _, tag)| tag == wanted);
    let Some(Answer(kind, sessions, _)) = find("who") else {
        return Err(unexpected());
    };
    if kind != "doveadmResponse" {
        return Err(unexpected());
    }
    let lines = Vec::<Who>::deserialize(sessions).map_err(|_| unexpected())?;
    let mut count: u32 = 0;
    for line in lines {
        let connections: u32 = line.connections.parse().map_err(|_| unexpected())?;
        count = count.saturating_add(connections);
    }
    match find("kick") {
        Some(Answer(kind, _, _)) if kind == "doveadmResponse" => Ok(count),
        // Between the two commands the last one ended by itself, or there was none.
        Some(Answer(kind, detail, _))
            if kind == "error" && detail["exitCode"].as_i64() == Some(EX_NOUSER) =>
        {
            Ok(0)
        }
        _ => Err(unexpected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_of_all_services_are_counted() {
        let answer = br#"[["doveadmResponse",[
            {"username":"a@x.org","connections":"2","service":"imap","pids":"(1 2)","ips":"(::1)"},
            {"username":"a@x.org","connections":"1","service":"pop3","pids":"(3)","ips":"(::1)"}
        ],"who"],["doveadmResponse",[{"result":"a@x.org"}],"kick"]]"#;
        assert_eq!(sessions_ended(answer).unwrap(), 3);
    }

    #[test]
    fn nobody_to_kick_is_not_an_error() {
        let answer = br#"[["doveadmResponse",[],"who"],
            ["error",{"type":"exitCode", "exitCode":68},"kick"]]"#;
        assert_eq!(sessions_ended(answer).unwrap(), 0);
    }

    #[test]
    fn an_answer_that_proves_nothing_is_an_error() {
        for answer in [
            r#"[["doveadmResponse",[],"who"],["error",{"type":"exitCode", "exitCode":75},"kick"]]"#,
            r#"[["doveadmResponse",[],"kick"]]"#,
            r#"[["doveadmResponse",[{"connections":"many"}],"who"],["doveadmResponse",[],"kick"]]"#,
            "[]",
            "",
            "<html>",
        ] {
            assert!(
                matches!(sessions_ended(answer.as_bytes()), Err(KickError::Answer(_))),
                "{answer}"
            );
        }
    }
}
