//! Side effects, after commit.

use crate::ports::{EffectFailed, Engines};
use crate::{App, revoke};
use model::address::{Address, DomainName};
use model::ids::{DomainId, MailboxId};
use model::outcome::Code;
use model::rules::confirmation::Warning;
use model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use store::outbox::{Lane, OutboxRow};
use store::{Conn, StoreError};

/// Mailboxes whose sessions end in one transaction.
const AT_ONCE: u32 = 200;

/// A side effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "effect")]
pub enum Effect {
    /// End live mail sessions of an address.
    Kick {
        /// The address.
        address: Address,
    },
    /// End live mail sessions of all addresses of a domain.
    KickDomain {
        /// The domain.
        domain: DomainName,
    },
    /// End web sessions of all people of a domain.
    SignOutDomain {
        /// The domain.
        domain: DomainId,
    },
    /// Tell a domain's contact whom a code refused.
    TellHelpdesk {
        /// The domain.
        domain: DomainId,
        /// The code.
        code: Code,
    },
    /// Tell a person that their mail programs will stop.
    Warn {
        /// Whom.
        mailbox: MailboxId,
        /// By which letter.
        letter: Warning,
        /// When they stop.
        deadline: Timestamp,
    },
}

impl Effect {
    const fn lane(&self) -> Lane {
        match self {
            Self::Kick { .. } | Self::KickDomain { .. } | Self::SignOutDomain { .. } => {
                Lane::Engines
            }
            Self::TellHelpdesk { .. } | Self::Warn { .. } => Lane::Mail,
        }
    }
}

impl App {
    /// Runs effects until `stop` resolves: at once when rung, and again after a failure with
    /// growing pauses, also those left by a crash.
    pub async fn run_outbox(
        &self,
        engines: Arc<dyn Engines>,
        stop: impl Future<Output = ()> + Send,
    ) {
        let sessions = async {
            loop {
                let pause = self.run_due(Lane::Engines, engines.as_ref()).await;
                tokio::select! {
                    () = self.outbox_bell.notified() => {}
                    () = tokio::time::sleep(pause) => {}
                }
            }
        };
        let mail = async {
            loop {
                let pause = self.run_due(Lane::Mail, engines.as_ref()).await;
                tokio::time::sleep(pause).await;
            }
        };
        tokio::select! {
            () = stop => {}
            () = sessions => {}
            () = mail => {}
        }
    }

    /// Runs what is due in a lane; returns how long to rest unless the bell rings.
    async fn run_due(&self, lane: Lane, engines: &dyn Engines) -> Duration {
        let due = match self.due(lane).await {
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
                    Ok(()) => store::outbox::done(tx, row.id).await,
                    Err(_) => store::outbox::failed(tx, row.id, now.plus(pause)).await,
                })
                .await;
            if let Err(error) = stored {
                tracing::warn!(%error, "the outbox cannot be written");
                return Duration::from_secs(5);
            }
        }
        Duration::from_secs(1)
    }

    async fn due(&self, lane: Lane) -> Result<Vec<OutboxRow<Effect>>, StoreError> {
        store::outbox::due(&mut *self.store.read()?, lane, self.clock.now(), 100).await
    }

    async fn run(&self, effect: &Effect, engines: &dyn Engines) -> Result<(), EffectFailed> {
        match effect {
            Effect::Kick { address } => {
                let ended = engines.kick(address).await?;
                tracing::info!(mailbox.address = %address, sessions = ended, "live mail sessions ended");
                Ok(())
            }
            Effect::KickDomain { domain } => {
                let ended = engines.kick_domain(domain).await?;
                tracing::info!(domain.name = %domain, sessions = ended, "live mail sessions of a domain ended");
                Ok(())
            }
            Effect::SignOutDomain { domain } => {
                let signed_out = self.sign_out_domain(*domain).await;
                let ended = signed_out.map_err(|error| EffectFailed(error.to_string()))?;
                tracing::info!(domain.id = %domain, sessions = ended, "web sessions of a domain ended");
                Ok(())
            }
            Effect::TellHelpdesk { domain, code } => {
                self.tell_helpdesk(*domain, *code, engines).await
            }
            Effect::Warn {
                mailbox,
                letter,
                deadline,
            } => self.warn((*mailbox, *letter, *deadline), engines).await,
        }
    }

    /// Ends the web sessions of a domain's people, some mailboxes in each transaction: writes that
    /// wait meanwhile go between them.
    async fn sign_out_domain(&self, domain: DomainId) -> Result<u64, StoreError> {
        let mut ended = 0;
        let mut after = None;
        loop {
            let people = {
                let after: Option<&Address> = after.as_ref();
                let mut read = self.store.read()?;
                store::mailboxes::of_domain(&mut read, domain, after, AT_ONCE).await?
            };
            let Some((_, last)) = people.last() else {
                return Ok(ended);
            };
            after = Some(last.clone());
            ended += self
                .store
                .write(async move |tx: &mut Conn| {
                    let mut ended = 0;
                    for (id, _) in &people {
                        ended += revoke::end_web(tx, *id).await?;
                    }
                    Ok::<_, StoreError>(ended)
                })
                .await?;
        }
    }
}

/// Leaves an effect, in the transaction that asks for it.
pub(crate) async fn put(tx: &mut Conn, effect: &Effect, now: Timestamp) -> Result<(), StoreError> {
    put_later(tx, effect, now, now).await
}

/// The same, not to be done before `due`.
pub(crate) async fn put_later(
    tx: &mut Conn,
    effect: &Effect,
    now: Timestamp,
    due: Timestamp,
) -> Result<(), StoreError> {
    let put = store::outbox::put(tx, effect.lane(), effect, now, due).await;
    put.map(drop)
}
