//! The directories of one instance: who owns them and who may pass.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use mailauth::Door;
use rustix::fs::{Gid, Mode, OFlags, Uid};

use super::accounts::Accounts;
use crate::channel::control::DOORS;
use crate::config::Layout;

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A step failed.
    #[error("cannot prepare {}: {source}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Something of others is inside.
    #[error(
        "{} holds files that are not Gatepost's, and would be closed to them: name a directory of \
         its own, empty or not made yet",
        path.display()
    )]
    Occupied {
        /// The directory.
        path: PathBuf,
    },
    /// Somebody else could exchange what is inside.
    #[error(
        "{} belongs to user {owner}, but must belong to the account that starts gatepost (user \
         {own}): chown {own} {}",
        path.display(), path.display()
    )]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// The keeper's user id.
        own: u32,
    },
}

/// Makes the run directory alone, which holds the instance's lock.
pub(super) fn make_run(layout: &Layout, accounts: &Accounts) -> Result<(), DirectoryError> {
    claim(layout.run(), &[layout.instance_lock()])?;
    top(layout.run(), accounts)
}

/// Makes everything else.
///
/// The run and data directories can be passed by everybody, since the engines' accounts have
/// places below them, and are listable by their owner only; what is inside is closed to everybody
/// but the accounts that need it.
pub(super) fn make(layout: &Layout, accounts: &Accounts) -> Result<(), DirectoryError> {
    claim(layout.data(), &[layout.data_lock(), layout.database()])?;
    top(layout.data(), accounts)?;
    // The engines' own accounts have places below these.
    top(&layout.engine_state(), accounts)?;
    top(&layout.queue(), accounts)?;
    let own = accounts.own_uid;
    let shared = if accounts.separate { 0o750 } else { 0o700 };
    // Files made inside get the auth worker's group, which may read them.
    let store = if accounts.separate { 0o2750 } else { 0o700 };
    owned(&layout.store(), accounts.web.uid, accounts.auth.gid, store)?;
    let both = if accounts.separate { 0o770 } else { 0o700 };
    owned(
        &layout.removals(),
        accounts.web.uid,
        accounts.mail.gid,
        both,
    )?;
    owned(&layout.self_signed(), own, own_gid(), 0o700)?;
    owned(&layout.certificates(), own, accounts.web.gid, shared)?;
    owned(
        &layout.keys(),
        own,
        own_gid(),
        if accounts.separate { 0o711 } else { 0o700 },
    )?;
    for door in DOORS {
        let gid = door_gid(accounts, door);
        owned(
            &layout.door_directory(door),
            own,
            gid.unwrap_or_else(own_gid),
            shared,
        )?;
    }
    Ok(())
}

/// The group of the engine's processes that connect to a door; `None` if it is not installed.
pub(super) fn door_gid(accounts: &Accounts, door: Door) -> Option<u32> {
    let ids = match door {
        Door::DovecotLogin => accounts.dovecot_login,
        Door::DovecotMaster => Some(accounts.mail),
        Door::DovecotUserdb => accounts.dovecot,
        Door::PostfixAuth | Door::Socketmap | Door::Policy => accounts.postfix,
    };
    ids.map(|ids| ids.gid)
}

fn own_gid() -> u32 {
    rustix::process::getegid().as_raw()
}

/// A directory named by the configuration is ours if it is not there yet, is empty, or holds one of
/// `marks`. A mistyped name must not close `/var` to everybody else.
fn claim(path: &Path, marks: &[PathBuf]) -> Result<(), DirectoryError> {
    let failed = |source| DirectoryError::Io {
        path: path.to_owned(),
        source,
    };
    let ours = |mark: &PathBuf| fs::symlink_metadata(mark).is_ok_and(|file| file.is_file());
    if marks.iter().any(ours) {
        return Ok(());
    }
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        // Every fresh file system has it.
        if entry.map_err(failed)?.file_name() != "lost+found" {
            return Err(DirectoryError::Occupied {
                path: path.to_owned(),
            });
        }
    }
    Ok(())
}

/// A directory everybody may pass, made with its parents.
fn top(path: &Path, accounts: &Accounts) -> Result<(), DirectoryError> {
    let failed = |source| DirectoryError::Io {
        path: path.to_owned(),
        source,
    };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let mode = if accounts.separate { 0o711 } else { 0o700 };
    match fs::DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
        _ => {}
    }
    let owner = fs::metadata(path).map_err(failed)?.uid();
    if owner != accounts.own_uid {
        let own = accounts.own_uid;
        return Err(DirectoryError::Foreign {
            path: path.to_owned(),
            owner,
            own,
        });
    }
    if accounts.separate {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
            .map_err(failed)?;
    }
    Ok(())
}

/// A directory below one that only the keeper can change, so its name is what we made it.
fn owned(path: &Path, uid: u32, gid: u32, mode: u32) -> Result<(), DirectoryError> {
    let make = || -> io::Result<()> {
        match fs::DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::open(path, flags, Mode::empty())?;
        rustix::fs::fchown(
            &directory,
            Some(Uid::from_raw(uid)),
            Some(Gid::from_raw(gid)),
        )?;
        rustix::fs::fchmod(&directory, Mode::from_raw_mode(mode))?;
        Ok(())
    };
    make().map_err(|source| DirectoryError::Io {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_ours_if_it_is_new_empty_or_marked() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("place");
        let marks = [place.join("lock")];
        claim(&place, &marks).unwrap();
        fs::create_dir_all(place.join("lost+found")).unwrap();
        claim(&place, &marks).unwrap();
        // As in /var and /run.
        fs::create_dir(place.join("lock")).unwrap();
        let refused = claim(&place, &marks);
        assert!(matches!(refused, Err(DirectoryError::Occupied { .. })));
        fs::remove_dir(place.join("lock")).unwrap();
        fs::write(place.join("notes"), "").unwrap();
        let refused = claim(&place, &marks);
        assert!(matches!(refused, Err(DirectoryError::Occupied { .. })));
        fs::write(place.join("lock"), "").unwrap();
        claim(&place, &marks).unwrap();
    }
}
