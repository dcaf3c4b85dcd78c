//! A new store in a temporary directory.

use std::path::PathBuf;
use store::{Conn, MasterKey, OsRandom, PurposeKeys, Store, StoreError};

pub struct TempStore {
    pub dir: tempfile::TempDir,
    pub store: Store,
    pub keys: PurposeKeys,
}

impl TempStore {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (key, file) = (dir.path().join("master.key"), dir.path().join("store.db"));
        let master = MasterKey::create_with_new_store(&key, &file, &OsRandom).unwrap();
        Self {
            store: Store::open(&file).unwrap(),
            keys: master.purpose_keys().unwrap(),
            dir,
        }
    }

    pub fn file(&self) -> PathBuf {
        self.dir.path().join("store.db")
    }

    /// A write whose error is the store's own.
    pub async fn write<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        F: AsyncFn(&mut Conn) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        self.store.write(job).await
    }
}
