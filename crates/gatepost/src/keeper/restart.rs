//! The planned restart of the auth worker, which loses no login.
//!
//! The successor opens everything and waits. Then the old worker stops accepting, answers what it
//! holds, and hands over its connected sockets and remembered OKs; only then does the successor
//! accept. So no engine asks a worker that does not know. Meanwhile connections wait in the
//! listening sockets, which stay with the keeper.

use std::os::fd::AsFd as _;
use std::time::Duration;

use tokio::time::timeout;

use super::bench::Bench;
use super::supervisor::READY;
use super::worker::{Event, StartError, Worker};
use crate::channel::control::{HandedWhat, Order, Report, Role};
use crate::channel::descriptors::{Packet, PacketError};

/// For the hand-over as a whole. The old worker itself takes two seconds at most to answer what it
/// holds.
const PATIENCE: Duration = Duration::from_secs(15);

/// From *drained* to the end of the old process.
const END: Duration = Duration::from_secs(5);

/// Why the hand-over broke off.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the old worker ended ({0})")]
    Old(String),
    #[error("the new worker takes nothing: {0}")]
    New(PacketError),
    #[error("it took longer than {} s", PATIENCE.as_secs())]
    Late,
}

/// Replaces `old`. If the successor does not come up, the old one goes on as if nothing had
/// happened. If the hand-over itself breaks off, the successor serves without what was lost: the
/// engines connect again.
pub(super) async fn hand_over(bench: &Bench, old: Worker) -> Result<Worker, (Worker, StartError)> {
    let edition = bench.edition();
    let successor = async {
        let mut successor = Worker::start(bench, &edition, Role::Auth).await?;
        successor.ready(READY).await?;
        Ok(successor)
    };
    let successor = match successor.await {
        Ok(successor) => successor,
        Err(error) => return Err((old, error)),
    };
    let mut old = old;
    let passed = match timeout(PATIENCE, relay(&mut old, &successor)).await {
        Ok(Ok(passed)) => passed,
        Ok(Err(error)) => lost(&error),
        Err(_) => lost(&Broken::Late),
    };
    // If it is gone by now, the supervisor notices when it attends to it.
    let _ = successor.tell(&Order::Serve).await;
    tracing::info!(
        worker.pid = successor.pid(),
        connections = passed,
        "the auth worker was replaced"
    );
    old.wait(END).await;
    Ok(successor)
}

fn lost(error: &Broken) -> usize {
    tracing::error!(%error, "the hand-over broke off: logins in flight may fail once");
    0
}

/// Passes on packet by packet, as they are. Returns how many connections there were.
async fn relay(old: &mut Worker, successor: &Worker) -> Result<usize, Broken> {
    let gone = |error: PacketError| Broken::Old(error.to_string());
    old.tell(&Order::Drain).await.map_err(gone)?;
    let mut connections = 0;
    loop {
        let Packet {
            header,
            payload,
            descriptors,
        } = match old.next().await {
            Event::Report(packet) => packet,
            Event::Ended(how) => return Err(Broken::Old(how)),
        };
        match header {
            Report::Drained => return Ok(connections),
            Report::Handed(handed) => {
                connections += usize::from(handed.what == HandedWhat::Connection && handed.last);
                let descriptors: Vec<_> = descriptors.iter().map(|fd| fd.as_fd()).collect();
                let order = Order::Handed(handed);
                successor
                    .pass(&order, &payload, &descriptors)
                    .await
                    .map_err(Broken::New)?;
            }
            other => tracing::warn!(?other, "the auth worker spoke out of turn"),
        }
    }
}
