//! Certificates as administrators paste them and as messages name them.

use model::time::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::sync::Arc;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// How many bytes of certificates are taken from a form, a file or the store: more than any bundle a
/// company has, less than a mistake.
pub const MAX_PEM: usize = 64 * 1024;

/// How many certificates a CA field takes.
pub const MAX_CERTIFICATES: usize = 50;

/// Why a pasted text is not a set of certificates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// Over [`MAX_PEM`].
    #[error("longer than {} KiB", MAX_PEM / 1024)]
    TooLong,
    /// Holds a private key. It is not kept.
    #[error("this holds a private key; paste the certificate only, and treat that key as exposed")]
    PrivateKey,
    /// No certificate in it.
    #[error("no certificate in PEM form found; one begins with -----BEGIN CERTIFICATE-----")]
    None,
    /// More than [`MAX_CERTIFICATES`].
    #[error("more than {MAX_CERTIFICATES} certificates")]
    TooMany,
    /// A block that is no certificate.
    #[error("certificate {0} of the text cannot be read")]
    Unreadable(usize),
}

/// Certificates that an administrator trusts for one provider: of an authority, or the server's
/// own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Certificates(Arc<[CertificateDer<'static>]>);

impl Certificates {
    /// Reads PEM text. Wherever certificates are typed, this says what is wrong with them.
    ///
    /// # Errors
    /// [`PemError`].
    pub fn parse(pem: &str) -> Result<Self, PemError> {
        if pem.len() > MAX_PEM {
            return Err(PemError::TooLong);
        }
        if pem.contains("PRIVATE KEY-----") {
            return Err(PemError::PrivateKey);
        }
        let mut found = Vec::new();
        for block in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let number = found.len() + 1;
            if number > MAX_CERTIFICATES {
                return Err(PemError::TooMany);
            }
            let der = block.map_err(|_| PemError::Unreadable(number))?;
            Facts::read(&der).ok_or(PemError::Unreadable(number))?;
            found.push(der);
        }
        if found.is_empty() {
            return Err(PemError::None);
        }
        Ok(Self(found.into()))
    }

    /// What each of them is, for the settings page.
    #[must_use]
    pub fn facts(&self) -> Vec<Facts> {
        self.0.iter().filter_map(|der| Facts::read(der)).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.0.iter()
    }
}

/// Not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 fingerprint has 64 hexadecimal digits")]
pub struct FingerprintError;

/// The SHA-256 of a certificate's DER form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of this certificate.
    #[must_use]
    pub fn of(der: &[u8]) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }

    /// From hexadecimal digits; colons and spaces between them do not count.
    ///
    /// # Errors
    /// [`FingerprintError`].
    pub fn parse(text: &str) -> Result<Self, FingerprintError> {
        let digits: Vec<u32> = text
            .chars()
            .filter(|c| !matches!(c, ':' | ' '))
            .map(|c| c.to_digit(16))
            .collect::<Option<_>>()
            .ok_or(FingerprintError)?;
        if digits.len() != 64 {
            return Err(FingerprintError);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = u8::try_from(pair[0] * 16 + pair[1]).map_err(|_| FingerprintError)?;
        }
        Ok(Self(bytes))
    }
}

/// Lower-case hexadecimal digits.
impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a certificate says of itself, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Whom it names: the common name, or the first of [`Facts::names`], or the whole subject.
    pub subject: String,
    /// Who issued it, likewise.
    pub issuer: String,
    /// Host names and addresses it is valid for.
    pub names: Vec<String>,
    /// Its start.
    pub starts: Timestamp,
    /// Its end.
    pub ends: Timestamp,
    /// Whether issuer and subject are the same.
    pub self_issued: bool,
    /// Its fingerprint.
    pub sha256: Fingerprint,
}

impl Facts {
    /// Reads them; `None` for what is no certificate.
    #[must_use]
    pub fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let names = names(&certificate);
        let common = |name: &x509_parser::x509::X509Name<'_>| {
            name.iter_common_name()
                .next()
                .and_then(|part| part.as_str().ok())
                .map(|text| oidc::foreign::printable(text, 100))
        };
        let whole = |name: &x509_parser::x509::X509Name<'_>| {
            oidc::foreign::printable(&name.to_string(), 200)
        };
        Some(Self {
            subject: common(certificate.subject())
                .or_else(|| names.first().cloned())
                .unwrap_or_else(|| whole(certificate.subject())),
            issuer: common(certificate.issuer()).unwrap_or_else(|| whole(certificate.issuer())),
            starts: Timestamp::from_secs(certificate.validity().not_before.timestamp()),
            ends: Timestamp::from_secs(certificate.validity().not_after.timestamp()),
            self_issued: certificate.subject().as_raw() == certificate.issuer().as_raw(),
            sha256: Fingerprint::of(der),
            names,
        })
    }
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    extension
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(oidc::foreign::printable(name, 100)),
            GeneralName::IPAddress(bytes) => <[u8; 4]>::try_from(*bytes)
                .map(|b| std::net::IpAddr::from(b).to_string())
                .or_else(|_| {
                    <[u8; 16]>::try_from(*bytes).map(|b| std::net::IpAddr::from(b).to_string())
                })
                .ok(),
            _ => None,
        })
        .take(20)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn self_signed() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec!["auth.lan".into()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn pasted_certificates_are_read_and_named() {
        let (cert, _) = self_signed();
        let text = format!("Our CA:\n{cert}\n{cert}");
        let facts = Certificates::parse(&text).unwrap().facts();
        assert_eq!(facts.len(), 2);
        assert_eq!(facts[0].names, ["auth.lan"]);
        assert!(facts[0].self_issued && facts[0].starts < facts[0].ends);
    }

    #[test]
    fn wrong_pastes_are_refused_with_the_reason() {
        let (cert, key) = self_signed();
        let parse = |text: &str| Certificates::parse(text).unwrap_err();
        assert_eq!(parse(&key), PemError::PrivateKey);
        assert_eq!(parse(&format!("{cert}{key}")), PemError::PrivateKey);
        assert_eq!(parse(""), PemError::None);
        assert_eq!(parse("auth.lan"), PemError::None);
        assert_eq!(parse(&cert.repeat(51)), PemError::TooMany);
        let long = format!("{cert}{}", " ".repeat(MAX_PEM));
        assert_eq!(parse(&long), PemError::TooLong);
        assert_eq!(parse(&long).to_string(), "longer than 64 KiB");
        let most = format!("{cert}{}", " ".repeat(MAX_PEM - cert.len()));
        assert!(Certificates::parse(&most).is_ok());
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(parse(&format!("{cert}{garbage}")), PemError::Unreadable(2));
    }

    #[test]
    fn fingerprints_are_read_as_people_copy_them() {
        let of = Fingerprint::of(b"abc");
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of.to_string(), hex);
        assert_eq!(Fingerprint::parse(hex), Ok(of));
        let colons: Vec<_> = hex
            .to_uppercase()
            .as_bytes()
            .chunks(2)
            .map(|pair| String::from_utf8(pair.to_vec()).unwrap())
            .collect();
        assert_eq!(Fingerprint::parse(&colons.join(":")), Ok(of));
        for bad in [
            "",
            "ba78",
            &hex[1..],
            &format!("{hex}00"),
            &hex.replace('b', "g"),
        ] {
            assert_eq!(Fingerprint::parse(bad), Err(FingerprintError), "{bad}");
        }
    }
}
