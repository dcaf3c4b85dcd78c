//! What the auth worker learned, on its way to the writer in the web worker.

use std::sync::Arc;
use std::time::Duration;

use app::App;
use app::mail::Coalescer;
use app::ports::{Learned, Recorder};
use model::time::{Clock, SystemClock};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::channel::client::Noting;
use crate::channel::notes::NoteQueue;

/// How many learned things wait for the web worker: about a minute of a busy server while the web
/// worker restarts.
const CAPACITY: usize = 20_000;

/// How often what was gathered leaves the auth worker.
const PACE: Duration = Duration::from_secs(1);

/// Auth worker: leaves what was learned in the queue that [`super::serve_desk`] tells from. A full
/// queue drops and counts.
#[derive(Debug, Clone)]
pub struct ChannelRecorder {
    notes: NoteQueue<Learned>,
}

impl ChannelRecorder {
    /// A recorder with an empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self {
            notes: NoteQueue::new(CAPACITY),
        }
    }

    /// The queue, for [`super::serve_desk`]. Clones share it.
    #[must_use]
    pub fn notes(&self) -> NoteQueue<Learned> {
        self.notes.clone()
    }
}

impl Default for ChannelRecorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Recorder for ChannelRecorder {
    fn record(&self, learned: Learned) {
        // Lost when full, and counted by the queue.
        self.notes.offer(learned);
    }
}

/// Auth worker: hands on what was gathered every second until `stop`, and once more then.
pub async fn hand_on_learned(coalescer: Arc<Coalescer>, stop: CancellationToken) {
    let mut pace = tokio::time::interval(PACE);
    loop {
        let stopped = tokio::select! {
            () = stop.cancelled() => true,
            _ = pace.tick() => false,
        };
        coalescer.flush(SystemClock.now());
        if stopped {
            return;
        }
    }
}

/// Web worker: batches of learned things wait here until there are use cases to store them.
#[derive(Debug)]
pub struct Learning {
    app: watch::Sender<Option<App>>,
}

impl Learning {
    pub(super) fn new() -> (Self, Arriving) {
        let (app, arriving) = watch::channel(None);
        (Self { app }, Arriving { app: arriving })
    }

    /// Stores what arrives from now on, and what has been waiting.
    pub fn begin(self, app: App) {
        self.app.send_replace(Some(app));
    }
}

/// The receiving end on the internal channel.
pub(super) struct Arriving {
    app: watch::Receiver<Option<App>>,
}

impl Noting<Learned> for Arriving {
    async fn note(&self, notes: Vec<Learned>, dropped: u64) {
        if dropped > 0 {
            tracing::warn!(dropped, "last uses and attempts of mail programs were lost");
        }
        let app = match self.app.clone().wait_for(Option::is_some).await {
            Ok(app) => app.clone(),
            // The worker ended before it began.
            Err(_) => None,
        };
        if let Some(app) = app
            && let Err(error) = app.store_learned(notes).await
        {
            tracing::warn!(%error, "last uses and attempts of mail programs were not stored");
        }
    }
}
