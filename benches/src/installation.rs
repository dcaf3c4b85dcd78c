//! Gatepost's own data: a store of the current schema with the people of a bench in it.

use std::fs;
use std::path::{Path, PathBuf};

use store::{MasterKey, OsRandom, Store};

use crate::crowd::fill;

/// A data directory, laid out as `gatepost serve` lays out its own, and the one writer of its store:
/// like a real one, the store is open for writing while others read it.
pub(crate) struct Installation {
    pub(crate) store: Store,
    directory: tempfile::TempDir,
}

impl Installation {
    /// A new store below `parent` with `people` mailboxes that take app passwords only,
    /// `secrets_each` of them.
    pub(crate) fn new(parent: &Path, people: u32, secrets_each: u32) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("gpb").tempdir_in(parent)?;
        fs::create_dir_all(store_directory(directory.path()))?;
        let database = database(directory.path());
        let master =
            MasterKey::create_with_new_store(&key(directory.path()), &database, &OsRandom)?;
        fill(&database, &master, people, secrets_each)?;
        Ok(Self {
            store: Store::open(&database)?,
            directory,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The data directory, its store closed.
    pub(crate) fn close(self) -> tempfile::TempDir {
        drop(self.store);
        self.directory
    }
}

/// The database of the data directory `data`.
pub(crate) fn database(data: &Path) -> PathBuf {
    store_directory(data).join("gatepost.db")
}

/// The master key of the data directory `data`.
pub(crate) fn key(data: &Path) -> PathBuf {
    store_directory(data).join("master.key")
}

fn store_directory(data: &Path) -> PathBuf {
    data.join("store")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::{address, secret};

    #[test]
    fn people_are_found_by_their_secrets() {
        let parent = tempfile::tempdir().unwrap();
        let installation = Installation::new(parent.path(), 3, 2).unwrap();
        let data = installation.path();
        let master = MasterKey::load(&key(data), &database(data)).unwrap();
        let tag = |text: &str| {
            let key = master.auth_keys().unwrap().app_password;
            key.tag(&[text.as_bytes()])
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let found = |text: &str| {
            let mut read = installation.store.read().unwrap();
            let tag = tag(text);
            runtime
                .block_on(store::app_passwords::by_tag(&mut read, &tag))
                .unwrap()
                .map(|row| row.address.to_string())
        };
        assert_eq!(found(&secret(2, 1)), Some(address(2)));
        assert_eq!(found(&secret(2, 2)), None);
    }
}
