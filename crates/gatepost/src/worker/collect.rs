//! The collect process: removes the mail of deleted mailboxes, under the account that owns it.
//!
//! The web worker may not touch the mail tree. It leaves an empty file in a spool directory, named by
//! the mailbox's storage id, and gives the keeper the word. Of the spool nothing is used but names
//! that are storage ids, so no path ever comes from the web worker. A name is taken away when the
//! mail is gone: that is the answer.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;

use anyhow::{Context as _, ensure};
use model::mailbox::directory_of;
use rustix::fs::{CWD, Mode, OFlags, openat};
use uuid::Uuid;

use super::Context;

pub(super) async fn run(context: &Context) -> anyhow::Result<()> {
    let layout = context.config.layout();
    let (spool, mail) = (layout.removals(), layout.mail().to_owned());
    let collected = tokio::task::spawn_blocking(move || collect(&spool, &mail));
    collected.await??;
    context.keeper.collected().await?;
    Ok(())
}

/// Removes the directories of all mailboxes that `spool` names. One that cannot be removed does not
/// hold up the others.
fn collect(spool: &Path, mail: &Path) -> anyhow::Result<()> {
    let named = fs::read_dir(spool).with_context(|| spool.display().to_string())?;
    let mut failed = Vec::new();
    for entry in named {
        let entry = entry?;
        let Some(storage) = storage_of(&entry) else {
            tracing::warn!(name = ?entry.file_name(), "this is no removal, it is left alone");
            continue;
        };
        match remove(mail, storage).and_then(|()| fs::remove_file(entry.path())) {
            Ok(()) => {}
            Err(error) => failed.push(format!("{}: {error}", directory_of(storage))),
        }
    }
    ensure!(
        failed.is_empty(),
        "mail is still there: {}",
        failed.join(", ")
    );
    Ok(())
}

/// The storage id that an entry of the spool stands for: an ordinary file whose name is exactly how
/// Gatepost writes one.
fn storage_of(entry: &fs::DirEntry) -> Option<Uuid> {
    let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
    let name = entry.file_name();
    let name = name.to_str().filter(|_| is_file)?;
    let storage = Uuid::try_parse(name).ok()?;
    (storage.simple().to_string() == name).then_some(storage)
}

/// Removes one mailbox's directory; no mistake if it is gone already. Links are not followed, and
/// one in place of a directory is an error.
fn remove(mail: &Path, storage: Uuid) -> io::Result<()> {
    let directory = directory_of(storage);
    let (shelf, name) = directory.split_once('/').unwrap_or_default();
    let opened = (|| {
        // The administrator may have made the mail tree itself a link to another disk.
        let root = openat(CWD, mail, DIRECTORY, Mode::empty())?;
        let shelf = openat(root, shelf, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
        openat(&shelf, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
        rustix::io::Result::<OwnedFd>::Ok(shelf)
    })();
    let shelf = match opened {
        Ok(shelf) => shelf,
        Err(rustix::io::Errno::NOENT) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    // By the descriptor: the shelf that was looked at, whatever has its name by now. Below it the
    // standard library follows no links either.
    fs::remove_dir_all(format!("/proc/self/fd/{}/{name}", shelf.as_raw_fd()))?;
    // Only then may its name be forgotten.
    rustix::fs::fsync(&shelf)?;
    Ok(())
}

const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    struct Place {
        dir: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            let place = Self {
                dir: tempfile::tempdir().unwrap(),
            };
            fs::create_dir(place.spool()).unwrap();
            fs::create_dir(place.mail()).unwrap();
            place
        }

        fn spool(&self) -> PathBuf {
            self.dir.path().join("removals")
        }

        fn mail(&self) -> PathBuf {
            self.dir.path().join("mail")
        }

        /// A mailbox with a message, a folder and a link out of it.
        fn mailbox(&self, number: u128) -> (Uuid, PathBuf) {
            let storage = Uuid::from_u128(number);
            let home = self.mail().join(directory_of(storage));
            fs::create_dir_all(home.join("mail/.Sent/cur")).unwrap();
            fs::write(home.join("mail/.Sent/cur/1"), "Subject: hello").unwrap();
            symlink(self.mail(), home.join("everything")).unwrap();
            (storage, home)
        }

        fn name(&self, storage: Uuid) -> PathBuf {
            let entry = self.spool().join(storage.simple().to_string());
            fs::write(&entry, "").unwrap();
            entry
        }

        fn collect(&self) -> anyhow::Result<()> {
            collect(&self.spool(), &self.mail())
        }
    }

    #[test]
    fn exactly_what_is_named_goes_and_its_name_with_it() {
        let place = Place::new();
        let ((gone, home), (_, other)) = (place.mailbox(7), place.mailbox(8));
        // On the same shelf.
        let (_, neighbour) = place.mailbox(7 + (1 << 64));
        let entry = place.name(gone);
        let never_existed = place.name(Uuid::from_u128(9));
        place.collect().unwrap();
        assert!(!home.exists() && !entry.exists() && !never_existed.exists());
        assert!(other.join("mail/.Sent/cur/1").exists());
        assert!(neighbour.join("mail/.Sent/cur/1").exists());
        place.collect().unwrap();
    }

    #[test]
    fn what_is_no_storage_id_touches_nothing() {
        let place = Place::new();
        let (storage, home) = place.mailbox(0xabc);
        let text = storage.simple().to_string();
        let names = [
            text.to_uppercase(),
            storage.hyphenated().to_string(),
            storage.urn().to_string(),
            storage.braced().to_string(),
            format!("{text}0"),
            text[1..].to_owned(),
            format!(" {text}"),
            "..data".to_owned(),
            "x".repeat(255),
        ];
        for name in &names {
            fs::write(place.spool().join(name), "").unwrap();
        }
        // What an entry holds is of no interest.
        let (_, named_inside) = place.mailbox(0xdef);
        fs::write(place.spool().join("0"), "../mail").unwrap();
        // Right names of wrong things.
        symlink(place.mail(), place.spool().join(&text)).unwrap();
        let (directory, other) = place.mailbox(0x123);
        fs::create_dir(place.spool().join(directory.simple().to_string())).unwrap();
        place.collect().unwrap();
        for home in [home, named_inside, other] {
            assert!(home.join("mail/.Sent/cur/1").exists(), "{home:?}");
        }
        let left = fs::read_dir(place.spool()).unwrap().count();
        assert_eq!(left, names.len() + 3);
    }

    #[test]
    fn links_in_the_mail_tree_are_not_followed() {
        let place = Place::new();
        let (target, home) = place.mailbox(0x77);
        let shelf = home.parent().unwrap();
        // A mailbox that is a link to another one's, and a shelf that is a link.
        let linked = Uuid::from_u128(0x77 + (1 << 64));
        symlink(&home, place.mail().join(directory_of(linked))).unwrap();
        let on_linked_shelf = Uuid::from_u128(0x78);
        symlink(shelf, place.mail().join("78")).unwrap();
        let inside = shelf.join(on_linked_shelf.simple().to_string());
        fs::create_dir(&inside).unwrap();
        let entries = [place.name(linked), place.name(on_linked_shelf)];
        let error = place.collect().unwrap_err().to_string();
        assert!(error.contains(&directory_of(linked)), "{error}");
        assert!(error.contains(&directory_of(on_linked_shelf)), "{error}");
        assert!(home.join("mail/.Sent/cur/1").exists() && inside.exists());
        assert!(entries.iter().all(|entry| entry.exists()));
        // The others go all the same.
        place.name(target);
        place.collect().unwrap_err();
        assert!(!home.exists());
    }
}
