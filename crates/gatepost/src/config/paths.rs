//! `[data]` and `[run]`: the two directories everything else lives in.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Problems;

/// A unix socket path holds 107 bytes and a closing NUL (`unix(7)`).
const MAX_SOCKET_PATH: usize = 107;

/// Room for the longest socket path below the run directory. Dovecot's own
/// `dovecot/token-login/tokenlogin` is the longest known, with 30 bytes and a slash; the rest is
/// for services of later versions.
const LONGEST_SOCKET_BELOW: usize = 43;

/// Longest allowed run directory, in bytes.
pub const MAX_RUN_DIR: usize = MAX_SOCKET_PATH - LONGEST_SOCKET_BELOW;

/// Said of a path that the engines would misread.
pub(super) const PLAIN_PATH: &str = "may hold only the letters a-z, digits and . _ - + @ =";

/// `[data]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Data {
    /// Holds the store, the state of the engines and the mail.
    pub dir: PathBuf,
}

/// `[run]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Run {
    /// Holds sockets and the lock of this instance; may be empty after a boot.
    pub dir: PathBuf,
}

impl Default for Data {
    fn default() -> Self {
        Self {
            dir: "/var/lib/gatepost".into(),
        }
    }
}

impl Default for Run {
    fn default() -> Self {
        Self {
            dir: "/run/gatepost".into(),
        }
    }
}

impl Data {
    pub(super) fn check(&self, problems: &mut Problems) {
        check_directory("data.dir", &self.dir, problems);
    }
}

impl Run {
    pub(super) fn check(&self, problems: &mut Problems) {
        check_directory("run.dir", &self.dir, problems);
        let length = self.dir.as_os_str().as_bytes().len();
        if length > MAX_RUN_DIR {
            problems.add(
                "run.dir",
                format!(
                    "{length} bytes are too long: a socket path holds {MAX_SOCKET_PATH} bytes, so \
                     the directory may have {MAX_RUN_DIR}; /run/gatepost is a good one"
                ),
            );
        }
    }
}

pub(super) fn check_directory(key: &str, dir: &Path, problems: &mut Problems) {
    let plain = dir
        .components()
        .all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    if !dir.is_absolute() || !plain || dir.parent().is_none() {
        problems.add(
            key,
            "must be an absolute path of a directory, without \"..\"",
        );
    } else if !engines::check::is_plain_path(dir) {
        // The engines' configuration languages give other characters a meaning.
        problems.add(key, PLAIN_PATH);
    }
}
