//! Child processes that never outlive their test.

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long a process may take to end by itself after SIGTERM.
const GRACE: Duration = Duration::from_secs(5);

/// What went wrong with a child process.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It did not start.
    #[error("{command} did not start: {source}")]
    Start {
        /// The command line.
        command: String,
        /// Why.
        source: std::io::Error,
    },
    /// It ended before it said what was waited for.
    #[error("it ended before it said {wanted}; its output:\n{output}")]
    Ended {
        /// What was waited for.
        wanted: String,
        /// Everything it wrote.
        output: String,
    },
    /// It did not say what was waited for in time.
    #[error("it did not say {wanted} within {within:?}; its output:\n{output}")]
    Silent {
        /// What was waited for.
        wanted: String,
        /// For how long.
        within: Duration,
        /// Everything it wrote.
        output: String,
    },
    /// It could not be reached.
    #[error("input, output or status of the child: {0}")]
    Io(#[from] std::io::Error),
}

/// A running child. Dropped, it is told to end (SIGTERM), killed if it does not within five
/// seconds, and reaped.
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: Output,
    grace: Duration,
}

#[derive(Clone)]
struct Output {
    lines: Arc<Mutex<Vec<String>>>,
    /// How many of the two streams are still open; changes with every line too.
    open: watch::Sender<usize>,
}

impl Process {
    /// Starts the command with its standard streams connected to this handle.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(mut command: Command) -> Result<Self, ProcessError> {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|source| ProcessError::Start {
            command: format!("{command:?}"),
            source,
        })?;
        let output = Output {
            lines: Arc::default(),
            open: watch::Sender::new(2),
        };
        let input = child.stdin.take();
        if let Some(stdout) = child.stdout.take() {
            output.clone().collect(stdout);
        }
        if let Some(stderr) = child.stderr.take() {
            output.clone().collect(stderr);
        }
        Ok(Self {
            child,
            input,
            output,
            grace: GRACE,
        })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has written so far, both streams, line by line.
    #[must_use]
    pub fn output(&self) -> String {
        self.output.text()
    }

    /// Writes one line to its standard input.
    ///
    /// # Errors
    /// When it has closed its input.
    pub fn say(&mut self, line: &str) -> Result<(), ProcessError> {
        if let Some(input) = &mut self.input {
            input.write_all(format!("{line}\n").as_bytes())?;
            input.flush()?;
        }
        Ok(())
    }

    /// Waits for a line that starts with `prefix` and returns the rest of it.
    ///
    /// # Errors
    /// When the process ends or the time is over first; the error holds its output.
    pub async fn says(&self, prefix: &str, within: Duration) -> Result<String, ProcessError> {
        let mut changed = self.output.open.subscribe();
        let found = tokio::time::timeout(within, async {
            loop {
                let open = *changed.borrow_and_update();
                if let Some(rest) = self.output.find(prefix) {
                    return Some(rest);
                }
                if open == 0 || changed.changed().await.is_err() {
                    return None;
                }
            }
        });
        let wanted = format!("{prefix:?}");
        match found.await {
            Ok(Some(rest)) => Ok(rest),
            Ok(None) => Err(ProcessError::Ended {
                wanted,
                output: self.output(),
            }),
            Err(_) => Err(ProcessError::Silent {
                wanted,
                within,
                output: self.output(),
            }),
        }
    }

    /// Whether and how it has ended.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, ProcessError> {
        Ok(self.child.try_wait()?)
    }

    /// Sends a signal, if the process still runs.
    ///
    /// # Errors
    /// When it may not be signalled.
    pub fn signal(&mut self, signal: Signal) -> Result<(), ProcessError> {
        // A child that is not reaped keeps its id, so this never meets a stranger.
        if self.ended()?.is_none()
            && let Some(pid) = i32::try_from(self.id()).ok().and_then(Pid::from_raw)
        {
            kill_process(pid, signal).map_err(std::io::Error::from)?;
        }
        Ok(())
    }

    /// Ends it: SIGTERM, and SIGKILL after five seconds.
    ///
    /// # Errors
    /// When it may not be signalled.
    pub fn stop(&mut self) -> Result<ExitStatus, ProcessError> {
        self.input = None;
        self.signal(Signal::TERM)?;
        let end = Instant::now() + self.grace;
        while Instant::now() < end {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.child.kill()?;
        Ok(self.child.wait()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::warn!(%error, process.id = self.id(), "child not stopped");
        }
    }
}

impl Output {
    /// Reads a stream to its end in a thread of its own.
    fn collect(self, stream: impl Read + Send + 'static) {
        thread::spawn(move || {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while reader
                .read_until(b'\n', &mut line)
                .is_ok_and(|read| read > 0)
            {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                self.lines.lock().push(text);
                self.open.send_modify(|_| {});
                line.clear();
            }
            self.open.send_modify(|open| *open -= 1);
        });
    }

    fn text(&self) -> String {
        self.lines.lock().join("\n")
    }

    fn find(&self, prefix: &str) -> Option<String> {
        let lines = self.lines.lock();
        lines
            .iter()
            .find_map(|line| line.strip_prefix(prefix))
            .map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    fn shell(script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Process::start(command).unwrap()
    }

    #[tokio::test]
    async fn hears_and_talks_to_the_child() {
        let mut child = shell("echo ready 7; read line; echo got $line >&2");
        assert_eq!(child.says("ready ", SOON).await.unwrap(), "7");
        child.say("this").unwrap();
        assert_eq!(child.says("got ", SOON).await.unwrap(), "this");
        let error = child.says("more", SOON).await.unwrap_err();
        assert!(matches!(error, ProcessError::Ended { .. }), "{error}");
        assert!(error.to_string().contains("got this"));
    }

    #[tokio::test]
    async fn a_dropped_child_is_dead_and_reaped() {
        let mut child = shell("trap '' TERM; echo ready; while :; do sleep 0.1; done");
        child.says("ready", SOON).await.unwrap();
        child.grace = Duration::from_millis(50);
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        assert!(rustix::process::test_kill_process(pid).is_ok());
        drop(child);
        assert!(rustix::process::test_kill_process(pid).is_err());
    }
}
