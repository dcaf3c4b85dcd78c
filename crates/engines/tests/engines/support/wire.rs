//! A client for line protocols, in clear or over TLS, strict about what it was told to expect.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub struct Wire {
    stream: BufReader<Box<dyn Stream>>,
    tag: u32,
}

const LIMIT: Duration = Duration::from_secs(15);

fn connector(ca: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(ca).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

impl Wire {
    pub async fn plain(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(reach(address)).await.unwrap())
    }

    /// From another address of this host: one that ends where it starts counts as secured.
    pub async fn plain_from(source: IpAddr, address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((source, 0))).unwrap();
        Self::over(socket.connect(reach(address)).await.unwrap())
    }

    pub async fn tls(address: SocketAddr, ca: &Path) -> Self {
        Self::try_tls(address, ca).await.unwrap()
    }

    pub async fn try_tls(address: SocketAddr, ca: &Path) -> std::io::Result<Self> {
        let stream = TcpStream::connect(reach(address)).await?;
        let name = ServerName::try_from("mail.example.test").unwrap();
        Ok(Self::over(connector(ca).connect(name, stream).await?))
    }

    fn over(stream: impl Stream + 'static) -> Self {
        let stream: Box<dyn Stream> = Box::new(stream);
        Self {
            stream: BufReader::new(stream),
            tag: 0,
        }
    }

    /// Continues over TLS. The name is what the certificate is checked against.
    pub async fn start_tls(self, name: &str, ca: &Path) -> Self {
        assert!(
            self.stream.buffer().is_empty(),
            "talks before the handshake"
        );
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let stream = connector(ca).connect(name, self.stream.into_inner()).await;
        Self::over(stream.unwrap())
    }

    pub async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Without its line end; empty at the end of the connection.
    pub async fn line(&mut self) -> String {
        let mut line = Vec::new();
        timeout(LIMIT, self.stream.read_until(b'\n', &mut line))
            .await
            .expect("no answer in time")
            .unwrap_or_default();
        String::from_utf8_lossy(&line).trim_end().to_owned()
    }

    /// Sends an SMTP command and reads its reply, lines joined by `|`.
    pub async fn smtp(&mut self, command: &str) -> String {
        self.send(&format!("{command}\r\n")).await;
        self.reply().await
    }

    pub async fn reply(&mut self) -> String {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await;
            let last = line.as_bytes().get(3) != Some(&b'-');
            lines.push(line);
            if last {
                return lines.join("|");
            }
        }
    }

    /// Greets and says EHLO; returns what is offered.
    pub async fn ehlo(&mut self) -> String {
        let greeting = self.reply().await;
        assert!(greeting.starts_with("220 "), "{greeting}");
        self.smtp("EHLO client.test").await
    }

    /// MAIL, RCPT and DATA; the reply to whichever was refused, or to the end of the data.
    pub async fn deliver(&mut self, from: &str, to: &str, message: &str) -> String {
        for command in [
            format!("MAIL FROM:<{from}>"),
            format!("RCPT TO:<{to}>"),
            "DATA".to_owned(),
        ] {
            let reply = self.smtp(&command).await;
            if !reply.starts_with(['2', '3']) {
                return reply;
            }
        }
        self.smtp(&format!("{message}\r\n.")).await
    }

    pub async fn smtp_auth(&mut self, user: &str, password: &str) -> String {
        let response = STANDARD.encode(format!("\0{user}\0{password}"));
        self.smtp(&format!("AUTH PLAIN {response}")).await
    }

    /// Sends an IMAP command; everything up to and including its tagged answer.
    pub async fn imap(&mut self, command: &str) -> String {
        self.tag += 1;
        let tag = format!("t{}", self.tag);
        self.send(&format!("{tag} {command}\r\n")).await;
        let mut lines = Vec::new();
        loop {
            let line = self.line().await;
            assert!(
                !(line.is_empty() && lines.len() > 10_000),
                "connection closed: {lines:?}"
            );
            let last = line.starts_with(&format!("{tag} "));
            lines.push(line);
            if last {
                return lines.join("\n");
            }
        }
    }

    /// Signed in over TLS, after the greeting.
    pub async fn imap_login(address: SocketAddr, ca: &Path, user: &str, password: &str) -> Self {
        let mut imap = Self::tls(address, ca).await;
        let greeting = imap.line().await;
        assert!(greeting.starts_with("* OK"), "{greeting}");
        let answer = imap.imap(&format!("LOGIN \"{user}\" \"{password}\"")).await;
        assert!(answer.contains("OK"), "{answer}");
        imap
    }
}

fn reach(address: SocketAddr) -> SocketAddr {
    let mut reached = address;
    if address.ip().is_unspecified() {
        reached.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    reached
}
