//! Workers that a killed keeper left behind.
//!
//! They are found by what the kernel says about them, so that no crash between two steps of a
//! start can hide one: their command line names role and instance, and their user is one of ours.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::time::{Instant, sleep};

use super::accounts::Accounts;
use crate::channel::control::Role;

/// How long a left-over may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// A worker of this instance without a keeper.
#[derive(Debug)]
struct Leftover {
    pid: Pid,
    role: Role,
    /// Stands for this process and never for a later one with the same number.
    handle: OwnedFd,
}

/// Ends all workers of the instance in `run` and waits until they are gone. Call with the
/// instance's lock held.
///
/// # Errors
/// When one does not even end when killed.
pub(super) async fn stop(run: &Path, accounts: &Accounts) -> io::Result<()> {
    let found = find(run, accounts)?;
    for leftover in &found {
        tracing::warn!(
            worker.role = %leftover.role,
            worker.pid = leftover.pid.as_raw_nonzero().get(),
            "stopping a worker that a former keeper left behind"
        );
        leftover.signal(Signal::TERM);
    }
    if wait(&found, PATIENCE).await {
        return Ok(());
    }
    for leftover in &found {
        leftover.signal(Signal::KILL);
    }
    if wait(&found, PATIENCE).await {
        Ok(())
    } else {
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "left-over workers do not end",
        ))
    }
}

impl Leftover {
    fn signal(&self, signal: Signal) {
        // It may have ended meanwhile, which is what we want.
        let _ = pidfd_send_signal(&self.handle, signal);
    }

    /// The descriptor becomes readable when the process ends.
    fn is_alive(&self) -> bool {
        let mut polled = [PollFd::new(&self.handle, PollFlags::IN)];
        !poll(&mut polled, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }
}

async fn wait(leftovers: &[Leftover], patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    while leftovers.iter().any(Leftover::is_alive) {
        if Instant::now() >= deadline {
            return false;
        }
        sleep(Duration::from_millis(10)).await;
    }
    true
}

fn find(run: &Path, accounts: &Accounts) -> io::Result<Vec<Leftover>> {
    let Accounts {
        own_uid,
        web,
        auth,
        mail,
        ..
    } = accounts;
    let users = [*own_uid, web.uid, auth.uid, mail.uid];
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let name = entry.file_name();
        let pid = name
            .to_str()
            .and_then(|name| name.parse().ok())
            .and_then(Pid::from_raw);
        let Some(pid) = pid else { continue };
        // Opened first: what is read afterwards is about this process or about none.
        let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
            continue;
        };
        let ours = fs::metadata(entry.path()).is_ok_and(|data| users.contains(&data.uid()));
        let Ok(line) = fs::read(entry.path().join("cmdline")) else {
            continue;
        };
        if let Some(role) = worker_of(&line, run).filter(|_| ours) {
            found.push(Leftover { pid, role, handle });
        }
    }
    Ok(found)
}

/// The role of `gatepost worker ROLE RUN`, if `run` is this instance's.
fn worker_of(line: &[u8], run: &Path) -> Option<Role> {
    let mut arguments = line.split(|byte| *byte == 0).skip(1);
    if arguments.next()? != b"worker" {
        return None;
    }
    let name = arguments.next()?;
    if arguments.next()? != run.as_os_str().as_bytes() {
        return None;
    }
    Role::ALL
        .into_iter()
        .find(|role| role.name().as_bytes() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_own_instance_only() {
        let run = Path::new("/run/gatepost");
        let cases: [(&[u8], Option<Role>); 5] = [
            (b"gatepost\0worker\0web\0/run/gatepost\0", Some(Role::Web)),
            (
                b"/usr/bin/gatepost\0worker\0auth\0/run/gatepost\0",
                Some(Role::Auth),
            ),
            (b"gatepost\0worker\0web\0/run/gatepost2\0", None),
            (b"gatepost\0serve\0--config\0/run/gatepost\0", None),
            (b"", None),
        ];
        for (line, expected) in cases {
            assert_eq!(worker_of(line, run), expected, "{}", line.escape_ascii());
        }
    }
}
