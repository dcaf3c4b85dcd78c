//! Whom we believe to be the provider (design decision 14).

use super::certificate::{Certificates, Facts, Fingerprint};
use super::error::TlsFault;
use model::time::{Clock, Timestamp};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
};
use std::sync::Arc;
use std::time::Duration;

/// How one provider's certificate is trusted at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Trust {
    /// By the public authorities.
    Public,
    /// By the public authorities and these certificates.
    And(Certificates),
    /// Exactly this certificate, whatever its names and dates.
    Only(Fingerprint),
    /// Any certificate. The peer still has to prove that it holds the certificate's key.
    Any,
}

/// Where the public authorities come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Roots {
    /// Mozilla's list, built in.
    #[default]
    Bundled,
    /// The system's list, with what its administrator added.
    System,
}

impl Roots {
    /// Loads them. Certificates that cannot be parsed are left out, as every TLS library does.
    pub(crate) fn load(self) -> RootCertStore {
        let mut store = RootCertStore::empty();
        match self {
            Self::Bundled => store.add_parsable_certificates(
                webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned(),
            ),
            Self::System => {
                store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)
            }
        };
        store
    }
}

/// The TLS settings for one provider. HTTP/2 is offered first.
pub(crate) fn config(
    trust: &Trust,
    roots: &RootCertStore,
    clock: Arc<dyn Clock>,
) -> Result<ClientConfig, TlsFault> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = Verifier::new(trust, roots, &provider)?;
    let mut config = ClientConfig::builder_with_details(provider, Arc::new(Time(clock)))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsFault::Other(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Our clock as the library takes it.
struct Time(Arc<dyn Clock>);

impl std::fmt::Debug for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Time")
    }
}

impl TimeProvider for Time {
    fn current_time(&self) -> Option<UnixTime> {
        let secs = u64::try_from(self.0.now().secs()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(secs)))
    }
}

/// Verifies by the provider's trust and says in our own words what is wrong.
#[derive(Debug)]
struct Verifier {
    by: By,
    algorithms: WebPkiSupportedAlgorithms,
}

#[derive(Debug)]
enum By {
    /// A chain to an authority, or one of the certificates an administrator pasted, itself.
    Chain {
        chain: Arc<WebPkiServerVerifier>,
        pasted: Vec<CertificateDer<'static>>,
    },
    Only(Fingerprint),
    Any,
}

impl Verifier {
    fn new(
        trust: &Trust,
        roots: &RootCertStore,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, TlsFault> {
        let mut pasted = Vec::new();
        let mut roots = roots.clone();
        if let Trust::And(certificates) = trust {
            pasted.extend(certificates.iter().cloned());
            roots.add_parsable_certificates(certificates.iter().cloned());
        }
        let by = match trust {
            Trust::Only(fingerprint) => By::Only(*fingerprint),
            Trust::Any => By::Any,
            Trust::Public | Trust::And(_) => By::Chain {
                chain: WebPkiServerVerifier::builder_with_provider(
                    Arc::new(roots),
                    Arc::clone(provider),
                )
                .build()
                .map_err(|error| TlsFault::Other(error.to_string()))?,
                pasted,
            },
        };
        Ok(Self {
            by,
            algorithms: provider.signature_verification_algorithms,
        })
    }

    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), TlsFault> {
        match &self.by {
            By::Any => Ok(()),
            By::Only(expected) => {
                let observed = Fingerprint::of(leaf);
                if observed == *expected {
                    return Ok(());
                }
                Err(TlsFault::NotPinned {
                    expected: expected.to_string(),
                    observed: observed.to_string(),
                })
            }
            By::Chain { pasted, .. } if pasted.iter().any(|der| der == leaf) => {
                judge_pasted(leaf, name, now)
            }
            By::Chain { chain, .. } => chain
                .verify_server_cert(leaf, intermediates, name, &[], now)
                .map(|_| ())
                .map_err(|error| explain(&error, leaf, name)),
        }
    }
}

/// A server's own certificate, pasted where authorities are expected: what people with one
/// self-signed certificate do. Chain building refuses it (it is marked as an authority, or is
/// not), so names and dates are checked here.
fn judge_pasted(
    leaf: &CertificateDer<'_>,
    name: &ServerName<'_>,
    now: UnixTime,
) -> Result<(), TlsFault> {
    let facts =
        Facts::read(leaf).ok_or_else(|| TlsFault::Other("unreadable certificate".to_owned()))?;
    let now = Timestamp::from_secs(i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
    if now > facts.ends {
        return Err(TlsFault::Expired { ended: facts.ends });
    }
    if now < facts.starts {
        return Err(TlsFault::NotYetValid {
            starts: facts.starts,
        });
    }
    rustls::server::ParsedCertificate::try_from(leaf)
        .and_then(|parsed| rustls::client::verify_server_name(&parsed, name))
        .map_err(|error| explain(&error, leaf, name))
}

fn explain(error: &rustls::Error, leaf: &CertificateDer<'_>, name: &ServerName<'_>) -> TlsFault {
    let rustls::Error::InvalidCertificate(why) = error else {
        return TlsFault::Other(error.to_string());
    };
    let Some(facts) = Facts::read(leaf) else {
        return TlsFault::Other("unreadable certificate".to_owned());
    };
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            TlsFault::Expired { ended: facts.ends }
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            TlsFault::NotYetValid {
                starts: facts.starts,
            }
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsFault::WrongName {
                expected: name.to_str().into_owned(),
                presented: facts.names,
            }
        }
        // A certificate that vouches for itself fails in several ways, by how it is marked.
        _ if facts.self_issued => TlsFault::SelfSigned {
            subject: facts.subject,
            sha256: facts.sha256.to_string(),
        },
        CertificateError::UnknownIssuer => TlsFault::UnknownIssuer {
            issuer: facts.issuer,
            sha256: facts.sha256.to_string(),
        },
        other => TlsFault::Other(format!("{other:?}")),
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.judge(leaf, intermediates, name, now)
            .map(|()| ServerCertVerified::assertion())
            .map_err(|fault| CertificateError::Other(OtherError(Arc::new(fault))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The fault our verifier reported, out of the library's error; or the library's words.
pub(crate) fn fault(error: &rustls::Error) -> TlsFault {
    if let rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) = error
        && let Some(fault) = inner.downcast_ref::<TlsFault>()
    {
        return fault.clone();
    }
    match error {
        rustls::Error::InvalidMessage(_) => {
            TlsFault::Other("no TLS is spoken there (is it the port for http?)".to_owned())
        }
        other => TlsFault::Other(other.to_string()),
    }
}
