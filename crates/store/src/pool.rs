//! Pooled readers: short-lived connections that see committed data only.

use crate::db::Conn;
use crate::error::{StoreError, Unavailable};
use crate::{migrate, sqlite};
use parking_lot::Mutex;
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Idle readers kept. More may be in use; each holds up to 2 MB of page cache.
const IDLE: usize = 16;
/// After a failed opening, others fail the same way for this long without touching the disk.
const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// How often the file is looked at: one that was put in its place (a restored backup) is noticed
/// within that time, so that revoked credentials do not live on in a file that is gone.
const LOOK_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Pool {
    file: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Conn>,
    failed: Option<(Instant, StoreError)>,
    looked: Option<Instant>,
    /// Device and inode of the file that idle readers have open.
    identity: Option<(u64, u64)>,
}

impl State {
    /// Lets go of readers whose file is no longer the one at `path`.
    fn look_at(&mut self, path: &Path) {
        if self.looked.is_some_and(|at| at.elapsed() < LOOK_PAUSE) {
            return;
        }
        self.looked = Some(Instant::now());
        let identity = std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()));
        if identity != self.identity {
            self.identity = identity;
            self.idle.clear();
        }
    }
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
        let identity = {
            let mut state = self.state.lock();
            state.look_at(&self.file);
            if let Some(conn) = state.idle.pop() {
                return Ok(self.lend(conn, state.identity));
            }
            if let Some((at, error)) = &state.failed
                && at.elapsed() < RETRY_PAUSE
            {
                return Err(error.clone());
            }
            state.identity
        };
        match self.open() {
            Ok(conn) => Ok(self.lend(conn, identity)),
            Err(error) => {
                self.state.lock().failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    fn lend(self: &Arc<Self>, conn: Conn, identity: Option<(u64, u64)>) -> Reader {
        Reader {
            conn,
            identity,
            pool: Arc::clone(self),
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
    identity: Option<(u64, u64)>,
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
        // One that met a failing disk or a replaced file is not lent again.
        if conn.is_sound() && self.identity == state.identity && state.idle.len() < IDLE {
            state.idle.push(conn);
        }
    }
}
