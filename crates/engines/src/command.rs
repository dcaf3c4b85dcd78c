//! Running one of the engines' own programs to its end.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::Command;

/// The whole environment of every engine process: nothing of the keeper's leaks into it.
const ENVIRONMENT: [(&str, &str); 2] = [("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LC_ALL", "C")];

/// What a program that succeeded printed.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A program that could not be run, did not end or ended in failure.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Not started.
    #[error("{program}: {source}")]
    Start {
        /// What was to run.
        program: PathBuf,
        /// Why it did not.
        source: std::io::Error,
    },
    /// Took too long and was killed.
    #[error("{program} did not end within {} s", limit.as_secs())]
    TimedOut {
        /// What ran.
        program: PathBuf,
        /// How long it was allowed to.
        limit: Duration,
    },
    /// Ended with an error.
    #[error("{program} failed ({status}): {words}")]
    Failed {
        /// What ran.
        program: PathBuf,
        /// How it ended.
        status: ExitStatus,
        /// What it said, standard error first.
        words: String,
    },
}

/// A command with nothing of this process but the working directory `/`.
pub(crate) fn bare(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(ENVIRONMENT)
        .current_dir("/")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Runs `program` to its end and returns what it printed.
pub(crate) async fn run<A: AsRef<OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = A>,
    limit: Duration,
) -> Result<Printed, CommandError> {
    let output = bare(program).args(arguments).output();
    let output = tokio::time::timeout(limit, output)
        .await
        .map_err(|_| CommandError::TimedOut {
            program: program.to_owned(),
            limit,
        })?
        .map_err(|source| CommandError::Start {
            program: program.to_owned(),
            source,
        })?;
    let printed = Printed {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    if output.status.success() {
        return Ok(printed);
    }
    let words = format!("{}\n{}", printed.stderr.trim(), printed.stdout.trim());
    Err(CommandError::Failed {
        program: program.to_owned(),
        status: output.status,
        words: words.trim().chars().take(4000).collect(),
    })
}
