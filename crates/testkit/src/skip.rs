//! Tests that cannot run on this machine say so, and are counted as skipped.
//!
//! Cargo knows no skipped test: one that returns early has passed. So it appends its name and the
//! reason to the file named by `GATEPOST_SKIPS`, and `make test` takes it off the passed ones again.
//! Where `CI` is set every skip counts as a failure there, so tests need not look at `CI` themselves.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

/// Says that the current test is skipped, and why; the test then returns.
pub fn skip(reason: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    #[expect(clippy::print_stderr, reason = "a skipped test must say so")]
    {
        eprintln!("skipped: {reason}");
    }
    if let Some(path) = std::env::var_os("GATEPOST_SKIPS") {
        note(Path::new(&path), test, reason);
    }
}

/// Whether the test runs as root, as Postfix and several accounts need; says that it is skipped
/// where not.
#[must_use]
pub fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        skip("needs root");
    }
    root
}

/// Whether a program is installed, given by name or absolute path; says that the test is skipped
/// where not.
#[must_use]
pub fn has_program(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths).any(|path| path.join(program).is_file());
    if !found {
        skip(&format!("{program} is not installed (make deps)"));
    }
    found
}

/// Adds one line. A file that cannot be written is an error of the run, not of this test.
fn note(path: &Path, test: &str, reason: &str) {
    let file = OpenOptions::new().create(true).append(true).open(path);
    // One write, so that tests of several processes do not mix their lines.
    let written =
        file.and_then(|mut file| file.write_all(format!("{test}: {reason}\n").as_bytes()));
    #[expect(
        clippy::panic,
        reason = "a skip that nobody counts would look like a passed test"
    )]
    if let Err(error) = written {
        panic!("{}: {error}", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_gather_line_by_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("skips");
        note(&path, "kicks", "needs root");
        note(&path, "delivers", "needs root");
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "kicks: needs root\ndelivers: needs root\n");
    }

    #[test]
    fn installed_programs_are_found_by_name_and_by_path() {
        assert!(has_program("sh"));
        assert!(has_program("/bin/sh"));
    }
}
