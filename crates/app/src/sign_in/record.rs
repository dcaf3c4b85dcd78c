//! The record of one attempt, built up step by step.

use super::refusals::{Alike, Place};
use super::{Ended, Refused, ReturnTo};
use crate::provider_calls::Identity;
use crate::{App, Client, Problem, alerts, departures};
use model::attempt::{Attempt, Door, Reference, SeenIdentity, Step, StepState, Trace};
use model::ids::{AttemptId, MailboxId, ProviderId};
use model::outcome::{Code, Refusal};
use model::provider::Provider;
use model::time::Timestamp;
use oidc::callback::{Answer, Callback};
use std::time::Duration;
use store::{Conn, StoreError, Taken};
use tokio::time::Instant;
use upstream::Purpose;
use upstream::journal::Journal;

/// An attempt under way.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) attempt: Attempt,
    /// Where the person wants to go.
    pub(super) return_to: ReturnTo,
    /// Takes the place of a reference that another attempt has.
    spare: Reference,
    /// The tag of the flow that goes when this is stored, and the provider it had left for.
    flow: Option<(Vec<u8>, ProviderId)>,
    /// When it began, for the times of its steps.
    begun: Instant,
}

impl Record {
    pub(crate) fn new(app: &App, door: Door, client: &Client) -> Self {
        Self {
            attempt: Attempt {
                id: AttemptId(0),
                reference: Reference::generate(app.random.as_ref()),
                at: app.clock.now(),
                door,
                provider: None,
                app: None,
                mailbox: None,
                address: None,
                ip: client.ip,
                user_agent: client.user_agent.chars().take(200).collect(),
                refusal: None,
                notice: None,
                trace: Trace::default(),
                count: 1,
            },
            return_to: ReturnTo::default(),
            spare: Reference::generate(app.random.as_ref()),
            flow: None,
            begun: Instant::now(),
        }
    }

    /// Notes the flow that this attempt uses up.
    pub(super) fn uses_up(&mut self, state_tag: &[u8], provider: ProviderId) {
        self.flow = Some((state_tag.to_vec(), provider));
    }

    /// Takes the flow away; `false` if another answer did.
    pub(super) async fn use_up(&mut self, tx: &mut Conn) -> Result<bool, StoreError> {
        let Some((tag, provider)) = self.flow.take() else {
            return Ok(true);
        };
        let ours = store::sign_in_flows::use_up(tx, &tag).await?;
        if ours {
            departures::came_back(tx, provider, self.attempt.at).await?;
        }
        Ok(ours)
    }

    /// Notes that the person came back from the provider, and with what.
    pub(super) fn came_back(
        &mut self,
        left: Option<Timestamp>,
        callback: &Callback,
        provider: &Provider,
    ) {
        let trace = &mut self.attempt.trace;
        if let Some(left) = left {
            let away = self.attempt.at.since(left).as_secs();
            let words = format!("to {}; back after {away} s", provider.settings.name);
            trace.push("sent away", StepState::Ok, words);
        }
        let with = match &callback.answer {
            Answer::Code(_) => "with a code",
            Answer::Error(_) => "with an error instead of a code",
        };
        trace.push("came back", StepState::Ok, with);
        self.stamp();
    }

    /// Notes the calls that were made to the provider, each with its own time.
    pub(super) fn called(&mut self, journal: &Journal) {
        self.stamp();
        for call in journal.calls() {
            let gate = match call.purpose {
                Purpose::Discovery => "discovery",
                Purpose::Keys => "keys fetched",
                Purpose::Authorization => "sign-in page",
                Purpose::Token => "code exchanged",
                Purpose::UserInfo => "userinfo",
            };
            let took = call.took.as_millis();
            let (state, words) = match &call.answer {
                Ok(200) => (
                    StepState::Ok,
                    format!("{} answered 200 in {took} ms", call.host),
                ),
                Ok(status) => (
                    StepState::Warn,
                    format!("{} answered {status} in {took} ms", call.host),
                ),
                Err(why) => (
                    StepState::Warn,
                    format!("no answer from {} in {took} ms: {why}", call.host),
                ),
            };
            let trace = &mut self.attempt.trace;
            trace.push(gate, state, words);
            if let Some(step) = trace.steps.last_mut() {
                step.took_ms = Some(millis(call.took));
                step.ms = Some(millis(call.ended.saturating_duration_since(self.begun)));
            }
        }
    }

    /// Notes who came, with their claims, and how long it took to find out.
    pub(super) fn identified(&mut self, identity: &Identity, took: Duration) {
        let trace = &mut self.attempt.trace;
        if let Some(key) = &identity.signed_by {
            let words = format!("signature ({key}), issuer, audience, nonce and times are right");
            trace.push("ID token", StepState::Ok, words);
        }
        let evidence = identity.evidence.clone();
        trace.push_timed("identity", StepState::Ok, evidence, millis(took));
        trace.claims.clone_from(&identity.seen);
        trace.identity = Some(SeenIdentity {
            namespace: identity.namespace.clone(),
            subject: identity.subject.clone(),
        });
        self.stamp();
    }

    /// Says where it ended, if no step does yet.
    fn conclude(&mut self) {
        if let Some(refusal) = &self.attempt.refusal {
            let trace = &mut self.attempt.trace;
            let told = |step: &Step| step.state == StepState::Blocked;
            if !trace.steps.iter().any(told) {
                trace.push("outcome", StepState::Blocked, refusal.to_string());
            }
        }
        self.stamp();
    }

    /// Gives the steps that have none yet the time that has passed.
    fn stamp(&mut self) {
        let ms = millis(self.begun.elapsed());
        for step in &mut self.attempt.trace.steps {
            step.ms.get_or_insert(ms);
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

    pub(crate) fn about(&mut self, mailbox: Option<MailboxId>, address: impl std::fmt::Display) {
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

    /// Stores it; only then its reference is certain.
    pub(crate) async fn insert(&mut self, tx: &mut Conn) -> Result<(), StoreError> {
        self.use_up(tx).await?;
        self.conclude();
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
            return_to: self.return_to.clone(),
        })
    }
}

impl App {
    /// Ends an attempt with a refusal and stores it. If the store is what failed, the attempt goes
    /// to the log alone. Beyond some a minute, those that are alike share one row and its reference.
    pub(crate) async fn refuse(&self, mut record: Record, refusal: Refusal) -> Box<Refused> {
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
            Place::OneMore(row) => (row.clone(), self.add_one(row, &record).await),
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

    async fn add_one(&self, row: &Reference, record: &Record) -> Result<(), StoreError> {
        let (row, inside) = (row.clone(), record.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                let mut record = inside.clone();
                record.use_up(tx).await?;
                store::attempts::add_to(tx, &row, record.attempt.at).await
            })
            .await
            .map(drop)
    }

    pub(super) async fn refuse_for(&self, record: Record, problem: Problem) -> Ended {
        Ended::Refused(self.refuse(record, own_fault(problem)).await)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
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
pub(crate) fn throttled(wait_seconds: u64) -> Refusal {
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
