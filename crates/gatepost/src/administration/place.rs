//! The data directory, for a command that works without a server.
//!
//! Started by root, such a command becomes the account that owns the store, so that what it makes
//! belongs to the web worker, and can do no more than that.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown};
use std::path::PathBuf;

use nix::unistd::{Gid, Uid, User, setgid, setgroups, setuid};

use crate::channel::control::Ids;
use crate::config::{Account, Config, Layout};

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// An account of `[users]` does not exist.
    #[error("there is no account {0} yet; \"gatepost serve\" prints the command that makes it")]
    NoAccount(String),
    /// The account database does not answer.
    #[error("cannot look up the account {name}: {source}")]
    Lookup {
        /// The name.
        name: String,
        /// The system's reason.
        source: nix::Error,
    },
    /// A directory cannot be made.
    #[error("cannot prepare {}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Root could not become the store's owner.
    #[error("cannot become user {uid}, who owns {}: {source}", path.display())]
    Become {
        /// The owner.
        uid: u32,
        /// The directory of the store.
        path: PathBuf,
        /// The system's reason.
        source: nix::Error,
    },
}

impl PlaceError {
    /// Whether the system's reason is such a one.
    pub(crate) fn source_is(&self, holds: impl Fn(&io::Error) -> bool) -> bool {
        match self {
            Self::Directory { source, .. } => holds(source),
            Self::NoAccount(_) | Self::Lookup { .. } | Self::Become { .. } => false,
        }
    }
}

/// Makes the data directory, which holds the lock, if there is none yet.
pub(super) fn make_data(layout: &Layout) -> Result<(), PlaceError> {
    // As the keeper makes it: the engines' accounts have places below it.
    let mode = if is_root() { 0o711 } else { 0o700 };
    DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(layout.data())
        .map_err(|source| PlaceError::Directory {
            path: layout.data().to_owned(),
            source,
        })
}

/// Makes the store's directory as the keeper would, if there is none yet. Call with the lock held.
pub(super) fn make_store(config: &Config) -> Result<(), PlaceError> {
    let path = config.layout().store();
    if path.exists() {
        return Ok(());
    }
    let owner = if is_root() {
        let web = ids(&config.users.web)?;
        let auth = ids(&config.users.auth)?;
        Some((web.uid, auth.gid))
    } else {
        None
    };
    let make = || {
        DirBuilder::new().mode(0o700).create(&path)?;
        if let Some((uid, gid)) = owner {
            chown(&path, Some(uid), Some(gid))?;
            // Files made inside get the auth worker's group, which may read them.
            fs::set_permissions(&path, Permissions::from_mode(0o2750))?;
        }
        Ok(())
    };
    make().map_err(|source| PlaceError::Directory {
        path: path.clone(),
        source,
    })
}

/// Root becomes whoever owns the store, for good. Files made from now on can be read by their
/// group at most.
pub(super) fn become_owner(layout: &Layout) -> Result<(), PlaceError> {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o027));
    let path = layout.store();
    let owner = fs::metadata(&path).map_err(|source| PlaceError::Directory {
        path: path.clone(),
        source,
    })?;
    let uid = owner.uid();
    if !is_root() || uid == 0 {
        return Ok(());
    }
    setgroups(&[])
        .and_then(|()| setgid(Gid::from_raw(owner.gid())))
        .and_then(|()| setuid(Uid::from_raw(uid)))
        .map_err(|source| PlaceError::Become { uid, path, source })
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn ids(account: &Account) -> Result<Ids, PlaceError> {
    match account {
        Account::Ids { uid, gid } => Ok(Ids {
            uid: *uid,
            gid: *gid,
        }),
        Account::Name(name) => {
            let user = User::from_name(name).map_err(|source| PlaceError::Lookup {
                name: name.clone(),
                source,
            })?;
            let user = user.ok_or_else(|| PlaceError::NoAccount(name.clone()))?;
            Ok(Ids {
                uid: user.uid.as_raw(),
                gid: user.gid.as_raw(),
            })
        }
    }
}
