//! A protocol's side of one connection, without the connection: bytes in, replies out, questions
//! asked in between. Tests and fuzz targets drive it as the real connection does.

use crate::counts::Counters;
use crate::decisions::Decisions;
use crate::handover::Talk;
use crate::inbox::Inbox;
use crate::pending::Pending;
use crate::settings::Settings;
use crate::signed_in::SignedIn;
use crate::wire::FramingError;
use futures_util::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use model::random::Random;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// What all conversations of a desk share.
pub(crate) struct Shared<D> {
    pub(crate) decisions: Arc<D>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) settings: Settings,
    pub(crate) pending: Pending,
    pub(crate) signed_in: Arc<SignedIn>,
    /// One permit for each refusal that may be held back.
    pub(crate) held: Arc<Semaphore>,
    pub(crate) counters: Counters,
}

impl<D: Decisions> Shared<D> {
    pub(crate) fn new(decisions: Arc<D>, random: Arc<dyn Random>, settings: Settings) -> Self {
        Self {
            decisions,
            random,
            pending: Pending::new(settings.remembered, settings.remember_for),
            signed_in: Arc::default(),
            held: Arc::new(Semaphore::new(settings.held_replies)),
            counters: Counters::default(),
            settings,
        }
    }
}

/// Why we end a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hangup {
    /// The peer cannot be understood any more.
    Framing(FramingError),
    /// A fault of ours, towards Postfix: a closed connection is its only temporary answer.
    Unavailable,
}

impl From<FramingError> for Hangup {
    fn from(error: FramingError) -> Self {
        Self::Framing(error)
    }
}

/// One protocol on one connection.
pub(crate) trait Conversation: Send + 'static {
    /// What an answered question comes back as.
    type Report: Send + 'static;

    /// Works through the requests that have arrived whole, as far as it can without waiting.
    fn read(&mut self, inbox: &mut Inbox, io: &mut Io<'_, Self::Report>) -> Result<(), Hangup>;

    /// Puts an answer on the wire.
    fn report(&mut self, report: Self::Report, io: &mut Io<'_, Self::Report>)
    -> Result<(), Hangup>;

    /// When [`Self::tick`] wants to be called, whatever else happens.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// Does what was due by `now`.
    fn tick(&mut self, now: Instant, io: &mut Io<'_, Self::Report>) {
        let _ = (now, io);
    }

    /// The desk drains: nothing more will be read, so nothing is to be held back any longer.
    fn release(&mut self, io: &mut Io<'_, Self::Report>) {
        let _ = io;
    }

    /// Answers every question that is still open with a fault of ours.
    fn give_up(&mut self, io: &mut Io<'_, Self::Report>) -> Result<(), Hangup>;

    /// What the next worker needs to go on. Called with no question open.
    fn park(self) -> Talk;
}

/// A conversation's hands: replies on their way out, and questions that are being decided.
pub(crate) struct Io<'a, R> {
    pub(crate) out: &'a mut Vec<u8>,
    pub(crate) questions: &'a Questions<R>,
}

/// Questions that are being decided, in the connection's own task: most answers are there at once.
pub(crate) struct Questions<R> {
    open: FuturesUnordered<Pin<Box<dyn Future<Output = R> + Send>>>,
}

impl<R: Send + 'static> Questions<R> {
    pub(crate) fn new() -> Self {
        Self {
            open: FuturesUnordered::new(),
        }
    }

    /// Starts a question. `report` is told the answer, or `None` if there was none in time or the
    /// decision panicked: a fault of ours that must not take the connection's other requests along.
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        settings: &Settings,
        question: impl Future<Output = T> + Send + 'static,
        report: impl FnOnce(Option<T>) -> R + Send + 'static,
    ) {
        let within = settings.answer_within;
        self.open.push(Box::pin(async move {
            let answer = tokio::time::timeout(within, AssertUnwindSafe(question).catch_unwind());
            report(match answer.await {
                Ok(Ok(answer)) => Some(answer),
                Ok(Err(_)) => {
                    tracing::error!("a mail decision panicked");
                    None
                }
                Err(_) => {
                    tracing::warn!(
                        within.ms = within.as_millis(),
                        "a mail decision took too long"
                    );
                    None
                }
            })
        }));
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// The next answer; `None` if no question is open.
    pub(crate) async fn next(&mut self) -> Option<R> {
        self.open.next().await
    }
}

/// With this much unsent, nothing more is worked on until the peer has read some.
pub(crate) const OUT_HIGH: usize = 64 * 1024;

/// Works off what has arrived, with every answer that is there at once, so that pipelined requests
/// share one write.
pub(crate) fn work<C: Conversation>(
    conversation: &mut C,
    inbox: &mut Inbox,
    out: &mut Vec<u8>,
    questions: &mut Questions<C::Report>,
) -> Result<bool, Hangup> {
    while out.len() < OUT_HIGH {
        conversation.read(inbox, &mut Io { out, questions })?;
        let mut reported = false;
        while let Some(Some(report)) = questions.next().now_or_never() {
            conversation.report(report, &mut Io { out, questions })?;
            reported = true;
        }
        if !reported {
            return Ok(false);
        }
    }
    Ok(true)
}
