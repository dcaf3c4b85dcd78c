//! The engines' own programs, found once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::command::{self, CommandError};
use crate::render::Releases;
use crate::version::{DovecotRelease, PostfixRelease, Unsupported};

/// Absolute paths of what is started or asked. `PATH` is not consulted: the keeper runs as root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// The master process.
    pub dovecot: PathBuf,
    /// Checks configuration.
    pub doveconf: PathBuf,
    /// Reloads.
    pub doveadm: PathBuf,
    /// Postfix's two, when mail is transported.
    pub postfix: Option<PostfixPrograms>,
}

/// Postfix's administration programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostfixPrograms {
    /// Starts, checks, reloads.
    pub postfix: PathBuf,
    /// Prints configuration.
    pub postconf: PathBuf,
}

/// Why the engines cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProgramsError {
    /// Not installed.
    #[error("{program} is not installed; on Debian: apt install --no-install-recommends {package}")]
    Missing {
        /// The program's file name.
        program: &'static str,
        /// Debian packages that bring it.
        package: &'static str,
    },
    /// Installed, but no renderer fits.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The engine could not say its version.
    #[error("asking for the version: {0}")]
    Version(#[from] CommandError),
}

const DOVECOT_PACKAGES: &str =
    "dovecot-core dovecot-imapd dovecot-pop3d dovecot-lmtpd dovecot-sieve dovecot-managesieved";

/// Where distributions and local builds put them.
const DIRECTORIES: [&str; 4] = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];

impl Programs {
    /// Looks for the programs; Postfix's only `with_transport`.
    ///
    /// # Errors
    /// [`ProgramsError::Missing`] names the package to install.
    pub fn find(with_transport: bool) -> Result<Self, ProgramsError> {
        let postfix = if with_transport {
            Some(PostfixPrograms {
                postfix: find("postfix", "postfix")?,
                postconf: find("postconf", "postfix")?,
            })
        } else {
            None
        };
        Ok(Self {
            dovecot: find("dovecot", DOVECOT_PACKAGES)?,
            doveconf: find("doveconf", DOVECOT_PACKAGES)?,
            doveadm: find("doveadm", DOVECOT_PACKAGES)?,
            postfix,
        })
    }

    /// Asks the installed engines for their releases.
    ///
    /// # Errors
    /// [`ProgramsError::Unsupported`] names the releases that would do.
    pub async fn releases(&self) -> Result<Releases, ProgramsError> {
        let limit = Duration::from_secs(10);
        let printed = command::run(&self.dovecot, ["--version"], limit).await?;
        let dovecot = DovecotRelease::of(&printed.stdout)?;
        let postfix = match &self.postfix {
            None => None,
            Some(programs) => {
                let printed =
                    command::run(&programs.postconf, ["-d", "-h", "mail_version"], limit).await?;
                Some(PostfixRelease::of(&printed.stdout)?)
            }
        };
        Ok(Releases { dovecot, postfix })
    }
}

fn find(program: &'static str, package: &'static str) -> Result<PathBuf, ProgramsError> {
    DIRECTORIES
        .iter()
        .map(|directory| Path::new(directory).join(program))
        .find(|path| path.is_file())
        .ok_or(ProgramsError::Missing { program, package })
}
