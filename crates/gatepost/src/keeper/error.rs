//! Why the server does not start.

use super::accounts::AccountsError;
use super::certificates::CertificatesError;
use super::directories::DirectoryError;
use super::engines::MailError;
use super::lock::LockError;
use super::sockets::SocketError;
use super::worker::StartError;
use crate::config::ConfigError;

/// Why the server does not start. Once it runs, it does not end by itself.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The accounts.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The directories.
    #[error(transparent)]
    Directories(#[from] DirectoryError),
    /// Another server or command is at work in the same run or data directory.
    #[error("another gatepost is at work here: {0}")]
    Locked(LockError),
    /// A listening socket.
    #[error(transparent)]
    Sockets(#[from] SocketError),
    /// The certificate.
    #[error("{0} (see [tls])")]
    Certificates(#[from] CertificatesError),
    /// The store could not be brought up to date.
    #[error("the store: {0}")]
    Migrate(StartError),
    /// A worker did not come up.
    #[error("the {role} worker did not start: {source}")]
    Worker {
        /// Which one.
        role: &'static str,
        /// Why.
        source: StartError,
    },
    /// The mail engines.
    #[error("the mail engines: {0}")]
    Mail(#[from] MailError),
    /// The system refused something that it never should.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl KeeperError {
    /// The exit code of `gatepost serve`.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Certificates(_) => crate::exit::CONFIG_INVALID,
            Self::Accounts(_)
            | Self::Locked(_)
            | Self::Directories(DirectoryError::Occupied { .. } | DirectoryError::Foreign { .. }) => {
                crate::exit::CONFLICT
            }
            Self::Sockets(SocketError::Taken { .. }) => crate::exit::CONFLICT,
            Self::Sockets(SocketError::Forbidden { .. }) => crate::exit::NOT_PERMITTED,
            _ => crate::exit::FAILED,
        }
    }
}
