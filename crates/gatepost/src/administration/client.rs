//! A command's way to the use cases: over the running server, or by itself.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use app::{App, Problem};
use futures_util::{SinkExt as _, StreamExt as _};
use model::audit::Actor;
use serde_json::Value;
use tokio::net::UnixStream;

use super::place::{self, PlaceError};
use super::wire::{Reply, Stream, encode, framed};
use super::{Progress, Request, answer};
use crate::config::{Config, Layout};
use crate::first_run;
use crate::keeper::{Lock, LockError};
use crate::wiring;

/// How long the other one may take that is just starting, stopping, or a command like this one.
const PATIENCE: Duration = Duration::from_secs(3);

/// Longest silence of a server that works on a request: a provider is asked for 15 s at most.
const SILENCE: Duration = Duration::from_secs(60);

/// Where requests go. Never both: while a server runs, it alone has the store.
pub enum Connection {
    /// A server runs.
    Server(Box<Stream>),
    /// None runs; this process holds the data directory's lock.
    Own {
        /// The use cases.
        app: Box<App>,
        /// Where its files are.
        layout: Layout,
        /// Held until the command ends.
        lock: Lock,
    },
}

/// Why there is no way to the use cases.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// This account may not.
    #[error("{} is not for this account: run the command as root, or as the account that runs the server", path.display())]
    NotPermitted {
        /// What it may not use.
        path: PathBuf,
    },
    /// Somebody works on the store, but does not answer.
    #[error("another gatepost is at work here and does not answer: {0}")]
    Busy(LockError),
    /// The admin socket cannot be used.
    #[error("cannot connect to {}: {source}", path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// There is nothing to administer: most likely the wrong configuration.
    #[error("no store at {}; look at data.dir, or make one with \"gatepost serve\" or \"gatepost admin create\"", path.display())]
    NoStore {
        /// Where it would be.
        path: PathBuf,
    },
    /// The data directory cannot be used.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The store cannot be opened.
    #[error("{0:#}")]
    Store(anyhow::Error),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The use case says no.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// The server ended or fell silent; it may or may not have done what was asked.
    #[error("the server went away before it answered; look whether it was done ({0})")]
    Lost(io::Error),
    /// The running server is of another version.
    #[error("the running server does not know this request ({0}); restart it after an upgrade")]
    Unknown(String),
}

impl Connection {
    /// Connects to the server of this configuration, or takes its place while none runs. A store is
    /// made only if `may_make` and there is none.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(config: &Config, may_make: bool) -> Result<Self, OpenError> {
        let layout = config.layout();
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(server) = Self::to_server(&layout).await? {
                return Ok(server);
            }
            if !may_make {
                is_there(&layout)?;
            }
            place::make_data(&layout)?;
            match Lock::take(&layout.data_lock()) {
                Ok(lock) => return own(config, lock),
                // A server that starts takes the lock before it listens.
                Err(LockError::Held { .. }) if Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(LockError::Io { path, source })
                    if source.kind() == io::ErrorKind::PermissionDenied =>
                {
                    return Err(OpenError::NotPermitted { path });
                }
                Err(error) => return Err(OpenError::Busy(error)),
            }
        }
    }

    /// Connects to the server; `None` when none runs.
    ///
    /// # Errors
    /// [`OpenError::NotPermitted`] and [`OpenError::Socket`].
    pub async fn to_server(layout: &Layout) -> Result<Option<Self>, OpenError> {
        let path = layout.admin_socket();
        match UnixStream::connect(&path).await {
            Ok(stream) => Ok(Some(Self::Server(Box::new(framed(stream))))),
            Err(source) => match source.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(None),
                io::ErrorKind::PermissionDenied => Err(OpenError::NotPermitted { path }),
                _ => Err(OpenError::Socket { path, source }),
            },
        }
    }

    /// Asks, and hands lines of long work to `progress`.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn ask(
        &mut self,
        request: Request,
        progress: Progress<'_>,
    ) -> Result<Value, AskError> {
        match self {
            Self::Own { app, layout, .. } => {
                let answer = answer(app, &Actor::CommandLine, request, progress).await?;
                // The server does this by itself; here it may have been the first administrator.
                first_run::take_back(app, layout).await;
                Ok(answer)
            }
            Self::Server(stream) => over(stream, &request, progress).await,
        }
    }
}

/// Whether there is a store, as far as this account may look.
fn is_there(layout: &Layout) -> Result<(), OpenError> {
    let path = layout.store();
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(OpenError::NoStore { path }),
        _ => Ok(()),
    }
}

fn own(config: &Config, lock: Lock) -> Result<Connection, OpenError> {
    place::make_store(config)?;
    place::become_owner(&config.layout())?;
    let app = wiring::local_app(config).map_err(OpenError::Store)?;
    Ok(Connection::Own {
        app: Box::new(app),
        layout: config.layout(),
        lock,
    })
}

async fn over(
    stream: &mut Stream,
    request: &Request,
    progress: Progress<'_>,
) -> Result<Value, AskError> {
    let question = encode(request).map_err(AskError::Lost)?;
    stream.send(question).await.map_err(AskError::Lost)?;
    loop {
        let frame = tokio::time::timeout(SILENCE, stream.next()).await;
        let bytes = frame
            .map_err(|_| io::ErrorKind::TimedOut.into())
            .and_then(|frame| frame.unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into())))
            .map_err(AskError::Lost)?;
        match serde_json::from_slice(&bytes) {
            Ok(Reply::Progress(line)) => progress(line),
            Ok(Reply::Done(document)) => return Ok(document),
            Ok(Reply::Not(problem)) => return Err(problem.into()),
            Ok(Reply::Unknown(why)) => return Err(AskError::Unknown(why)),
            Err(error) => return Err(AskError::Unknown(error.to_string())),
        }
    }
}
