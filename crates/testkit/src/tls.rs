//! Certificates that nobody knows, and a server socket that uses them.

use axum::serve::Listener;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Why there is no certificate or no listener.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate could not be made.
    #[error(transparent)]
    Certificate(#[from] rcgen::Error),
    /// The server takes no such certificate.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    /// The port could not be bound.
    #[error(transparent)]
    Bind(#[from] io::Error),
}

/// A certificate authority of one test.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A server certificate with its key.
pub struct Certificate {
    /// The certificate in PEM, without its authority.
    pub certificate_pem: String,
    /// The private key in PEM (PKCS#8).
    pub key_pem: String,
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    /// A new authority.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn new() -> Result<Self, TlsError> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "A test's own authority");
        Ok(Self {
            issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)?,
        })
    }

    /// Its certificate in PEM, for those that are to trust it.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for these names and IP addresses.
    ///
    /// # Errors
    /// When a name is none or no key can be made.
    pub fn issue(&self, names: &[&str]) -> Result<Certificate, TlsError> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(names)?.signed_by(&key, &self.issuer)?;
        Ok(Certificate {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            certificate,
            key,
        })
    }
}

/// A loopback port that speaks TLS, for servers on axum such as `lab::serve_at`.
pub struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl TlsListener {
    /// Binds a free port on 127.0.0.1.
    ///
    /// # Errors
    /// When the certificate does not fit its key or there is no port.
    pub async fn bind(certificate: &Certificate) -> Result<Self, TlsError> {
        let chain = vec![certificate.certificate.der().clone()];
        let key = PrivateKeyDer::Pkcs8(certificate.key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        let tcp = TcpListener::bind(("127.0.0.1", 0)).await?;
        Ok(Self {
            tcp,
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.tcp).await;
            // One handshake at a time: a test has one client. A client that goes away over a
            // certificate that it does not trust is what some tests are about.
            match self.acceptor.accept(stream).await {
                Ok(stream) => return (stream, address),
                Err(error) => tracing::debug!(%error, "handshake ended"),
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.address()
    }
}
