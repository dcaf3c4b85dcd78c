//! The certificate in use: a checked copy of what the configuration names.
//!
//! Everybody reads the copy in the run directory: the web worker, which may not read the
//! original's key, and both engines. So a renewal that is half written, or a key that does not fit,
//! reaches nobody: the last good pair stays in use (F11).

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use engines::certs::{self, CertificateError};
use engines::description::CertificateFiles;
use model::time::{Clock, Timestamp};
use serde::{Deserialize, Serialize};

use super::accounts::Accounts;
use super::files::{Owner, write};
use crate::config::{Config, TlsMode};

/// How long a self-signed certificate is valid. Some mail programs refuse more than 825 days.
const VALID_DAYS: u64 = 800;
/// It is made anew this long before its end.
const RENEW_DAYS_BEFORE: u64 = 60;

/// Why there is no certificate to use.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesError {
    /// The named pair cannot be used.
    #[error(transparent)]
    Pair(#[from] CertificateError),
    /// The copy cannot be made.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// No self-signed certificate could be made.
    #[error("cannot make a self-signed certificate: {0}")]
    SelfSigned(#[from] rcgen::Error),
}

/// Watches the originals and keeps the copy.
#[derive(Debug)]
pub(super) struct Certificates {
    originals: Option<CertificateFiles>,
    copy: CertificateFiles,
    web_gid: u32,
    /// What the originals looked like when they were last looked at.
    seen: Option<[Stamp; 2]>,
}

/// Tells whether a file was written or replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

/// Beside a self-signed pair: what it was made for.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct MadeFor {
    names: Vec<String>,
    at: Timestamp,
}

impl Certificates {
    /// Makes the copy; for `self-signed` first the pair itself, unless there is a good one.
    pub(super) fn open(
        config: &Config,
        accounts: &Accounts,
        clock: &dyn Clock,
    ) -> Result<Self, CertificatesError> {
        let layout = config.layout();
        let originals = match (config.tls.mode, config.tls.named_files()) {
            (TlsMode::SelfSigned, _) => Some(self_signed(config, clock)?),
            (_, Some((cert, key))) => Some(CertificateFiles {
                certificate: cert.to_owned(),
                key: key.to_owned(),
            }),
            (_, None) => None,
        };
        let mut certificates = Self {
            originals,
            copy: CertificateFiles {
                certificate: layout.certificate(),
                key: layout.certificate_key(),
            },
            web_gid: accounts.web.gid,
            seen: None,
        };
        match certificates.refresh() {
            Ok(_) => {}
            // A server that went down with a good pair comes up with it.
            Err(error) if certs::check(&certificates.copy).is_ok() => {
                tracing::error!(%error, "the certificate cannot be used, the last good one stays");
            }
            Err(error) => return Err(error),
        }
        Ok(certificates)
    }

    /// The copy, unless the server works without a certificate of its own.
    pub(super) fn files(&self) -> Option<&CertificateFiles> {
        self.originals.as_ref().map(|_| &self.copy)
    }

    /// Takes over originals that changed since the last look; `true` if the copy is new.
    pub(super) fn refresh(&mut self) -> Result<bool, CertificatesError> {
        let Some(originals) = &self.originals else {
            return Ok(false);
        };
        let now = stamp(&originals.certificate).zip(stamp(&originals.key));
        let now = now.map(|(certificate, key)| [certificate, key]);
        if now.is_some() && now == self.seen {
            return Ok(false);
        }
        // Also after a failure: the same bad pair is not complained about at every look.
        self.seen = now;
        certs::check(originals)?;
        copy(&originals.key, &self.copy.key, 0o640, self.web_gid)?;
        copy(
            &originals.certificate,
            &self.copy.certificate,
            0o644,
            self.web_gid,
        )?;
        Ok(true)
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let data = fs::metadata(path).ok()?;
    Some(Stamp {
        inode: data.ino(),
        size: data.len(),
        modified: (data.mtime(), data.mtime_nsec()),
    })
}

fn copy(from: &Path, to: &Path, mode: u32, gid: u32) -> Result<(), CertificatesError> {
    let failed = |source| CertificatesError::Write {
        path: to.to_owned(),
        source,
    };
    let bytes = zeroize::Zeroizing::new(fs::read(from).map_err(failed)?);
    write(
        to,
        &bytes,
        mode,
        Owner {
            uid: None,
            gid: Some(gid),
        },
    )
    .map_err(failed)
}

/// A pair for this server's names, made anew when the names changed or its end comes near.
fn self_signed(config: &Config, clock: &dyn Clock) -> Result<CertificateFiles, CertificatesError> {
    let directory = config.layout().self_signed();
    let files = CertificateFiles {
        certificate: directory.join("cert.pem"),
        key: directory.join("key.pem"),
    };
    let note = directory.join("made-for.json");
    let mut names = vec![
        config.public_url.host().to_owned(),
        config.mail_hostname().to_owned(),
    ];
    names.extend(config.hosts.iter().map(|host| host.as_str().to_owned()));
    names.sort();
    names.dedup();
    let now = clock.now();
    let day = model::time::DAY;
    let made_for: Option<MadeFor> = fs::read(&note)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let young = |at| now.since(at) < day * days(VALID_DAYS - RENEW_DAYS_BEFORE);
    if made_for.is_some_and(|made| made.names == names && young(made.at))
        && certs::check(&files).is_ok()
    {
        return Ok(files);
    }
    let mut parameters = rcgen::CertificateParams::new(names.clone())?;
    let moment = |at: Timestamp| {
        time::OffsetDateTime::from_unix_timestamp(at.secs())
            .unwrap_or(time::OffsetDateTime::UNIX_EPOCH)
    };
    // A day back for clocks that are behind.
    parameters.not_before = moment(now.minus(day));
    parameters.not_after = moment(now.plus(day * days(VALID_DAYS)));
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(
        rcgen::DnType::CommonName,
        config.public_url.host().to_owned(),
    );
    let key = rcgen::KeyPair::generate()?;
    let certificate = parameters.self_signed(&key)?;
    let made = MadeFor { names, at: now };
    let put = |path: &Path, bytes: &[u8], mode| {
        write(path, bytes, mode, Owner::default()).map_err(|source| CertificatesError::Write {
            path: path.to_owned(),
            source,
        })
    };
    put(
        &files.key,
        zeroize::Zeroizing::new(key.serialize_pem()).as_bytes(),
        0o600,
    )?;
    put(&files.certificate, certificate.pem().as_bytes(), 0o644)?;
    // Two lists of plain values: writing them as JSON cannot fail.
    put(&note, &serde_json::to_vec(&made).unwrap_or_default(), 0o644)?;
    tracing::warn!(
        names = made.names.join(" "),
        "made a self-signed certificate: browsers and mail programs will warn about it"
    );
    Ok(files)
}

fn days(days: u64) -> u32 {
    u32::try_from(days).unwrap_or(u32::MAX)
}
