//! What an engine writes to and its keeper reads from.
//!
//! A pipe would end with the keeper, and Dovecot ends when it cannot write its log. So the engines
//! write into a file of the run directory: it never makes them wait, and its space is given back to
//! the system as it is read. What they write while no keeper lives is not read by anybody.
//!
//! The file must have a name: Postfix's programs open their standard output again by its path.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::FallocateFlags;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::output::Lines;

/// Between two looks for new lines.
pub(super) const LOOK: Duration = Duration::from_millis(100);

/// Space is given back in pieces of this size.
const PIECE: u64 = 64 << 10;

/// One life of an engine's output.
#[derive(Debug)]
pub(super) struct Journal {
    file: Arc<File>,
    over: watch::Sender<bool>,
    following: JoinHandle<()>,
}

impl Journal {
    /// A new one at `path`, whose lines go to `lines` from now on. A former life's is left to
    /// whoever still writes to it.
    pub(super) fn start(path: &Path, lines: Lines) -> io::Result<Self> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Several processes write to it at once: each line goes to the end.
        let mut options = OpenOptions::new();
        options.read(true).append(true).create_new(true).mode(0o600);
        let file = Arc::new(options.open(path)?);
        let (over, ended) = watch::channel(false);
        let following = tokio::spawn(follow(Arc::clone(&file), lines, ended));
        Ok(Self {
            file,
            over,
            following,
        })
    }

    /// For the engine's standard output or error.
    pub(super) fn writer(&self) -> io::Result<Stdio> {
        Ok(self.file.try_clone()?.into())
    }

    /// Reads what was written up to now and stops following.
    pub(super) async fn finish(self) {
        self.over.send_replace(true);
        // Only a panic while logging could end it otherwise.
        let _ = self.following.await;
    }
}

/// Also ends when the journal is dropped.
async fn follow(file: Arc<File>, mut lines: Lines, mut ended: watch::Receiver<bool>) {
    let mut buffer = vec![0; 16 << 10];
    let (mut read, mut given_back) = (0, 0);
    loop {
        // In this order: what was written before the end is still read.
        let last = *ended.borrow() || ended.has_changed().is_err();
        while let Ok(length @ 1..) = file.read_at(&mut buffer, read) {
            lines.feed(buffer.get(..length).unwrap_or_default());
            read += length as u64;
        }
        if last {
            lines.end();
            return;
        }
        if read - given_back >= PIECE {
            let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            // Not every file system can; then the space comes back at the next start.
            let _ = rustix::fs::fallocate(file.as_fd(), flags, given_back, read - given_back);
            given_back = read;
        }
        let _ = timeout(LOOK, ended.changed()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processes::Engine;
    use crate::supervise::output::Words;
    use std::io::Write as _;
    use std::os::unix::fs::MetadataExt as _;
    use std::process::Command;

    #[tokio::test]
    async fn reads_what_all_writers_wrote_up_to_the_end() {
        let words = Words::default();
        let dir = tempfile::tempdir().unwrap();
        let lines = Lines::new(Engine::Dovecot, words.clone());
        let journal = Journal::start(&dir.path().join("journal"), lines).unwrap();
        let script = "echo 'a: Error: one'; echo 'b: Error: two' >&2; printf 'c: Error: three'";
        let status = Command::new("sh")
            .args(["-c", script])
            .stdout(journal.writer().unwrap())
            .stderr(journal.writer().unwrap())
            .status();
        assert!(status.unwrap().success());
        journal.finish().await;
        assert_eq!(words.get(), "a: Error: one\nb: Error: two\nc: Error: three");
    }

    #[tokio::test]
    async fn space_is_given_back_while_the_engine_writes_on() {
        let words = Words::default();
        let dir = tempfile::tempdir().unwrap();
        let lines = Lines::new(Engine::Dovecot, words.clone());
        let journal = Journal::start(&dir.path().join("journal"), lines).unwrap();
        let mut writer = journal.file.try_clone().unwrap();
        let line = format!("{}\n", "x".repeat(1023));
        for _ in 0..4 {
            for _ in 0..1024 {
                writer.write_all(line.as_bytes()).unwrap();
            }
            tokio::time::sleep(LOOK * 2).await;
        }
        // Blocks of 512 bytes.
        let held = writer.metadata().unwrap().blocks() * 512;
        assert!(held < 2 << 20, "{held} of 4 MiB");
        writer.write_all(b"a: Error: last\n").unwrap();
        journal.finish().await;
        assert_eq!(words.get(), "a: Error: last");
    }
}
