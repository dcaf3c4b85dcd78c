//! Pooled readers: short-lived connections that see committed data only.

use crate::db::Conn;
use crate::error::{StoreError, Unavailable};
use crate::{migrate, sqlite};
use parking_lot::Mutex;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Idle readers kept. More may be in use; each holds up to 2 MB of page cache.
const IDLE: usize = 16;
/// After a failed opening, others fail the same way for this long without touching the disk.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(crate) struct Pool {
    file: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Conn>,
    failed: Option<(Instant, StoreError)>,
}

impl Pool {
    pub(crate) fn new(file: &Path) -> Arc<Self> {
        Arc::new(Self {
            file: file.to_owned(),
            state: Mutex::default(),
        })
    }

    /// A reader from the pool, or a new one. A file that is missing, locked or of another schema
    /// is tried again at later calls, so the store heals without a restart.
    pub(crate) fn reader(self: &Arc<Self>) -> Result<Reader, StoreError> {
        let pool = Arc::clone(self);
        {
            let mut state = self.state.lock();
            if let Some(conn) = state.idle.pop() {
                return Ok(Reader { conn, pool });
            }
            if let Some((at, error)) = &state.failed
                && at.elapsed() < RETRY_PAUSE
            {
                return Err(error.clone());
            }
        }
        match self.open() {
            Ok(conn) => Ok(Reader { conn, pool }),
            Err(error) => {
                self.state.lock().failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    fn open(&self) -> Result<Conn, StoreError> {
        if !self.file.exists() {
            return Err(Unavailable::Open {
                path: self.file.display().to_string(),
                reason: "there is no such file".to_owned(),
            }
            .into());
        }
        let connection = sqlite::open_reader(&self.file)?;
        migrate::check(&connection, &self.file)?;
        Ok(Conn::sqlite(connection))
    }
}

/// A pooled reader. Each statement sees what was committed when it started. Give it back soon: do
/// not hold it while waiting for anything but the store.
#[derive(Debug)]
pub struct Reader {
    conn: Conn,
    pool: Arc<Pool>,
}

impl Deref for Reader {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        &self.conn
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let conn = self.conn.take();
        let mut state = self.pool.state.lock();
        if state.idle.len() < IDLE {
            state.idle.push(conn);
        }
    }
}
