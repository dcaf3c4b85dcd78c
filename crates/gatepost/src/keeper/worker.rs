//! One worker process, seen from the keeper.

use std::os::fd::BorrowedFd;
use std::os::unix::process::CommandExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout, timeout_at};
use zeroize::Zeroizing;

use super::bench::{Bench, Edition};
use crate::channel::control::{Order, Report, Role};
use crate::channel::descriptors::{self, DescriptorSocket, Packet, PacketError};

/// Why a worker did not come up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The process could not be made.
    #[error("cannot start {program}: {source}")]
    Spawn {
        /// The program's path.
        program: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It could not be told what to do.
    #[error(transparent)]
    Control(#[from] PacketError),
    /// It says why not.
    #[error("{0}")]
    Failed(String),
    /// It ended without a word.
    #[error("it ended ({0})")]
    Ended(String),
    /// It did not get ready.
    #[error("it was not ready within {} s", .0.as_secs())]
    Late(Duration),
}

/// What a worker does.
#[derive(Debug)]
pub(super) enum Event {
    /// It says something.
    Report(Packet<Report>),
    /// It is gone. Text for the log.
    Ended(String),
}

/// A running worker. Dropped, it is killed.
#[derive(Debug)]
pub(super) struct Worker {
    role: Role,
    child: Child,
    control: Arc<DescriptorSocket>,
    pub(super) started: Instant,
}

impl Worker {
    /// Starts a process and hands it its sockets and secrets.
    pub(super) async fn start(
        bench: &Bench,
        edition: &Edition,
        role: Role,
    ) -> Result<Self, StartError> {
        let program = &edition.program;
        let failed = |source| StartError::Spawn {
            program: program.path().display().to_string(),
            source,
        };
        let (ours, theirs) = descriptors::pair().map_err(failed)?;
        let mut command = std::process::Command::new(program.executable());
        command
            .arg0(program.path())
            .args(["worker", role.name()])
            .arg(edition.config.layout().run())
            .env_clear()
            .envs(kept_environment())
            .current_dir("/")
            .stdin(Stdio::from(theirs))
            // A group of its own: an interrupt typed at the terminal reaches the keeper only, which
            // then stops everybody in order.
            .process_group(0);
        if let Some(ids) = bench.account(role) {
            // With a user set and root as starter, the standard library drops all further groups.
            command.uid(ids.uid).gid(ids.gid);
        }
        let child = Command::from(command)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let control = Arc::new(DescriptorSocket::new(ours).map_err(failed)?);
        let worker = Self {
            role,
            child,
            control,
            started: Instant::now(),
        };
        let start = Order::Start(Box::new(bench.start_message(edition, role)));
        let sockets = bench.descriptors(role);
        let secrets = bench.secrets(role);
        worker.control.send(&start, secrets, &sockets).await?;
        tracing::debug!(worker.role = %role, worker.pid = worker.pid(), "started a worker");
        Ok(worker)
    }

    /// Its process id; 0 once it is gone.
    pub(super) fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// Its control socket, to answer it later.
    pub(super) fn control(&self) -> Arc<DescriptorSocket> {
        Arc::clone(&self.control)
    }

    /// Waits until it is ready. Ready means: everything opened, nothing accepted.
    pub(super) async fn ready(&mut self, patience: Duration) -> Result<(), StartError> {
        match self.first_word(patience).await?.header {
            Report::Ready => Ok(()),
            other => Err(StartError::Failed(format!(
                "it said {other:?} instead of Ready"
            ))),
        }
    }

    /// Waits for the one thing that a short-lived process says, and for its end. Returns what came
    /// with it.
    pub(super) async fn done(
        mut self,
        word: fn(&Report) -> bool,
        patience: Duration,
    ) -> Result<Zeroizing<Vec<u8>>, StartError> {
        let packet = self.first_word(patience).await?;
        if !word(&packet.header) {
            return Err(StartError::Failed(
                "it did not say that it is done".to_owned(),
            ));
        }
        self.wait(Duration::from_secs(10)).await;
        Ok(packet.payload)
    }

    async fn first_word(&mut self, patience: Duration) -> Result<Packet<Report>, StartError> {
        match timeout(patience, self.next()).await {
            Ok(Event::Report(Packet {
                header: Report::Failed { message },
                ..
            })) => Err(StartError::Failed(message)),
            Ok(Event::Report(packet)) => Ok(packet),
            Ok(Event::Ended(how)) => Err(StartError::Ended(how)),
            Err(_) => Err(StartError::Late(patience)),
        }
    }

    /// The next thing it says, or its end. Cancelling loses nothing.
    pub(super) async fn next(&mut self) -> Event {
        let received = tokio::select! {
            // What it said before it ended comes first.
            biased;
            received = self.control.receive::<Report>() => received,
            status = self.child.wait() => return Event::Ended(describe(status)),
        };
        match received {
            Ok(Some(packet)) => Event::Report(packet),
            Ok(None) => {
                let status = timeout(Duration::from_secs(1), self.child.wait()).await;
                Event::Ended(status.map_or_else(|_| "it closed its socket".to_owned(), describe))
            }
            Err(error) => Event::Ended(error.to_string()),
        }
    }

    /// Tells it something; an error means that it is gone, which [`Worker::next`] then reports.
    pub(super) async fn tell(&self, order: &Order) -> Result<(), PacketError> {
        self.control.send(order, &[], &[]).await
    }

    /// Passes on a packet of its predecessor.
    pub(super) async fn pass(
        &self,
        order: &Order,
        payload: &[u8],
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), PacketError> {
        self.control.send(order, payload, descriptors).await
    }

    /// Asks it to stop and waits; kills it when it takes longer than `patience`.
    pub(super) async fn stop(mut self, patience: Duration) {
        let _ = self.tell(&Order::Stop).await;
        self.wait(patience).await;
    }

    /// Waits for its end, and kills it when it takes longer than `patience`. What it says meanwhile
    /// is of no more interest, but must be read, or it might wait for us.
    pub(super) async fn wait(&mut self, patience: Duration) {
        let deadline = Instant::now() + patience;
        loop {
            match timeout_at(deadline, self.next()).await {
                Ok(Event::Report(_)) => {}
                Ok(Event::Ended(_)) => break,
                Err(_) => {
                    let (role, pid) = (self.role, self.pid());
                    tracing::warn!(worker.role = %role, worker.pid = pid, "killing a worker");
                    break;
                }
            }
        }
        // A process that is gone already is no failure.
        let _ = self.child.kill().await;
    }
}

fn describe(status: std::io::Result<ExitStatus>) -> String {
    status.map_or_else(|error| error.to_string(), |status| status.to_string())
}

/// Variables that libraries of the workers look at; everything else of the keeper's is its own.
fn kept_environment() -> impl Iterator<Item = (std::ffi::OsString, std::ffi::OsString)> {
    ["TZ", "RUST_BACKTRACE"]
        .into_iter()
        .filter_map(|name| Some((name.into(), std::env::var_os(name)?)))
}
