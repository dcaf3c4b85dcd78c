//! The keeper: `gatepost serve`.
//!
//! Small on purpose. It owns the listening sockets, starts and watches the workers and the mail
//! engines, and passes messages between an old worker and a new one. It never reads a byte from the
//! network and never opens the store.
//!
//! [`start`] brings everything up in order; [`running`] is the life after it. One
//! [`supervisor::Supervisor`] keeps each worker alive; [`restart`] replaces the auth worker without
//! losing a login.

mod accounts;
mod backoff;
mod bench;
mod certificates;
mod collect;
mod directories;
pub mod engines;
mod error;
mod files;
mod leftovers;
mod lock;
mod migrate;
mod port;
mod program;
mod restart;
mod running;
mod sockets;
mod start;
mod supervisor;
mod worker;

pub use accounts::AccountsError;
pub use certificates::CertificatesError;
pub use directories::DirectoryError;
pub use error::KeeperError;
pub use lock::{Lock, LockError};
pub use sockets::SocketError;
pub use worker::StartError;

use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};

use crate::config::Config;

/// What `serve` is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The configuration file, read again at SIGHUP.
    pub config_file: PathBuf,
    /// The program that workers are started from. At SIGHUP whatever is installed there then.
    pub program: PathBuf,
}

/// Runs the server until SIGTERM or SIGINT, and stops everything in order.
///
/// # Errors
/// [`KeeperError`] when it does not come up; whatever had been started has been stopped again.
pub async fn serve(options: Options, config: Config) -> Result<(), KeeperError> {
    let failed = |source| KeeperError::System {
        what: "cannot listen to signals",
        source,
    };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let hangup = signal(SignalKind::hangup()).map_err(failed)?;
    let stop = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    tokio::pin!(stop);
    let started = tokio::select! {
        // Dropped half-way, what has been started is killed.
        () = &mut stop => return Ok(()),
        started = start::start(&options, config) => started?,
    };
    running::run(options, started, hangup, stop).await;
    Ok(())
}
