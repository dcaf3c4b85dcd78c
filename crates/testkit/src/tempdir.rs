//! Temporary directories with short paths, for unix sockets.

use std::fs::{Permissions, set_permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The longest directory path that leaves room for a socket's name within 107 bytes.
const SHORT: usize = 40;

/// A directory that goes when dropped. Its path has at most 40 bytes plus its own name.
#[derive(Debug)]
pub struct ShortDir(TempDir);

impl ShortDir {
    /// A new directory that only its owner may enter.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new() -> io::Result<Self> {
        let preferred = std::env::temp_dir();
        let parent = if preferred.as_os_str().len() <= SHORT - "/gp123456".len() {
            preferred
        } else {
            PathBuf::from("/tmp")
        };
        let dir = tempfile::Builder::new()
            .prefix("gp")
            .rand_bytes(6)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent)?;
        Ok(Self(dir))
    }

    /// A new directory that other accounts may pass through: Dovecot's and Postfix's processes
    /// drop their privileges before they reach their sockets.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn traversable() -> io::Result<Self> {
        let dir = Self::new()?;
        set_permissions(dir.path(), Permissions::from_mode(0o755))?;
        Ok(dir)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A path inside.
    #[must_use]
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path().join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_short_private_and_gone_afterwards() {
        let dir = ShortDir::new().unwrap();
        let path = dir.path().to_owned();
        assert!(path.as_os_str().len() <= SHORT, "{}", path.display());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        drop(dir);
        assert!(!path.exists());
        let open = ShortDir::traversable().unwrap();
        assert_eq!(
            open.path().metadata().unwrap().permissions().mode() & 0o777,
            0o755
        );
    }
}
