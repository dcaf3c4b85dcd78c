//! Being asked to stop, by Ctrl-C or whoever started the demo.

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The walkthrough was asked to stop before its end.
#[derive(Debug, thiserror::Error)]
#[error("interrupted; everything that was started has ended")]
pub(super) struct Interrupted;

/// The signals that ask.
pub(super) struct Stop {
    signals: [Signal; 3],
}

impl Stop {
    /// From now on the signals no longer end the process by themselves, which would leave the
    /// server and its engines behind.
    pub(super) fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot wait for signals");
        Ok(Self {
            signals: [
                listen(SignalKind::interrupt())?,
                listen(SignalKind::terminate())?,
                listen(SignalKind::hangup())?,
            ],
        })
    }

    /// Waits for one of them.
    pub(super) async fn asked(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.signals;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
