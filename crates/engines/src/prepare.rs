//! The instance's directories, links and secrets, made before the engines start.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret as _;

use crate::description::{Accounts, KickListener, MailSystem, Transport};
use crate::files::{FileError, at, make_directory, replace};
use crate::internal_tls::{self, InternalTlsError};
use crate::layout::Layout;
use crate::postfix;

/// Why the instance's directories are not fit to start in.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// See [`InternalTlsError`].
    #[error(transparent)]
    InternalTls(#[from] InternalTlsError),
    /// The mail directory holds what is somebody else's.
    #[error(
        "{directory} belongs to user {owner} and is not empty, but the mail account is user {mail}: \
         name a directory of its own for mail, or hand this one over with chown -R"
    )]
    Foreign {
        /// The mail directory.
        directory: PathBuf,
        /// Its owner.
        owner: u32,
        /// The mail account.
        mail: u32,
    },
    /// The engines' accounts cannot reach a directory of theirs.
    #[error("{directory} cannot be entered by the mail engines' accounts: chmod a+x {directory}")]
    Closed {
        /// The directory that is in the way.
        directory: PathBuf,
    },
}

/// Makes what is missing. Run again before each start of an engine: it is cheap, and a cleaned run
/// directory heals.
///
/// # Errors
/// See [`PrepareError`].
pub fn prepare(system: &MailSystem) -> Result<(), PrepareError> {
    let layout = Layout::of(&system.directories);
    let directories = &system.directories;
    for directory in [&directories.run, &directories.state, &directories.queue] {
        at(directory, fs::create_dir_all(directory))?;
    }
    claim_mail(system)?;
    make_directory(&directories.mail, 0o750)?;
    if matches!(system.accounts, Accounts::Separate { .. }) {
        check_way(&directories.run)?;
        check_way(&directories.state)?;
        // The mail directory itself is the mail account's alone.
        check_way(directories.mail.parent().unwrap_or(&directories.mail))?;
        if system.transport.is_some() {
            // Postfix makes its own tree in here, with its own owners.
            make_directory(&directories.queue, 0o755)?;
            check_way(&directories.queue)?;
        }
        let mail = system.accounts.mail();
        let owned = chown(&directories.mail, Some(mail.uid), Some(mail.gid));
        at(&directories.mail, owned)?;
    }
    // Dovecot itself insists on 0755 here.
    make_directory(&layout.dovecot_run(), 0o755)?;
    make_directory(&layout.dovecot_state(), 0o755)?;
    make_directory(&layout.secrets_directory(), 0o700)?;
    let key = system.store.kick.api_key.expose_secret();
    replace(&layout.kick_key(), 0o600, key.as_bytes())?;
    kick_directory(system, &layout)?;
    if let Some(transport) = &system.transport {
        internal_tls::ensure(&layout)?;
        relay_passwords(transport, &layout)?;
    }
    let run = layout.dovecot_run();
    link(&system.sockets.dovecot_master, &run.join("auth-master"))?;
    link(&system.sockets.dovecot_userdb, &run.join("auth-userdb"))?;
    Ok(())
}

/// The mail directory is ours if it is missing, empty, or the mail account's already. A mistyped
/// name must not hand `/home` to the mail account.
fn claim_mail(system: &MailSystem) -> Result<(), PrepareError> {
    let directory = &system.directories.mail;
    let mail = system.accounts.mail().uid;
    let owner = match fs::metadata(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        data => at(directory, data)?.uid(),
    };
    if owner == mail {
        return Ok(());
    }
    let mut entries = at(directory, fs::read_dir(directory))?;
    // Every fresh file system has it.
    if entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == "lost+found")) {
        return Ok(());
    }
    Err(PrepareError::Foreign {
        directory: directory.clone(),
        owner,
        mail,
    })
}

fn relay_passwords(transport: &Transport, layout: &Layout) -> Result<(), FileError> {
    let path = layout.relay_passwords();
    if let Some(map) = postfix::v3_7::relay_passwords(transport) {
        return replace(&path, 0o600, map.expose_secret().as_bytes());
    }
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => at(&path, Err(error)),
        _ => Ok(()),
    }
}

fn kick_directory(system: &MailSystem, layout: &Layout) -> Result<(), FileError> {
    let KickListener::Unix { gid } = system.store.kick.listener else {
        return Ok(());
    };
    let directory = layout.kick_directory();
    match system.accounts {
        Accounts::Single { .. } => make_directory(&directory, 0o700),
        Accounts::Separate { .. } => {
            // Closed first: between the two calls nobody else may enter.
            make_directory(&directory, 0o700)?;
            at(&directory, chown(&directory, None, Some(gid)))?;
            make_directory(&directory, 0o750)
        }
    }
}

/// Dovecot clears stale *sockets* out of `base_dir` at start and leaves links alone.
fn link(target: &Path, link: &Path) -> Result<(), FileError> {
    if fs::read_link(link).is_ok_and(|existing| existing == target) {
        return Ok(());
    }
    match fs::remove_file(link) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return at(link, Err(error)),
        _ => {}
    }
    at(link, symlink(target, link))
}

/// Every directory down to `path` must let other accounts through.
fn check_way(path: &Path) -> Result<(), PrepareError> {
    for directory in path.ancestors() {
        let mode = at(directory, fs::metadata(directory))?.permissions().mode();
        if mode & 0o001 == 0 {
            return Err(PrepareError::Closed {
                directory: directory.to_owned(),
            });
        }
    }
    Ok(())
}
