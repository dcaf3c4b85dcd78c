//! The certificate shown to mail programs and mail servers.
//!
//! Dovecot's long-lived login processes and Postfix's smtpd keep the certificate they started with.
//! So after both files have been replaced (certificate and key, each by a rename), *both* engines
//! reload; live sessions survive it. A pair that does not fit is not loaded: the engines then go on
//! with the one they have (F11).

use std::path::PathBuf;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::description::CertificateFiles;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// Missing, unreadable or not PEM.
    #[error("{path}: {reason}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The key belongs to another certificate, or is of a kind TLS does not know.
    #[error("{certificate} and {key} do not fit together: {reason}")]
    Mismatch {
        /// The chain.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why.
        reason: String,
    },
}

/// Reads both files and checks that they are one pair. Says nothing about validity or names: an
/// expired certificate is still better than none.
///
/// # Errors
/// See [`CertificateError`].
pub fn check(files: &CertificateFiles) -> Result<(), CertificateError> {
    let read = |path: &PathBuf, reason: String| CertificateError::Read {
        path: path.clone(),
        reason,
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| read(&files.certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(read(&files.certificate, "holds no certificate".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| read(&files.key, error.to_string()))?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    CertifiedKey::from_der(chain, key, &provider)
        .map(|_| ())
        .map_err(|error| CertificateError::Mismatch {
            certificate: files.certificate.clone(),
            key: files.key.clone(),
            reason: error.to_string(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(directory: &std::path::Path, name: &str) -> CertificateFiles {
        let pair = rcgen::generate_simple_self_signed(["mail.example.org".to_owned()]).unwrap();
        let files = CertificateFiles {
            certificate: directory.join(format!("{name}.crt")),
            key: directory.join(format!("{name}.key")),
        };
        std::fs::write(&files.certificate, pair.cert.pem()).unwrap();
        std::fs::write(&files.key, pair.signing_key.serialize_pem()).unwrap();
        files
    }

    #[test]
    fn only_a_pair_that_fits_is_accepted() {
        let root = tempfile::tempdir().unwrap();
        let ours = write(root.path(), "ours");
        let other = write(root.path(), "other");
        check(&ours).unwrap();

        let mixed = CertificateFiles {
            key: other.key,
            ..ours.clone()
        };
        assert!(matches!(
            check(&mixed),
            Err(CertificateError::Mismatch { .. })
        ));
        std::fs::write(&ours.certificate, "").unwrap();
        assert!(matches!(check(&ours), Err(CertificateError::Read { .. })));
        std::fs::remove_file(&ours.key).unwrap();
        assert!(matches!(check(&ours), Err(CertificateError::Read { .. })));
    }
}
