//! The store as the use cases hold it.

use crate::db::Conn;
use crate::error::{StoreError, Unavailable};
use crate::pool::{Pool, Reader};
use crate::writer::{Class, Writer, WriterCounts};
use crate::{migrate, sqlite};
use std::path::Path;
use std::sync::Arc;

/// The store of one installation; cheap to clone.
///
/// Open it after any fork. SQLite's locks belong to the process: never open the file by other
/// means in a process that holds a store.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    readers: Arc<Pool>,
    writer: Option<Writer>,
}

impl Store {
    /// Opens the store for reading and writing: one process at a time, the web worker or a
    /// command that holds the data directory's lock.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the file is missing, cannot be written, or needs another
    /// version's schema ([`crate::migrate()`] first).
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        let connection = sqlite::open_writer(file)?;
        migrate::check(&connection, file)?;
        let writer = Writer::start(Conn::sqlite(connection))?;
        Ok(Self::new(file, Some(writer)))
    }

    /// Opens the store for reading only (the auth worker). Never fails: while the file cannot be
    /// read, [`Store::read`] says so and tries again at the next call.
    #[must_use]
    pub fn open_read_only(file: &Path) -> Self {
        Self::new(file, None)
    }

    fn new(file: &Path, writer: Option<Writer>) -> Self {
        Self {
            inner: Arc::new(Inner {
                readers: Pool::new(file),
                writer,
            }),
        }
    }

    /// A connection that sees committed data. Takes no time worth awaiting (8–14 µs a look-up), so
    /// it is called inline; only what may scan belongs on a blocking thread.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] while the file cannot be read.
    pub fn read(&self) -> Result<Reader, StoreError> {
        self.inner.readers.reader()
    }

    /// Runs `job` in a transaction and returns its result once it is on the disk.
    ///
    /// Jobs that wait together share one commit; an `Err` of one job undoes that job alone. The job
    /// awaits nothing but store functions, and may be called again by a database that asks for it,
    /// so it clones what it gives away.
    ///
    /// # Errors
    /// The job's own, or [`StoreError::Unavailable`] if the commit failed, for every job of it.
    pub async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: AsyncFn(&mut Conn) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.writer()?.run(Class::Durable, job).await
    }

    /// As [`Store::write`], for statistics: last uses, counters, aggregated attempts. They are
    /// grouped for up to half a second and may be lost with the machine's power, never with the
    /// process. When too many wait they are refused and counted, rather than slowing others down.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_statistics<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: AsyncFn(&mut Conn) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.writer()?.run(Class::Statistics, job).await
    }

    /// What the writer did so far, for metrics.
    #[must_use]
    pub fn writer_counts(&self) -> WriterCounts {
        self.inner
            .writer
            .as_ref()
            .map(Writer::counts)
            .unwrap_or_default()
    }

    fn writer(&self) -> Result<&Writer, StoreError> {
        self.inner
            .writer
            .as_ref()
            .ok_or_else(|| Unavailable::ReadOnly.into())
    }
}
