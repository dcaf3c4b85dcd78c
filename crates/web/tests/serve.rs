//! The serving loop over real sockets: protocols, slow and idle clients, shares, planned stops,
//! certificates.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use axum::Router;
use axum::routing::get;
use rustls::pki_types::ServerName;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use web::client_addr::{PeerAddr, TrustedProxies};
use web::serve::{Limits, Listener, serve};
use web::tls::{Certificates, PemFiles, TlsError};

/// No wait in these tests may take longer.
const PATIENCE: Duration = Duration::from_secs(20);

struct Running {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    served: JoinHandle<io::Result<()>>,
}

fn start(router: Router, limits: Limits, tls: Option<Arc<rustls::ServerConfig>>) -> Running {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = socket.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let listeners = vec![Listener { socket, tls }];
    let served = tokio::spawn(serve(
        listeners,
        router,
        TrustedProxies::default(),
        limits,
        stopped,
    ));
    Running { addr, stop, served }
}

fn hello() -> Router {
    Router::new().route(
        "/",
        get(|peer: axum::Extension<PeerAddr>| async move { format!("hello {}", peer.0.0.ip()) }),
    )
}

fn quick() -> Limits {
    Limits {
        headers: Duration::from_millis(300),
        idle: Duration::from_millis(300),
        idle_when_busy: Duration::from_millis(100),
        handshake: Duration::from_millis(300),
        linger: Duration::from_millis(300),
        ..Limits::default()
    }
}

async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), close: bool) -> String {
    let close = if close { "connection: close\r\n" } else { "" };
    let request = format!("GET / HTTP/1.1\r\nhost: a\r\n{close}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).await.unwrap();
    answer.truncate(length);
    String::from_utf8(answer).unwrap()
}

/// How long the server keeps a connection open on which nothing (more) is sent.
async fn closed_after(stream: &mut (impl AsyncRead + Unpin)) -> Duration {
    let began = Instant::now();
    let mut rest = Vec::new();
    let end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    end.expect("the server did not close the connection").ok();
    began.elapsed()
}

#[tokio::test]
async fn answers_plain_http_and_names_the_peer() {
    let server = start(hello(), Limits::default(), None);
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    let answer = ask(&mut stream, false).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.ends_with("hello 127.0.0.1"), "{answer}");
}

#[tokio::test]
async fn a_client_that_trickles_headers_is_cut_off() {
    let server = start(hello(), quick(), None);
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\nx-slow: ")
        .await
        .unwrap();
    let trickle = async {
        while stream.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, trickle)
        .await
        .expect("still listening");
}

#[tokio::test]
async fn idle_connections_are_closed_before_and_after_a_request() {
    let server = start(hello(), quick(), None);
    let mut silent = TcpStream::connect(server.addr).await.unwrap();
    let mut used = TcpStream::connect(server.addr).await.unwrap();
    ask(&mut used, false).await;
    let (silent, used) = tokio::join!(closed_after(&mut silent), closed_after(&mut used));
    assert!(
        silent < Duration::from_secs(5) && used < Duration::from_secs(5),
        "{silent:?} {used:?}"
    );
}

#[tokio::test]
async fn a_client_that_never_finishes_its_handshake_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let certificates = Certificates::load(vec![pair(dir.path(), "a", &["a.test"])]).unwrap();
    let server = start(
        hello(),
        quick(),
        Some(certificates.server_config().unwrap()),
    );
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    stream.write_all(&[22, 3, 1]).await.unwrap();
    assert!(closed_after(&mut stream).await < Duration::from_secs(5));
}

#[tokio::test]
async fn overlong_headers_are_refused() {
    let server = start(hello(), Limits::default(), None);
    for header in [
        format!("x: {}\r\n", "a".repeat(100_000)),
        "x: a\r\n".repeat(100),
    ] {
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        let request = format!("GET / HTTP/1.1\r\nhost: a\r\n{header}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 431");
    }
}

#[tokio::test]
async fn smuggled_requests_are_refused() {
    let server = start(hello(), Limits::default(), None);
    for framing in [
        "content-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        "content-length: +5\r\n\r\nhello",
        "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        let request = format!("POST / HTTP/1.1\r\nhost: a\r\n{framing}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 400", "{framing}");
    }
}

#[tokio::test]
async fn one_network_cannot_take_all_connections() {
    let limits = Limits {
        per_network: 3,
        ..Limits::default()
    };
    let server = start(hello(), limits, None);
    let mut greedy = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        ask(&mut stream, false).await;
        greedy.push(stream);
    }
    let mut fourth = TcpStream::connect(server.addr).await.unwrap();
    assert!(closed_after(&mut fourth).await < Duration::from_secs(5));
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut neighbour = socket.connect(server.addr).await.unwrap();
    assert!(
        ask(&mut neighbour, false)
            .await
            .ends_with("hello 127.0.0.2")
    );
    // A share given back is free again.
    ask(&mut greedy.pop().unwrap(), true).await;
    let again = async {
        loop {
            let mut stream = TcpStream::connect(server.addr).await.unwrap();
            let sent = stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
            let mut byte = [0];
            if sent.is_ok() && stream.read_exact(&mut byte).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, again)
        .await
        .expect("the share was not given back");
}

#[tokio::test]
async fn a_planned_stop_finishes_what_runs_and_takes_nothing_new() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let router = {
        let (entered, release) = (Arc::clone(&entered), Arc::clone(&release));
        Router::new().route(
            "/",
            get(move || async move {
                entered.notify_one();
                release.notified().await;
                "done"
            }),
        )
    };
    let server = start(router, Limits::default(), None);
    let mut running = TcpStream::connect(server.addr).await.unwrap();
    let mut idle = TcpStream::connect(server.addr).await.unwrap();
    running
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    tokio::time::timeout(PATIENCE, entered.notified())
        .await
        .unwrap();
    server.stop.send(true).unwrap();
    assert!(
        closed_after(&mut idle).await < Duration::from_secs(5),
        "idle ones close at once"
    );
    assert!(
        TcpStream::connect(server.addr).await.is_err(),
        "nothing new is accepted"
    );
    release.notify_one();
    let mut answer = String::new();
    running.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("done"), "{answer}");
    let served = tokio::time::timeout(PATIENCE, server.served).await.unwrap();
    served.unwrap().unwrap();
}

#[tokio::test]
async fn a_planned_stop_answers_a_request_that_is_on_its_way() {
    let server = start(hello(), Limits::default(), None);
    // The second is accepted after the first, so when it is answered the first is accepted too.
    let mut fresh = TcpStream::connect(server.addr).await.unwrap();
    let mut other = TcpStream::connect(server.addr).await.unwrap();
    ask(&mut other, true).await;
    server.stop.send(true).unwrap();
    closed_after(&mut other).await;
    let answer = ask(&mut fresh, false).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer:?}");
    let served = tokio::time::timeout(PATIENCE, server.served).await;
    served.expect("the stop hangs").unwrap().unwrap();
}

#[tokio::test]
async fn a_stuck_request_does_not_hold_up_a_stop_for_ever() {
    let router = Router::new().route("/", get(std::future::pending::<&'static str>));
    let limits = Limits {
        drain: Duration::from_millis(200),
        ..Limits::default()
    };
    let server = start(router, limits, None);
    let mut stuck = TcpStream::connect(server.addr).await.unwrap();
    stuck
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    server.stop.send(true).unwrap();
    let served = tokio::time::timeout(PATIENCE, server.served).await;
    served.expect("the stop hangs").unwrap().unwrap();
}

/// Writes a certificate for `names` with its key.
fn pair(dir: &Path, stem: &str, names: &[&str]) -> PemFiles {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let files = PemFiles {
        certificate: dir.join(format!("{stem}.pem")),
        key: dir.join(format!("{stem}.key")),
    };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    files
}

/// Takes any certificate: these tests look at which one is shown.
#[derive(Debug)]
struct AnyCertificate(Arc<rustls::crypto::CryptoProvider>);

impl rustls::client::danger::ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &[rustls::pki_types::CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &rustls::pki_types::CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &rustls::pki_types::CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

async fn secure(addr: SocketAddr, name: &str, alpn: &[u8]) -> TlsStream<TcpStream> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let stream = TcpStream::connect(addr).await.unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap()
}

fn shown(stream: &TlsStream<TcpStream>) -> Vec<u8> {
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

fn der(files: &PemFiles) -> Vec<u8> {
    use rustls::pki_types::pem::PemObject as _;
    rustls::pki_types::CertificateDer::from_pem_file(&files.certificate)
        .unwrap()
        .to_vec()
}

#[tokio::test]
async fn shows_each_name_its_certificate_and_speaks_both_protocols() {
    let dir = tempfile::tempdir().unwrap();
    let one = pair(dir.path(), "one", &["mail.example.org"]);
    let two = pair(dir.path(), "two", &["*.example.net"]);
    let certificates = Certificates::load(vec![one.clone(), two.clone()]).unwrap();
    let server = start(
        hello(),
        Limits::default(),
        Some(certificates.server_config().unwrap()),
    );
    for (name, files) in [
        ("mail.example.org", &one),
        ("mail.example.net", &two),
        ("unknown.test", &one),
    ] {
        let mut stream = secure(server.addr, name, b"http/1.1").await;
        assert_eq!(shown(&stream), der(files), "{name}");
        assert!(ask(&mut stream, false).await.ends_with("hello 127.0.0.1"));
    }
    let stream = secure(server.addr, "mail.example.org", b"h2").await;
    let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::get("https://mail.example.org/")
        .body(())
        .unwrap();
    let (answer, _) = sender.send_request(request, true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
    drop(sender);
    connection.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_flood_of_opened_and_reset_streams_ends_the_connection() {
    let dir = tempfile::tempdir().unwrap();
    let certificates = Certificates::load(vec![pair(dir.path(), "a", &["a.test"])]).unwrap();
    let tls = certificates.server_config().unwrap();
    let router = Router::new().route("/", get(std::future::pending::<&'static str>));
    let server = start(router, Limits::default(), Some(tls));
    let stream = secure(server.addr, "a.test", b"h2").await;
    let (mut sender, connection) = h2::client::Builder::new()
        .max_concurrent_reset_streams(100_000)
        .handshake::<_, bytes::Bytes>(stream)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let flood = async {
        for _ in 0..10_000 {
            let Ok(ready) = sender.clone().ready().await else {
                return true;
            };
            sender = ready;
            let request = http::Request::get("https://a.test/").body(()).unwrap();
            let Ok((_, mut stream)) = sender.send_request(request, true) else {
                return true;
            };
            stream.send_reset(h2::Reason::CANCEL);
            tokio::task::yield_now().await;
        }
        false
    };
    let ended = tokio::time::timeout(PATIENCE, flood).await.unwrap();
    assert!(ended, "10,000 resets went through");
    assert!(connection.await.unwrap().is_err());
}

#[tokio::test]
async fn new_certificates_are_taken_up_and_broken_ones_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let files = pair(dir.path(), "a", &["a.test"]);
    let first = der(&files);
    let certificates = Certificates::load(vec![files.clone()]).unwrap();
    let server = start(
        hello(),
        Limits::default(),
        Some(certificates.server_config().unwrap()),
    );
    let now = async || shown(&secure(server.addr, "a.test", b"http/1.1").await);
    assert_eq!(now().await, first);

    let good_key = std::fs::read(&files.key).unwrap();
    std::fs::write(&files.certificate, "-----BEGIN CERT").unwrap();
    let error = certificates.reload().unwrap_err();
    assert!(error.to_string().contains("a.pem"), "{error}");
    assert_eq!(now().await, first);

    pair(dir.path(), "a", &["a.test"]);
    std::fs::write(&files.key, good_key).unwrap();
    let error = certificates.reload().unwrap_err();
    assert!(
        matches!(error, TlsError::Pair { .. }),
        "key and certificate differ: {error}"
    );
    assert_eq!(now().await, first);

    let second = der(&pair(dir.path(), "a", &["a.test"]));
    certificates.reload().unwrap();
    assert_eq!(now().await, second);
    assert_ne!(first, second);
}
