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
    /// Makes the copy; for `self-signed` first the pair itself, unless there is a good one. Also
    /// returns whether the copy is another one than before.
    pub(super) fn open(
        config: &Config,
        accounts: &Accounts,
        clock: &dyn Clock,
    ) -> Result<(Self, bool), CertificatesError> {
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
        let changed = match certificates.refresh() {
            Ok(changed) => changed,
            // A server that went down with a good pair comes up with it.
            Err(error) if certs::check(&certificates.copy).is_ok() => {
                tracing::error!(%error, "the certificate cannot be used, the last good one stays");
                false
            }
            Err(error) => return Err(error),
        };
        Ok((certificates, changed))
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
        let directory = self.copy.key.parent().unwrap_or(Path::new("/"));
        let next = CertificateFiles {
            certificate: directory.join("next-cert.pem"),
            key: directory.join("next-key.pem"),
        };
        copy(&originals.key, &next.key, 0o640, self.web_gid)?;
        copy(
            &originals.certificate,
            &next.certificate,
            0o644,
            self.web_gid,
        )?;
        // The originals may have changed meanwhile: what is used is what was looked at.
        certs::check(&next)?;
        let changed =
            !same(&next.certificate, &self.copy.certificate) || !same(&next.key, &self.copy.key);
        for (from, to) in [
            (&next.key, &self.copy.key),
            (&next.certificate, &self.copy.certificate),
        ] {
            fs::rename(from, to).map_err(|source| CertificatesError::Write {
                path: to.clone(),
                source,
            })?;
        }
        Ok(changed)
    }
}

fn same(one: &Path, other: &Path) -> bool {
    let read = |path| fs::read(path).map(zeroize::Zeroizing::new).ok();
    read(one) == read(other)
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
        config.client_host().to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(Timestamp);

    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            self.0
        }
    }

    struct Place {
        _dir: tempfile::TempDir,
        config: Config,
        accounts: Accounts,
    }

    /// `tls` are the lines of that section; `{}` in it stands for the directory.
    fn place(tls: &str) -> Place {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_str().unwrap();
        let tls = tls.replace("{}", path);
        let text = format!(
            "public_url = \"https://mail.example.org\"\n[tls]\n{tls}\n\
             [data]\ndir = \"{path}/data\"\n[run]\ndir = \"{path}/run\""
        );
        let file = dir.path().join("gatepost.toml");
        fs::write(&file, text).unwrap();
        let config = Config::load(&file, []).unwrap();
        fs::create_dir_all(config.layout().self_signed()).unwrap();
        fs::create_dir_all(config.layout().certificates()).unwrap();
        let own = crate::channel::control::Ids {
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
        };
        let accounts = Accounts {
            separate: false,
            own_uid: own.uid,
            web: own,
            auth: own,
            mail: own,
            dovecot: None,
            dovecot_login: None,
            postfix: None,
        };
        Place {
            _dir: dir,
            config,
            accounts,
        }
    }

    fn at(day: u64) -> Fixed {
        Fixed(Timestamp::from_secs(1_800_000_000).plus(model::time::DAY * days(day)))
    }

    fn put(place: &Place, name: &str) {
        let pair = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let (cert, key) = place.config.tls.named_files().unwrap();
        fs::write(cert, pair.cert.pem()).unwrap();
        fs::write(key, pair.signing_key.serialize_pem()).unwrap();
    }

    const FILES: &str = "mode = \"files\"\ncert = \"{}/a.pem\"\nkey = \"{}/b.pem\"";

    #[test]
    fn a_new_pair_is_taken_over_and_a_bad_one_is_not() {
        let place = place(FILES);
        let open = || Certificates::open(&place.config, &place.accounts, &at(0));
        let used = || fs::read(place.config.layout().certificate()).unwrap();
        assert!(matches!(open(), Err(CertificatesError::Pair(_))));
        put(&place, "one.example.org");
        let (mut certificates, changed) = open().unwrap();
        assert!(changed);
        assert!(!certificates.refresh().unwrap(), "nothing new");
        assert!(!open().unwrap().1, "the same pair again");
        let first = used();

        // Half a renewal.
        let (cert, _) = place.config.tls.named_files().unwrap();
        let other = rcgen::generate_simple_self_signed(["x".to_owned()]).unwrap();
        fs::write(cert, other.cert.pem()).unwrap();
        assert!(certificates.refresh().is_err());
        assert!(!certificates.refresh().unwrap(), "complained about once");
        assert!(!open().unwrap().1, "a restart goes on with the good pair");
        assert_eq!(used(), first);

        put(&place, "two.example.org");
        assert!(certificates.refresh().unwrap());
        assert_ne!(used(), first);
        assert!(certs::check(certificates.files().unwrap()).is_ok());
    }

    #[test]
    fn a_self_signed_pair_stays_until_names_change_or_its_end_comes_near() {
        let mut place = place("mode = \"self-signed\"");
        let open = |place: &Place, day| {
            Certificates::open(&place.config, &place.accounts, &at(day))
                .unwrap()
                .1
        };
        assert!(open(&place, 0));
        assert!(!open(&place, VALID_DAYS - RENEW_DAYS_BEFORE - 1));
        assert!(open(&place, VALID_DAYS - RENEW_DAYS_BEFORE));
        assert!(!open(&place, VALID_DAYS));
        place
            .config
            .hosts
            .push(model::address::DomainName::parse("imap.example.org").unwrap());
        assert!(open(&place, VALID_DAYS));
    }

    #[test]
    fn behind_a_proxy_without_mail_there_is_none() {
        let mut place = place("mode = \"self-signed\"");
        place.config.tls.mode = TlsMode::Proxy;
        let (mut certificates, changed) =
            Certificates::open(&place.config, &place.accounts, &at(0)).unwrap();
        assert!(!changed && certificates.files().is_none() && !certificates.refresh().unwrap());
    }
}
