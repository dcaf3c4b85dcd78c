//! Configuration generations on disk.
//!
//! `config/` holds one directory per generation and `current`, a link to the one in force. A new
//! generation is written whole and synced, validated by the caller, and comes into force by one
//! rename. The generation before it stays, so there is always one to fall back to.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::rendered::RenderedFile;

/// A file operation that failed, with its path.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
pub struct FileError {
    /// What was touched.
    pub path: PathBuf,
    /// Why it failed.
    pub source: io::Error,
}

/// Adds the path to an error.
pub(crate) fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, FileError> {
    result.map_err(|source| FileError {
        path: path.to_owned(),
        source,
    })
}

/// The configuration directory of one instance. One keeper at a time works on it.
#[derive(Debug, Clone)]
pub struct Generations {
    directory: PathBuf,
}

/// A generation on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    number: u64,
    path: PathBuf,
}

impl Generation {
    /// Its directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

const PREFIX: &str = "generation-";

impl Generations {
    /// Of the instance whose configuration directory this is; made if missing.
    ///
    /// # Errors
    /// [`FileError`] if it cannot be made.
    pub fn open(directory: &Path) -> Result<Self, FileError> {
        make_directory(directory, 0o755)?;
        Ok(Self {
            directory: directory.to_owned(),
        })
    }

    /// The generation in force, if there has been one.
    #[must_use]
    pub fn current(&self) -> Option<Generation> {
        let target = fs::read_link(self.directory.join("current")).ok()?;
        let number = target.to_str()?.strip_prefix(PREFIX)?.parse().ok()?;
        let path = self.directory.join(target);
        path.is_dir().then_some(Generation { number, path })
    }

    /// Writes a new generation, not yet in force.
    ///
    /// # Errors
    /// [`FileError`]; what was written so far is removed.
    pub fn write(&self, files: &[RenderedFile]) -> Result<Generation, FileError> {
        let number = at(&self.directory, self.numbers())?
            .into_iter()
            .max()
            .unwrap_or(0)
            + 1;
        let path = self.directory.join(format!("{PREFIX}{number:06}"));
        let generation = Generation { number, path };
        match write_all(&generation.path, files) {
            Ok(()) => Ok(generation),
            Err(error) => {
                self.discard(&generation);
                Err(error)
            }
        }
    }

    /// Puts `generation` in force and removes all but it and the one before it.
    ///
    /// # Errors
    /// [`FileError`]; then the one before is still in force.
    pub fn switch(&self, generation: &Generation) -> Result<(), FileError> {
        let before = self.current();
        let link = self.directory.join("current");
        let new = self.directory.join("current.new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return at(&new, Err(error)),
            _ => {}
        }
        let name = format!("{PREFIX}{:06}", generation.number);
        at(&new, symlink(name, &new))?;
        at(&link, fs::rename(&new, &link))?;
        sync(&self.directory)?;
        let keep = [Some(generation.number), before.map(|g| g.number)];
        for number in at(&self.directory, self.numbers())? {
            if !keep.contains(&Some(number)) {
                let path = self.directory.join(format!("{PREFIX}{number:06}"));
                self.discard(&Generation { number, path });
            }
        }
        Ok(())
    }

    /// Removes a generation that is not in force.
    pub fn discard(&self, generation: &Generation) {
        if let Err(error) = fs::remove_dir_all(&generation.path) {
            tracing::warn!(
                path = %generation.path.display(),
                error = %error,
                "could not remove a configuration generation"
            );
        }
    }

    fn numbers(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let name = entry?.file_name();
            if let Some(number) = name
                .to_str()
                .and_then(|name| name.strip_prefix(PREFIX))
                .and_then(|number| number.parse().ok())
            {
                numbers.push(number);
            }
        }
        Ok(numbers)
    }
}

fn write_all(directory: &Path, files: &[RenderedFile]) -> Result<(), FileError> {
    at(directory, fs::create_dir(directory))?;
    make_directory(directory, 0o755)?;
    for file in files {
        let path = directory.join(&file.path);
        let parent = path.parent().unwrap_or(directory);
        make_directory(parent, 0o755)?;
        write_new(&path, file.mode, file.content.as_bytes())?;
        sync(parent)?;
    }
    sync(directory)
}

/// Makes a directory with its parents, if missing, and gives it exactly these permission bits,
/// whatever the umask.
pub(crate) fn make_directory(path: &Path, mode: u32) -> Result<(), FileError> {
    at(path, fs::create_dir_all(path))?;
    at(
        path,
        fs::set_permissions(path, fs::Permissions::from_mode(mode)),
    )
}

/// Writes a file that must not exist yet, with these permission bits from the first moment.
pub(crate) fn write_new(path: &Path, mode: u32, content: &[u8]) -> Result<(), FileError> {
    let write = || -> io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)?;
        // The umask may have taken bits away.
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.write_all(content)?;
        file.sync_all()
    };
    at(path, write())
}

/// Replaces a file by a rename.
pub(crate) fn replace(path: &Path, mode: u32, content: &[u8]) -> Result<(), FileError> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return at(&new, Err(error)),
        _ => {}
    }
    write_new(&new, mode, content)?;
    at(path, fs::rename(&new, path))
}

fn sync(directory: &Path) -> Result<(), FileError> {
    at(
        directory,
        fs::File::open(directory).and_then(|opened| opened.sync_all()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &str) -> RenderedFile {
        RenderedFile {
            path: "postfix/main.cf".into(),
            mode: 0o640,
            content: content.to_owned(),
        }
    }

    #[test]
    fn a_generation_comes_into_force_whole_and_the_one_before_stays() {
        let root = tempfile::tempdir().unwrap();
        let generations = Generations::open(&root.path().join("config")).unwrap();
        assert_eq!(generations.current(), None);

        let mut seen = Vec::new();
        for content in ["one", "two", "three"] {
            let generation = generations.write(&[file(content)]).unwrap();
            assert_ne!(generations.current().as_ref(), Some(&generation));
            generations.switch(&generation).unwrap();
            assert_eq!(generations.current().as_ref(), Some(&generation));
            seen.push(generation);
        }
        let through_link = root.path().join("config/current/postfix/main.cf");
        assert_eq!(fs::read_to_string(&through_link).unwrap(), "three");
        assert_eq!(
            fs::metadata(&through_link).unwrap().permissions().mode() & 0o777,
            0o640
        );
        assert!(!seen[0].path().exists());
        assert!(seen[1].path().exists());

        generations.switch(&seen[1]).unwrap();
        assert_eq!(fs::read_to_string(&through_link).unwrap(), "two");
        assert!(seen[2].path().exists());
    }

    #[test]
    fn a_refused_generation_leaves_nothing_behind() {
        let root = tempfile::tempdir().unwrap();
        let generations = Generations::open(root.path()).unwrap();
        let good = generations.write(&[file("good")]).unwrap();
        generations.switch(&good).unwrap();
        let refused = generations.write(&[file("bad")]).unwrap();
        generations.discard(&refused);
        assert_eq!(generations.current(), Some(good));
        assert!(!refused.path().exists());
    }

    #[test]
    fn a_file_that_cannot_be_written_names_its_path_and_removes_the_rest() {
        let root = tempfile::tempdir().unwrap();
        let generations = Generations::open(root.path()).unwrap();
        let error = generations.write(&[file("a"), file("b")]).unwrap_err();
        assert!(error.to_string().contains("main.cf"), "{error}");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }
}
