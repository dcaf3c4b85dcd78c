//! The certificates of the HTTPS listeners, exchanged while they serve.

use arc_swap::ArcSwap;
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PemFiles {
    /// The certificate with its chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// A pair of files that no certificate can be served from.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or holds no PEM.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// The two do not belong together, or the key is of a kind that cannot sign.
    #[error("{} and {} cannot be used together: {source}", files.certificate.display(), files.key.display())]
    Pair {
        /// Which files.
        files: PemFiles,
        /// Why.
        source: rustls::Error,
    },
    /// No pair at all was configured.
    #[error("no certificate is configured")]
    None,
    /// The protocol versions cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// The certificates in use. The first one answers names that no certificate is for.
#[derive(Debug)]
pub struct Certificates {
    files: Vec<PemFiles>,
    provider: Arc<CryptoProvider>,
    current: ArcSwap<Vec<Arc<CertifiedKey>>>,
}

impl Certificates {
    /// Loads every pair.
    ///
    /// # Errors
    /// The first pair that cannot be used.
    pub fn load(files: Vec<PemFiles>) -> Result<Arc<Self>, TlsError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let keys = read(&files, &provider)?;
        Ok(Arc::new(Self {
            files,
            provider,
            current: ArcSwap::from_pointee(keys),
        }))
    }

    /// Reads the files again. Connections made from now on get the new certificates; with an error
    /// the old ones stay in use, so a half-written file costs nothing but a warning.
    ///
    /// # Errors
    /// The first pair that cannot be used.
    pub fn reload(&self) -> Result<(), TlsError> {
        let keys = read(&self.files, &self.provider)?;
        self.current.store(Arc::new(keys));
        Ok(())
    }

    /// The configuration of a listener that serves these certificates.
    ///
    /// # Errors
    /// The crypto provider knows no protocol version.
    pub fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, TlsError> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    fn key_for(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let keys = self.current.load();
        let name = name.and_then(|name| ServerName::try_from(name).ok());
        let named = name.and_then(|name| keys.iter().find(|key| is_for(key, &name)));
        named.or_else(|| keys.first()).cloned()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.key_for(hello.server_name())
    }
}

fn is_for(key: &CertifiedKey, name: &ServerName<'_>) -> bool {
    key.end_entity_cert()
        .and_then(ParsedCertificate::try_from)
        .and_then(|certificate| verify_server_name(&certificate, name))
        .is_ok()
}

fn read(files: &[PemFiles], provider: &CryptoProvider) -> Result<Vec<Arc<CertifiedKey>>, TlsError> {
    if files.is_empty() {
        return Err(TlsError::None);
    }
    files.iter().map(|pair| read_pair(pair, provider)).collect()
}

fn read_pair(files: &PemFiles, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, TlsError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::File { path, source }
    };
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(failed(&files.certificate))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(failed(&files.key))?;
    CertifiedKey::from_der(chain, key, provider)
        .map(Arc::new)
        .map_err(|source| TlsError::Pair {
            files: files.clone(),
            source,
        })
}
