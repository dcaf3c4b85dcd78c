//! The record of one attempt, built up step by step.

use super::{Ended, Refused};
use crate::{App, Client, Problem};
use model::attempt::{Attempt, Door, Reference, StepState, Trace};
use model::ids::{AttemptId, MailboxId, ProviderId};
use model::outcome::{Code, Refusal};
use model::provider::Provider;
use store::{Conn, StoreError};

/// An attempt under way.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) attempt: Attempt,
}

impl Record {
    pub(super) fn new(app: &App, door: Door, client: &Client) -> Self {
        Self {
            attempt: Attempt {
                id: AttemptId(0),
                reference: Reference::generate(app.random.as_ref()),
                at: app.clock.now(),
                door,
                provider: None,
                mailbox: None,
                address: None,
                ip: client.ip,
                user_agent: client.user_agent.chars().take(200).collect(),
                refusal: None,
                notice: None,
                trace: Trace::default(),
                count: 1,
            },
        }
    }

    /// Notes the provider, and loudly when its certificate is not checked.
    pub(super) fn by(&mut self, provider: &Provider) {
        self.attempt.provider = Some(provider.id);
        if provider.settings.ignores_tls(self.attempt.at) {
            self.attempt.trace.push(
                Trace::IGNORED_TLS,
                StepState::Warn,
                "TLS errors of this provider are ignored: whoever sits in between can sign in as anybody",
            );
        }
    }

    pub(super) fn about(&mut self, mailbox: Option<MailboxId>, address: impl std::fmt::Display) {
        self.attempt.mailbox = mailbox;
        self.attempt.address = Some(address.to_string().chars().take(254).collect());
    }

    pub(super) const fn provider(&self) -> Option<ProviderId> {
        self.attempt.provider
    }

    pub(super) async fn insert(&self, tx: &mut Conn) -> Result<(), StoreError> {
        store::attempts::insert(tx, &self.attempt).await
    }

    pub(super) fn refused(&mut self, refusal: Refusal) -> Box<Refused> {
        self.attempt.refusal = Some(refusal.clone());
        Box::new(Refused {
            refusal,
            reference: self.attempt.reference.clone(),
            at: self.attempt.at,
        })
    }
}

impl App {
    /// Ends an attempt with a refusal and stores it. If the store is what failed, the attempt goes
    /// to the log alone.
    pub(super) async fn refuse(&self, mut record: Record, refusal: Refusal) -> Box<Refused> {
        let refused = record.refused(refusal);
        tracing::info!(
            attempt.reference = %refused.reference,
            attempt.code = %refused.refusal.code,
            "sign-in refused"
        );
        let stored = self
            .store
            .write(async move |tx: &mut Conn| record.insert(tx).await)
            .await;
        if let Err(error) = stored {
            tracing::warn!(%error, "an attempt could not be stored");
        }
        refused
    }

    pub(super) async fn refuse_for(&self, record: Record, problem: Problem) -> Ended {
        Ended::Refused(self.refuse(record, own_fault(problem)).await)
    }
}

/// A problem of ours as a refusal; a refusal stays what it is.
pub(super) fn own_fault(problem: Problem) -> Refusal {
    match problem {
        Problem::Refused(refusal) => refusal,
        Problem::Throttled { wait_seconds } => throttled(wait_seconds),
        other => {
            tracing::error!(error = %other, "a sign-in met a fault of ours");
            Refusal::new(Code::OwnFault).with("detail", other)
        }
    }
}

/// The refusal of somebody who tried too often.
fn throttled(wait_seconds: u64) -> Refusal {
    let wait = match wait_seconds {
        0..=90 => format!("{wait_seconds} seconds"),
        more => format!("{} minutes", more.div_ceil(60)),
    };
    Refusal::new(Code::TooManyTries)
        .with("detail", format!("{wait} to wait"))
        .with("wait", wait)
}

/// The refusal of an account at which too many wrong passwords in a row were guessed.
pub(crate) fn locked() -> Refusal {
    Refusal::new(Code::TooManyTries)
        .with(
            "detail",
            "too many wrong passwords in a row; a new password, or the right one from a network used lately, ends it",
        )
        .with(
            "wait",
            "until your password was set anew, or sign in where you did lately",
        )
}
