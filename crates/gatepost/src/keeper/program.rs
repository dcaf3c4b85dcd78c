//! The program that workers are started from.

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

/// An installed `gatepost`, held open: a worker that crashes after an upgrade of the file is
/// started again from the version that its keeper knows, until the keeper is told to change.
#[derive(Debug)]
pub(super) struct Program {
    path: PathBuf,
    file: OwnedFd,
}

impl Program {
    /// The program that is installed at `path` now.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    /// Where it was installed.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A name under which a child of ours can execute it. The descriptor is still open at that
    /// moment: close-on-exec closes it with the call.
    pub(super) fn executable(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.file.as_raw_fd()).into()
    }
}
