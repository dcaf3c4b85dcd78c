//! The certificate that lets Dovecot's filter scripts, and nobody else on this host, hand mail to
//! Postfix's internal listener.
//!
//! Both ends show this one self-signed certificate and trust only it. Its key lies in the run
//! directory, readable by root, so it is made anew whenever that directory is (at boot).

use rcgen::generate_simple_self_signed;

use crate::files::{FileError, replace};
use crate::layout::Layout;

/// Why the internal certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum InternalTlsError {
    /// Key or certificate generation failed.
    #[error("making the internal certificate: {0}")]
    Generate(#[from] rcgen::Error),
    /// Could not be written.
    #[error(transparent)]
    Write(#[from] FileError),
}

/// Makes the certificate if either file is missing. A running Postfix and Dovecot hold the old one
/// until they reload, so an existing pair is kept.
pub(crate) fn ensure(layout: &Layout) -> Result<(), InternalTlsError> {
    let certificate = layout.internal_certificate();
    let key = layout.internal_key();
    if certificate.is_file() && key.is_file() {
        return Ok(());
    }
    // Dovecot connects to an address of this host and checks the certificate against it.
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let pair = generate_simple_self_signed(names)?;
    replace(&key, 0o600, pair.signing_key.serialize_pem().as_bytes())?;
    replace(&certificate, 0o644, pair.cert.pem().as_bytes())?;
    Ok(())
}
