//! The record of one attempt, built up step by step.

use super::refusals::{Alike, Place};
use super::{Ended, Refused};
use crate::{App, Client, Problem, alerts};
use model::attempt::{Attempt, Door, Reference, StepState, Trace};
use model::ids::{AttemptId, MailboxId, ProviderId};
use model::outcome::{Code, Refusal};
use model::provider::Provider;
use model::time::Timestamp;
use store::{Conn, StoreError, Taken};

/// An attempt under way.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) attempt: Attempt,
    /// Takes the place of a reference that another attempt has.
    spare: Reference,
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
            spare: Reference::generate(app.random.as_ref()),
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

    /// Speaks for all that are alike and not for the person who came first.
    fn stand_for_many(&mut self) {
        (self.attempt.mailbox, self.attempt.address) = (None, None);
        self.attempt.trace.push(
            "outcome",
            StepState::Note,
            "many of this kind from one network within a minute; this one and those that follow are counted here",
        );
    }

    pub(super) const fn provider(&self) -> Option<ProviderId> {
        self.attempt.provider
    }

    /// Stores it; only then its reference is certain.
    pub(super) async fn insert(&mut self, tx: &mut Conn) -> Result<(), StoreError> {
        match store::attempts::insert(tx, &self.attempt).await {
            Err(StoreError::Taken(Taken::Token)) => {
                self.attempt.reference = self.spare.clone();
                store::attempts::insert(tx, &self.attempt).await?;
            }
            stored => stored?,
        }
        alerts::note(tx, &self.attempt).await
    }

    /// Stores it as refused.
    pub(super) async fn insert_refused(
        &mut self,
        tx: &mut Conn,
        refusal: Refusal,
    ) -> Result<Box<Refused>, StoreError> {
        self.attempt.refusal = Some(refusal);
        self.insert(tx).await?;
        Ok(self.refused())
    }

    /// What the person's page shows.
    fn refused(&self) -> Box<Refused> {
        let refusal = self.attempt.refusal.clone();
        Box::new(Refused {
            refusal: refusal.unwrap_or_else(|| Refusal::new(Code::OwnFault)),
            reference: self.attempt.reference.clone(),
            at: self.attempt.at,
        })
    }
}

impl App {
    /// Ends an attempt with a refusal and stores it. If the store is what failed, the attempt goes
    /// to the log alone. Beyond some a minute, those that are alike share one row and its reference.
    pub(super) async fn refuse(&self, mut record: Record, refusal: Refusal) -> Box<Refused> {
        record.attempt.refusal = Some(refusal);
        let alike = Alike::of(&record.attempt);
        let place = self.refusals.lock().place(record.attempt.at, alike);
        let (reference, stored) = match &place {
            Place::Row => self.insert_one(&record).await,
            Place::FirstOfMany => {
                record.stand_for_many();
                let (reference, stored) = self.insert_one(&record).await;
                if stored.is_ok() {
                    let at = record.attempt.at;
                    self.refusals.lock().placed(at, alike, reference.clone());
                }
                (reference, stored)
            }
            Place::OneMore(row) => (row.clone(), self.add_one(row, record.attempt.at).await),
        };
        record.attempt.reference = reference;
        let refused = record.refused();
        tracing::info!(
            attempt.reference = %refused.reference,
            attempt.code = %refused.refusal.code,
            "sign-in refused"
        );
        if let Err(error) = stored {
            tracing::warn!(%error, "an attempt could not be stored");
        }
        refused
    }

    /// Stores a record; tells under which reference.
    async fn insert_one(&self, record: &Record) -> (Reference, Result<(), StoreError>) {
        let inside = record.clone();
        let stored = self
            .store
            .write(async move |tx: &mut Conn| {
                let mut record = inside.clone();
                record.insert(tx).await?;
                Ok::<_, StoreError>(record.attempt.reference)
            })
            .await;
        match stored {
            Ok(reference) => (reference, Ok(())),
            Err(error) => (record.attempt.reference.clone(), Err(error)),
        }
    }

    async fn add_one(&self, row: &Reference, at: Timestamp) -> Result<(), StoreError> {
        let row = row.clone();
        let added = self
            .store
            .write(async move |tx: &mut Conn| store::attempts::add_to(tx, &row, at).await)
            .await;
        added.map(drop)
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
