//! The files of the project, as git knows them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The checkout and its files: tracked ones, and new ones that git does not ignore.
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    /// Paths relative to `root`, sorted.
    pub(crate) files: Vec<String>,
}

impl Tree {
    /// The workspace that this crate was built in.
    pub(crate) fn of_workspace() -> Result<Self, String> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = here
            .ancestors()
            .nth(2)
            .ok_or("the checks are not in tools/checks any more")?;
        Self::at(root)
    }

    /// The checkout at `root`.
    pub(crate) fn at(root: &Path) -> Result<Self, String> {
        // A checkout may belong to another account than the one that runs the checks; reading a
        // list of names from it is harmless.
        let listed = Command::new("git")
            .args(["-c", "safe.directory=*", "ls-files", "-z"])
            .args(["--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .map_err(|error| format!("cannot run git: {error}; apt-get install git"))?;
        if !listed.status.success() {
            let why = String::from_utf8_lossy(&listed.stderr);
            return Err(format!(
                "git cannot list {}: {}",
                root.display(),
                why.trim()
            ));
        }
        let mut files: Vec<String> = String::from_utf8_lossy(&listed.stdout)
            .split_terminator('\0')
            // A file deleted but not yet committed is still listed.
            .filter(|path| root.join(path).is_file())
            .map(str::to_owned)
            .collect();
        files.sort();
        Ok(Self {
            root: root.to_owned(),
            files,
        })
    }

    /// Files whose name ends in one of `extensions`.
    pub(crate) fn with_extension(&self, extensions: &[&str]) -> impl Iterator<Item = &str> {
        let extensions: Vec<String> = extensions.iter().map(|end| format!(".{end}")).collect();
        self.files
            .iter()
            .map(String::as_str)
            .filter(move |path| extensions.iter().any(|end| path.ends_with(end)))
    }

    /// The text of a file; `None` when it is not UTF-8.
    pub(crate) fn text(&self, path: &str) -> Result<Option<String>, String> {
        let bytes =
            std::fs::read(self.root.join(path)).map_err(|error| format!("{path}: {error}"))?;
        Ok(String::from_utf8(bytes).ok())
    }

    /// The files of a check's test, in a new git repository.
    #[cfg(test)]
    pub(crate) fn sample(files: &[(&str, &str)]) -> (tempfile::TempDir, Self) {
        let directory = tempfile::tempdir().unwrap();
        let made = Command::new("git")
            .args(["init", "-q"])
            .current_dir(&directory)
            .status();
        assert!(made.unwrap().success());
        for (path, text) in files {
            let path = directory.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let tree = Self::at(directory.path()).unwrap();
        (directory, tree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_new_files_and_leaves_out_ignored_ones() {
        let (_directory, tree) = Tree::sample(&[
            (".gitignore", "/target\n"),
            ("src/b.rs", "b"),
            ("a.md", "a"),
            ("target/made.rs", "x"),
        ]);
        assert_eq!(tree.files, [".gitignore", "a.md", "src/b.rs"]);
        assert_eq!(
            tree.with_extension(&["rs"]).collect::<Vec<_>>(),
            ["src/b.rs"]
        );
    }

    #[test]
    fn says_so_where_there_is_no_checkout() {
        let directory = tempfile::tempdir().unwrap();
        let error = Tree::at(directory.path()).map(|_| ()).unwrap_err();
        assert!(error.contains("git cannot list"), "{error}");
    }
}
