//! Finding and ending the processes of one instance.
//!
//! A keeper that was killed leaves its engines running, and an engine's master that crashed leaves
//! children that hold its ports. Both are found by what the kernel says about a process: which
//! program it runs, and that it works in a directory of this instance.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::time::{Instant, sleep};

use crate::layout::Layout;

/// The two engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// Reading mail.
    Dovecot,
    /// Transporting mail.
    Postfix,
}

impl Engine {
    /// As people write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dovecot => "Dovecot",
            Self::Postfix => "Postfix",
        }
    }
}

impl std::fmt::Display for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A process of an instance. Holds a descriptor, so that a signal never hits a later process that
/// got the same number.
#[derive(Debug)]
pub(crate) struct Process {
    handle: OwnedFd,
    /// The engine's master: the one to ask to stop.
    pub(crate) master: bool,
}

impl Process {
    fn signal(&self, signal: Signal) {
        // The process may have ended by itself: that is what we want.
        let _ = pidfd_send_signal(self.handle.as_fd(), signal);
    }

    /// The descriptor becomes readable when the process ends, collected by its parent or not.
    fn is_alive(&self) -> bool {
        let mut polled = [PollFd::new(&self.handle, PollFlags::IN)];
        !poll(&mut polled, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }
}

/// All living processes of `engine` in this instance that run under our own account or were
/// started by it.
pub(crate) fn find(engine: Engine, layout: &Layout) -> io::Result<Vec<Process>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
            .and_then(Pid::from_raw)
        else {
            continue;
        };
        // Opened first: what is read afterwards is about this process or about none.
        let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
            continue;
        };
        if let Some(master) = belongs(engine, layout, &entry.path()) {
            found.push(Process { handle, master });
        }
    }
    Ok(found)
}

/// Whether the process is the engine's, and whether it is its master. `None` for anything that
/// cannot be read: it is not ours, or gone.
fn belongs(engine: Engine, layout: &Layout, proc: &Path) -> Option<bool> {
    let program = program(proc)?;
    let name = program.file_name()?.to_str()?;
    match engine {
        Engine::Dovecot => {
            let master = name == "dovecot";
            if master {
                let conf = layout.dovecot_conf();
                return has_argument(proc, |argument| argument == conf).then_some(true);
            }
            let child = program.parent()?.ends_with("dovecot");
            (child && works_in(proc, &[&layout.dovecot_run(), &layout.directories().mail]))
                .then_some(false)
        }
        Engine::Postfix => {
            let environment = format!("MAIL_CONFIG={}", layout.postfix_directory().display());
            if name == "master" {
                return has_variable(proc, &environment).then_some(true);
            }
            // The script that `postfix start-fg` leaves waiting for the master.
            // Its own tools and scripts: `postfix start-fg` is one until the master ends, and it
            // runs others first.
            let tool = name.starts_with("post")
                || ["sh", "dash", "bash"].contains(&name)
                    && has_argument(proc, |argument| {
                        argument
                            .parent()
                            .is_some_and(|p| p.ends_with("postfix/sbin"))
                    });
            if tool && has_variable(proc, &environment) {
                return Some(false);
            }
            let child = program.parent()?.ends_with("postfix/sbin");
            (child && works_in(proc, &[&layout.directories().queue])).then_some(false)
        }
    }
}

/// The program's path; one that was replaced by an upgrade still carries its old path.
fn program(proc: &Path) -> Option<PathBuf> {
    let target = fs::read_link(proc.join("exe")).ok()?;
    let text = target.to_str()?;
    Some(PathBuf::from(
        text.strip_suffix(" (deleted)").unwrap_or(text),
    ))
}

fn works_in(proc: &Path, directories: &[&Path]) -> bool {
    let Ok(cwd) = fs::read_link(proc.join("cwd")) else {
        return false;
    };
    directories.iter().any(|directory| {
        let real = fs::canonicalize(directory);
        real.is_ok_and(|real| cwd.starts_with(real))
    })
}

fn has_argument(proc: &Path, is_it: impl Fn(&Path) -> bool) -> bool {
    owned_by_us(proc)
        && fs::read(proc.join("cmdline")).is_ok_and(|line| {
            line.split(|b| *b == 0)
                .any(|argument| is_it(Path::new(OsStr::from_bytes(argument))))
        })
}

fn has_variable(proc: &Path, wanted: &str) -> bool {
    owned_by_us(proc)
        && fs::read(proc.join("environ")).is_ok_and(|environment| {
            environment
                .split(|b| *b == 0)
                .any(|variable| variable == wanted.as_bytes())
        })
}

/// Arguments and environment are whatever their owner says: only our own account's count.
fn owned_by_us(proc: &Path) -> bool {
    fs::metadata(proc).is_ok_and(|data| data.uid() == rustix::process::geteuid().as_raw())
}

/// Ends every process of `engine` in this instance and waits until all are gone: the masters are
/// asked, then the rest, then all are killed. Returns how many there were.
///
/// # Errors
/// `TimedOut` if some do not even end when killed (stuck in the kernel).
pub(crate) async fn end(engine: Engine, layout: &Layout, patience: Duration) -> io::Result<usize> {
    let mut ended = 0;
    // More than one round: a dying master may have started a child since the scan.
    for _ in 0..5 {
        let found = find(engine, layout)?;
        let living: Vec<&Process> = found.iter().filter(|process| process.is_alive()).collect();
        if living.is_empty() {
            return Ok(ended);
        }
        ended += living.len();
        let (masters, rest): (Vec<&Process>, Vec<&Process>) =
            living.into_iter().partition(|process| process.master);
        signal_and_wait(&masters, Signal::TERM, patience).await;
        signal_and_wait(&rest, Signal::TERM, patience / 4).await;
        let stubborn: Vec<&Process> = masters
            .into_iter()
            .chain(rest)
            .filter(|process| process.is_alive())
            .collect();
        signal_and_wait(&stubborn, Signal::KILL, patience).await;
    }
    Err(io::Error::new(
        io::ErrorKind::TimedOut,
        format!("{engine} has processes that do not end"),
    ))
}

/// Kills every process of `engine` in this instance without waiting.
pub(crate) fn kill(engine: Engine, layout: &Layout) {
    // Again while there are some: a master that still lived may have started a child.
    for _ in 0..3 {
        for process in find(engine, layout).unwrap_or_default() {
            process.signal(Signal::KILL);
        }
    }
}

async fn signal_and_wait(processes: &[&Process], signal: Signal, patience: Duration) {
    for process in processes {
        process.signal(signal);
    }
    let deadline = Instant::now() + patience;
    while processes.iter().any(|process| process.is_alive()) && Instant::now() < deadline {
        sleep(Duration::from_millis(10)).await;
    }
}
