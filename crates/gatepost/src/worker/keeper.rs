//! The keeper, seen from a worker.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use super::inherited::{Collector, HandedConnection, Inherited};
use crate::channel::control::{Handed, HandedWhat, Order, Report, Verb};
use crate::channel::descriptors::{DescriptorSocket, MAX_PAYLOAD, PacketError};

/// Speaks to the keeper. Clones share the way.
#[derive(Debug, Clone)]
pub struct Keeper {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    control: DescriptorSocket,
    waiting: Mutex<Vec<(Verb, oneshot::Sender<Option<String>>)>>,
}

/// Why the keeper did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum VerbError {
    /// It tried.
    #[error("{0}")]
    Failed(String),
    /// It is gone.
    #[error("the keeper does not answer")]
    Gone,
}

/// What the keeper wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instruction {
    /// The certificate files are new.
    ReloadCertificates,
    /// Hand over to a successor and end. Auth worker only.
    Drain,
    /// Finish what is held and end.
    Stop,
}

/// Listens to the keeper, and to SIGTERM in case there is none any more.
#[derive(Debug)]
pub struct Instructions {
    shared: Arc<Shared>,
    terminate: Signal,
    keeper_gone: bool,
}

pub(super) fn link(control: DescriptorSocket) -> std::io::Result<(Keeper, Instructions)> {
    let shared = Arc::new(Shared {
        control,
        waiting: Mutex::default(),
    });
    let terminate = signal(SignalKind::terminate())?;
    let instructions = Instructions {
        shared: Arc::clone(&shared),
        terminate,
        keeper_gone: false,
    };
    Ok((Keeper { shared }, instructions))
}

impl Keeper {
    /// Everything is open; nothing has been accepted yet.
    ///
    /// # Errors
    /// When the keeper is gone.
    pub async fn ready(&self) -> Result<(), PacketError> {
        self.report(&Report::Ready, &[]).await
    }

    /// Asks for one of the fixed verbs and waits until it is done.
    ///
    /// # Errors
    /// [`VerbError`].
    pub async fn ask(&self, verb: Verb) -> Result<(), VerbError> {
        let (done, waiting) = oneshot::channel();
        self.shared.waiting.lock().push((verb, done));
        self.report(&Report::Verb(verb), &[])
            .await
            .map_err(|_| VerbError::Gone)?;
        match waiting.await {
            Ok(None) => Ok(()),
            Ok(Some(error)) => Err(VerbError::Failed(error)),
            Err(_) => Err(VerbError::Gone),
        }
    }

    /// Hands over what this worker held. The process must end afterwards.
    ///
    /// # Errors
    /// When the keeper is gone; the connections are then closed.
    pub async fn hand_over(&self, inherited: Inherited) -> Result<(), PacketError> {
        for HandedConnection { socket, state } in inherited.connections {
            self.hand(HandedWhat::Connection, &state, Some(&socket))
                .await?;
        }
        self.hand(HandedWhat::Desk, &inherited.desk, None).await?;
        self.hand(HandedWhat::Budgets, &inherited.budgets, None)
            .await?;
        self.report(&Report::Drained, &[]).await
    }

    async fn hand(
        &self,
        what: HandedWhat,
        state: &[u8],
        socket: Option<&std::os::fd::OwnedFd>,
    ) -> Result<(), PacketError> {
        let mut pieces = state.chunks(MAX_PAYLOAD).peekable();
        loop {
            let piece = pieces.next().unwrap_or_default();
            let last = pieces.peek().is_none();
            let report = Report::Handed(Handed { what, last });
            let socket = socket.filter(|_| last).map(std::os::fd::AsFd::as_fd);
            self.shared
                .control
                .send(&report, piece, socket.as_slice())
                .await?;
            if last {
                return Ok(());
            }
        }
    }

    pub(super) async fn migrated(&self, keys: &[u8]) -> Result<(), PacketError> {
        self.report(&Report::Migrated, keys).await
    }

    pub(super) async fn collected(&self) -> Result<(), PacketError> {
        self.report(&Report::Collected, &[]).await
    }

    pub(super) async fn failed(&self, message: String) {
        tracing::error!(error = message, "the worker cannot go on");
        // Without a keeper the log line has to do.
        let _ = self.report(&Report::Failed { message }, &[]).await;
    }

    async fn report(&self, report: &Report, payload: &[u8]) -> Result<(), PacketError> {
        self.shared.control.send(report, payload, &[]).await
    }
}

impl Instructions {
    /// Waits until the worker may accept, and returns what its predecessor handed over. `None`: it
    /// is to stop instead.
    pub async fn until_serve(&mut self) -> Option<Inherited> {
        let mut collector = Collector::default();
        loop {
            let packet = tokio::select! {
                packet = self.shared.control.receive::<Order>() => packet,
                _ = self.terminate.recv() => return None,
            };
            match packet {
                Ok(Some(packet)) => match packet.header {
                    Order::Serve => return Some(collector.into_inherited()),
                    Order::Handed(handed) => {
                        collector.add(handed, &packet.payload, packet.descriptors);
                    }
                    Order::Stop | Order::Drain => return None,
                    _ => {}
                },
                // Not serving yet, so nobody misses it.
                Ok(None) | Err(_) => return None,
            }
        }
    }

    /// The next instruction. Cancelling loses nothing.
    ///
    /// A worker whose keeper is gone goes on serving: a new keeper finds it and ends it with
    /// SIGTERM.
    pub async fn next(&mut self) -> Instruction {
        loop {
            let packet = tokio::select! {
                packet = self.shared.control.receive::<Order>(), if !self.keeper_gone => packet,
                _ = self.terminate.recv() => return Instruction::Stop,
            };
            match packet {
                Ok(Some(packet)) => match packet.header {
                    Order::Stop => return Instruction::Stop,
                    Order::Drain => return Instruction::Drain,
                    Order::ReloadCertificates => return Instruction::ReloadCertificates,
                    Order::Done { verb, error } => self.done(verb, error),
                    Order::Start(_) | Order::Serve | Order::Handed(_) => {
                        tracing::warn!("the keeper spoke out of turn");
                    }
                },
                Ok(None) | Err(_) => {
                    self.keeper_gone = true;
                    self.shared.waiting.lock().clear();
                    tracing::error!("the keeper is gone; serving until a new one takes over");
                }
            }
        }
    }

    fn done(&self, verb: Verb, error: Option<String>) {
        let mut waiting = self.shared.waiting.lock();
        let Some(index) = waiting.iter().position(|(asked, _)| *asked == verb) else {
            return;
        };
        let (_, done) = waiting.remove(index);
        // The asker may have given up.
        let _ = done.send(error);
    }
}
