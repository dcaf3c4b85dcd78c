//! Side effects on the engines, after commit.

use crate::App;
use crate::ports::{EffectFailed, Engines, Progress};
use model::address::Address;
use model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use store::{Conn, StoreError};

/// A side effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "effect")]
pub enum Effect {
    /// End live mail sessions of an address.
    Kick {
        /// The address.
        address: Address,
    },
    /// Remove the mail of a deleted mailbox; the directory below the mail root.
    RemoveMail {
        /// The directory.
        directory: String,
    },
}

impl App {
    /// Runs effects until `stop` resolves: at once when rung, and again after a failure with
    /// growing pauses, also those left by a crash.
    pub async fn run_outbox(
        &self,
        engines: Arc<dyn Engines>,
        stop: impl Future<Output = ()> + Send,
    ) {
        tokio::pin!(stop);
        loop {
            let pause = self.run_due(engines.as_ref()).await;
            tokio::select! {
                () = &mut stop => return,
                () = self.outbox_bell.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Runs what is due; returns how long to rest unless the bell rings.
    async fn run_due(&self, engines: &dyn Engines) -> Duration {
        let due = match self.due().await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "the outbox cannot be read");
                return Duration::from_secs(5);
            }
        };
        for row in due {
            let outcome = self.run(&row.effect, engines).await;
            let now = self.clock.now();
            if let Err(error) = &outcome {
                tracing::warn!(effect = ?row.effect, tries = row.tries, %error, "a side effect failed; it is tried again");
            }
            let pause = Duration::from_secs(1 << row.tries.clamp(0, 8));
            let stored = self
                .store
                .write(async move |tx: &mut Conn| match &outcome {
                    Ok(Progress::Done) => store::outbox::done(tx, row.id).await,
                    Ok(Progress::UnderWay) | Err(_) => {
                        store::outbox::failed(tx, row.id, now.plus(pause)).await
                    }
                })
                .await;
            if let Err(error) = stored {
                tracing::warn!(%error, "the outbox cannot be written");
                return Duration::from_secs(5);
            }
        }
        Duration::from_secs(1)
    }

    async fn due(&self) -> Result<Vec<store::outbox::OutboxRow<Effect>>, StoreError> {
        store::outbox::due(&mut *self.store.read()?, self.clock.now(), 100).await
    }

    async fn run(&self, effect: &Effect, engines: &dyn Engines) -> Result<Progress, EffectFailed> {
        match effect {
            Effect::Kick { address } => {
                let ended = engines.kick(address).await?;
                tracing::info!(mailbox.address = %address, sessions = ended, "live mail sessions ended");
                Ok(Progress::Done)
            }
            Effect::RemoveMail { directory } => engines.remove_mail(directory).await,
        }
    }
}

/// Leaves an effect, in the transaction that asks for it.
pub(crate) async fn put(tx: &mut Conn, effect: &Effect, now: Timestamp) -> Result<(), StoreError> {
    store::outbox::put(tx, effect, now).await.map(drop)
}
