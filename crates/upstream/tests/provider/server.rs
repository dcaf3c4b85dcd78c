//! An HTTP/1.1 server that says exactly what a test wants, byte for byte where it matters.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Asked {
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    pub fn form(&self) -> HashMap<String, String> {
        url::form_urlencoded::parse(self.body.as_bytes())
            .into_owned()
            .collect()
    }
}

/// What to answer.
#[derive(Debug, Clone)]
pub enum Reply {
    /// A whole answer; the connection stays open.
    Full {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// These bytes, then the connection ends.
    Raw(Vec<u8>),
    /// A head that promises a long body, then one byte at a time, without end.
    Drip,
    /// A body without length and without end, as fast as it is taken.
    Flood,
    /// These bytes, then nothing more; the connection stays open.
    Stall(Vec<u8>),
    /// Nothing at all.
    Silence,
}

impl Reply {
    pub fn json(status: u16, body: impl ToString) -> Self {
        Self::typed(status, "application/json", body.to_string())
    }

    pub fn typed(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::Full {
            status,
            headers: vec![("Content-Type", kind.to_owned())],
            body: body.into(),
        }
    }

    pub fn html(status: u16) -> Self {
        Self::typed(status, "text/html", "<!doctype html><title>x</title>")
    }

    pub fn redirect(status: u16, to: &str) -> Self {
        Self::Full {
            status,
            headers: vec![("Location", to.to_owned())],
            body: Vec::new(),
        }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Full { headers, .. } = &mut self {
            headers.push((name, value.into()));
        }
        self
    }
}

type Handler = dyn Fn(&Asked) -> Reply + Send + Sync;

/// A server on a free port of loopback; it ends with the test's runtime.
pub struct Server {
    pub address: SocketAddr,
    tls: bool,
    connections: Arc<AtomicUsize>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub async fn start(handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_tls(None, handler).await
    }

    pub async fn start_tls(
        acceptor: Option<TlsAcceptor>,
        handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            tls: acceptor.is_some(),
            connections: Arc::default(),
            asked: Arc::default(),
        };
        let handler: Arc<Handler> = Arc::new(handler);
        let (connections, asked) = (server.connections.clone(), server.asked.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let (handler, asked) = (handler.clone(), asked.clone());
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(stream, &*handler, &asked).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, &*handler, &asked).await;
                            }
                        }
                    }
                });
            }
        });
        server
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Requests to `path` so far.
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        let asked = self.asked.lock();
        asked.iter().filter(|a| a.path() == path).cloned().collect()
    }

    /// The base URL with the literal address.
    pub fn url(&self) -> String {
        self.named("127.0.0.1")
    }

    /// The base URL with another name for it.
    pub fn named(&self, host: &str) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{host}:{}", self.address.port())
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    handler: &Handler,
    log: &Mutex<Vec<Asked>>,
) {
    let mut buffer = Vec::new();
    while let Some(asked) = read(&mut stream, &mut buffer).await {
        log.lock().push(asked.clone());
        if !answer(&mut stream, handler(&asked)).await {
            return;
        }
    }
}

/// Writes the answer; whether the connection goes on.
async fn answer(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), reply: Reply) -> bool {
    match reply {
        Reply::Full {
            status,
            headers,
            body,
        } => {
            let mut head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n", body.len());
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            head.push_str("\r\n");
            stream.write_all(head.as_bytes()).await.is_ok()
                && stream.write_all(&body).await.is_ok()
                && stream.flush().await.is_ok()
        }
        Reply::Raw(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
            false
        }
        Reply::Drip => {
            let head = b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{";
            let mut open = stream.write_all(head).await.is_ok();
            while open {
                tokio::time::sleep(Duration::from_millis(20)).await;
                open = stream.write_all(b" ").await.is_ok() && stream.flush().await.is_ok();
            }
            false
        }
        Reply::Flood => {
            let head = b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\n\r\n";
            let mut open = stream.write_all(head).await.is_ok();
            while open {
                open = stream.write_all(&[b' '; 16 * 1024]).await.is_ok();
            }
            false
        }
        Reply::Stall(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.flush().await;
            wait_for_the_end(stream).await;
            false
        }
        Reply::Silence => {
            wait_for_the_end(stream).await;
            false
        }
    }
}

async fn wait_for_the_end(stream: &mut (impl AsyncRead + Unpin)) {
    let mut rest = [0; 64];
    while stream.read(&mut rest).await.is_ok_and(|n| n > 0) {}
}

async fn read(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Option<Asked> {
    let head_end = loop {
        if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        more(stream, buffer).await?;
    };
    let head = String::from_utf8(buffer[..head_end].to_vec()).unwrap();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let headers: HashMap<_, _> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    while buffer.len() < head_end + length {
        more(stream, buffer).await?;
    }
    let body = String::from_utf8(buffer[head_end..head_end + length].to_vec()).unwrap();
    buffer.drain(..head_end + length);
    Some(Asked {
        method: first.next()?.to_owned(),
        target: first.next()?.to_owned(),
        headers,
        body,
    })
}

async fn more(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Option<()> {
    let mut chunk = [0; 4096];
    let count = stream.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
    buffer.extend_from_slice(&chunk[..count]);
    Some(())
}
