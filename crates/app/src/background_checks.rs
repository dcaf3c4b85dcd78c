//! Whose turn it is to be asked about, and how many at a time.
//!
//! Each provider has a round of its own: one that hangs keeps nobody of another waiting. What one
//! question brings is in [`crate::confirmation`].

use crate::confirmation::Checked;
use crate::{App, Problem};
use model::address::Address;
use model::ids::ProviderId;
use model::provider::Provider;
use model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use store::refresh_tokens::Due;
use tokio::task::JoinSet;

/// Between two looks at whose turn it is.
const PACE: Duration = Duration::from_secs(5);
/// Most people of one provider asked about in one round, so that it is never flooded.
const AT_ONCE: u32 = 25;
/// Most questions to one provider under way at a time.
const SIDE_BY_SIDE: usize = 4;

/// People of one provider whose turn has come.
struct Round {
    provider: Arc<Provider>,
    people: Vec<Due>,
}

impl App {
    /// Asks about people whose turn it is until `stop` resolves. Questions under way are answered
    /// first: an answer that nobody waits for would take the token with it.
    pub async fn run_background_checks(&self, stop: impl Future<Output = ()> + Send) {
        tokio::pin!(stop);
        let over = Arc::new(AtomicBool::new(false));
        let (mut rounds, mut under_way) = (JoinSet::new(), BTreeMap::new());
        loop {
            let busy = under_way.values().copied().collect();
            match self.rounds_due(&busy).await {
                Ok(due) => {
                    for round in due {
                        let (app, over, id) = (self.clone(), Arc::clone(&over), round.provider.id);
                        let round = rounds.spawn(async move {
                            app.round(&round, &over).await;
                        });
                        under_way.insert(round.id(), id);
                    }
                }
                Err(error) => tracing::warn!(%error, "whom to ask providers about is not known"),
            }
            let pause = tokio::time::sleep(PACE);
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    () = &mut stop => {
                        over.store(true, Ordering::Release);
                        while rounds.join_next().await.is_some() {}
                        return;
                    }
                    () = &mut pause => break,
                    Some(ended) = rounds.join_next_with_id() => {
                        let ended = ended.map_or_else(|error| error.id(), |(id, ())| id);
                        under_way.remove(&ended);
                    }
                }
            }
        }
    }

    /// One look: asks about everybody whose turn it is, a bounded number at each provider.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] if the store cannot be read.
    pub async fn check_people(&self) -> Result<Vec<(Address, Checked)>, Problem> {
        let mut rounds = JoinSet::new();
        for round in self.rounds_due(&BTreeSet::new()).await? {
            let app = self.clone();
            rounds.spawn(async move { app.round(&round, &AtomicBool::new(false)).await });
        }
        Ok(rounds.join_all().await.into_iter().flatten().collect())
    }

    async fn rounds_due(&self, busy: &BTreeSet<ProviderId>) -> Result<Vec<Round>, Problem> {
        let now = self.clock.now();
        let providers = store::providers::all(&mut *self.store.read()?).await?;
        let mut rounds = Vec::new();
        for provider in providers {
            if !keeps_tokens(&provider, now) {
                self.forget_tokens(provider.id).await?;
                continue;
            }
            if !is_asked(&provider, now) || busy.contains(&provider.id) {
                continue;
            }
            let people = {
                let mut read = self.store.read()?;
                store::refresh_tokens::due(&mut read, provider.id, now, AT_ONCE).await?
            };
            if !people.is_empty() {
                let provider = Arc::new(provider);
                rounds.push(Round { provider, people });
            }
        }
        Ok(rounds)
    }

    /// Asks about the people of a round, some at a time, until `over` is set.
    async fn round(&self, round: &Round, over: &AtomicBool) -> Vec<(Address, Checked)> {
        let mut all = Vec::new();
        for some in round.people.chunks(SIDE_BY_SIDE) {
            if over.load(Ordering::Acquire) {
                break;
            }
            let mut under_way = JoinSet::new();
            for row in some {
                let (app, provider, row) = (self.clone(), Arc::clone(&round.provider), row.clone());
                under_way.spawn(async move {
                    let checked = app.check_one(&provider, &row).await;
                    let checked = checked.unwrap_or_else(|error| Checked::Unknown(error.to_string()));
                    tracing::debug!(mailbox.address = %row.address, provider.slug = %provider.slug, ?checked, "asked whether a person is still there");
                    (row.address, checked)
                });
            }
            let checked = under_way.join_all().await;
            let stopped = checked.iter().any(|(_, one)| *one == Checked::Stopped);
            all.extend(checked);
            if stopped {
                break;
            }
        }
        all
    }
}

/// Whether refresh tokens are kept of a provider's people: not where anybody might listen.
pub(crate) fn keeps_tokens(provider: &Provider, now: Timestamp) -> bool {
    provider.settings.leavers.background_checks && !provider.settings.ignores_tls(now)
}

/// Whether a provider is asked about the people whose refresh tokens are kept.
pub(crate) fn is_asked(provider: &Provider, now: Timestamp) -> bool {
    keeps_tokens(provider, now) && provider.settings.active && provider.checks_stopped.is_none()
}
