//! The least of an IMAP server that webmail needs to open an empty mailbox: it stands in for the
//! mail engine in tests that are about signing in on the web, and is no IMAP server otherwise.
//!
//! Nobody gets in but by `AUTHENTICATE XOAUTH2` with an access token that the provider's userinfo
//! knows as that of this very address.

use super::RelyingPartyError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use reqwest::Client;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

const CAPABILITY: &str = "CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2";

/// A running server; dropped, it listens no more.
pub struct Mailbox {
    address: SocketAddr,
    opened: Arc<Mutex<Vec<String>>>,
    serving: AbortHandle,
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Mailbox {
    /// Listens on a free loopback port. `userinfo` is asked whose token it is.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn serve(userinfo: &str) -> Result<Self, RelyingPartyError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let opened: Arc<Mutex<Vec<String>>> = Arc::default();
        let (userinfo, seen) = (userinfo.to_owned(), Arc::clone(&opened));
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (userinfo, seen) = (userinfo.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    if let Err(error) = converse(stream, &userinfo, &seen).await {
                        tracing::debug!(%error, "conversation ended");
                    }
                });
            }
        });
        Ok(Self {
            address,
            opened,
            serving: serving.abort_handle(),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whose mailbox was opened, in order, once for each connection.
    #[must_use]
    pub fn opened(&self) -> Vec<String> {
        self.opened.lock().clone()
    }
}

async fn converse(
    stream: TcpStream,
    userinfo: &str,
    opened: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    let greeting = format!("* OK [{CAPABILITY}] ready\r\n");
    writer.write_all(greeting.as_bytes()).await?;
    let mut inside = false;
    while let Some(line) = lines.next_line().await? {
        let mut words = line.split(' ');
        let tag = words.next().unwrap_or_default();
        let verb = words.next().unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            "AUTHENTICATE" => {
                let response = match words.nth(1) {
                    Some(response) => response.to_owned(),
                    None => {
                        writer.write_all(b"+ \r\n").await?;
                        lines.next_line().await?.unwrap_or_default()
                    }
                };
                match admitted(&response, userinfo).await {
                    Some(address) => {
                        opened.lock().push(address);
                        inside = true;
                        format!("{tag} OK [{CAPABILITY}] welcome\r\n")
                    }
                    None => format!("{tag} NO [AUTHENTICATIONFAILED] no such token\r\n"),
                }
            }
            "CAPABILITY" => format!("* {CAPABILITY}\r\n{tag} OK done\r\n"),
            "LOGOUT" => format!("* BYE\r\n{tag} OK done\r\n"),
            _ if !inside => format!("{tag} NO sign in first\r\n"),
            verb => format!("{}{tag} OK done\r\n", empty(verb)),
        };
        writer.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

/// What an empty mailbox has to say.
fn empty(verb: &str) -> &'static str {
    match verb {
        "LIST" => "* LIST () \"/\" INBOX\r\n",
        "LSUB" => "* LSUB () \"/\" INBOX\r\n",
        "NAMESPACE" => "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n",
        "STATUS" => "* STATUS INBOX (MESSAGES 0 RECENT 0 UNSEEN 0 UIDNEXT 1 UIDVALIDITY 1)\r\n",
        "SELECT" | "EXAMINE" => {
            "* FLAGS ()\r\n* 0 EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 1]\r\n* OK [UIDNEXT 1]\r\n"
        }
        "SEARCH" | "UID" => "* SEARCH\r\n",
        _ => "",
    }
}

/// The address that both the client and the provider name for this token.
async fn admitted(response: &str, userinfo: &str) -> Option<String> {
    let response = String::from_utf8(STANDARD.decode(response).ok()?).ok()?;
    let mut parts = response.split('\u{1}');
    let address = parts.next()?.strip_prefix("user=")?;
    let bearer = parts.next()?.strip_prefix("auth=")?;
    let asked = client()?.get(userinfo).header("Authorization", bearer);
    let person: Value = asked.send().await.ok()?.json().await.ok()?;
    (person["email"] == address).then(|| address.to_owned())
}

/// Providers of tests listen on loopback without TLS.
fn client() -> Option<Client> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let tls = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let client = Client::builder().tls_backend_preconfigured(tls).no_proxy();
    client.build().ok()
}
