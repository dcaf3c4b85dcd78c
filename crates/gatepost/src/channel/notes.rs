//! Notes: what one process tells another in batches, losing some rather than waiting.
//!
//! The auth worker must never wait for the store's writer, so what it learns (last used, attempts,
//! re-hashes) goes into a bounded queue; when the writer is away or slow, new notes are dropped
//! and counted.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// Most notes of one batch.
pub const MAX_BATCH: usize = 256;

/// How long a batch waits for company.
const LINGER: Duration = Duration::from_millis(200);

/// The bounded queue. Clones share it.
#[derive(Debug)]
pub struct NoteQueue<N> {
    shared: Arc<Shared<N>>,
}

#[derive(Debug)]
struct Shared<N> {
    state: Mutex<State<N>>,
    arrived: Notify,
    settled: Notify,
    capacity: usize,
}

#[derive(Debug)]
struct State<N> {
    queue: VecDeque<N>,
    /// Taken, but not yet confirmed.
    under_way: usize,
    /// Lost since the last batch.
    unreported: u64,
    /// Lost since the start.
    dropped: u64,
}

/// Notes taken from the queue. Dropped without [`Batch::confirm`], they go back into it.
#[derive(Debug)]
pub(super) struct Batch<'q, N> {
    queue: &'q NoteQueue<N>,
    pub(super) notes: Vec<N>,
    pub(super) dropped: u64,
}

impl<N> Clone for NoteQueue<N> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<N> NoteQueue<N> {
    /// A queue that holds at most `capacity` notes.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let state = State {
            queue: VecDeque::new(),
            under_way: 0,
            unreported: 0,
            dropped: 0,
        };
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(state),
                arrived: Notify::new(),
                settled: Notify::new(),
                capacity,
            }),
        }
    }

    /// Adds a note without waiting; `false` when the queue is full and the note is lost.
    pub fn offer(&self, note: N) -> bool {
        let mut state = self.shared.state.lock();
        if state.queue.len() >= self.shared.capacity {
            state.lose();
            return false;
        }
        state.queue.push_back(note);
        drop(state);
        self.shared.arrived.notify_one();
        true
    }

    /// How many notes were lost since the start; a metric.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.state.lock().dropped
    }

    /// Waits until every note has been delivered and confirmed.
    pub async fn settled(&self) {
        loop {
            let settled = self.shared.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            if self.shared.state.lock().is_settled() {
                return;
            }
            settled.await;
        }
    }

    /// Waits for a note, then a little longer for more, and takes up to [`MAX_BATCH`].
    /// Cancelling loses nothing.
    pub(super) async fn take(&self) -> Batch<'_, N> {
        while self.shared.state.lock().queue.is_empty() {
            self.shared.arrived.notified().await;
        }
        if self.shared.state.lock().queue.len() < MAX_BATCH {
            tokio::time::sleep(LINGER).await;
        }
        let mut state = self.shared.state.lock();
        let count = state.queue.len().min(MAX_BATCH);
        state.under_way += count;
        Batch {
            notes: state.queue.drain(..count).collect(),
            dropped: std::mem::take(&mut state.unreported),
            queue: self,
        }
    }
}

impl<N> State<N> {
    fn lose(&mut self) {
        self.unreported += 1;
        self.dropped += 1;
    }

    fn is_settled(&self) -> bool {
        self.queue.is_empty() && self.under_way == 0
    }
}

impl<N> Batch<'_, N> {
    /// The other side has dealt with the batch, or never could: it does not come again.
    pub(super) fn confirm(mut self) {
        self.notes.clear();
        self.dropped = 0;
        let mut state = self.queue.shared.state.lock();
        state.under_way = 0;
        if state.is_settled() {
            self.queue.shared.settled.notify_waiters();
        }
    }
}

impl<N> Drop for Batch<'_, N> {
    fn drop(&mut self) {
        if self.notes.is_empty() && self.dropped == 0 {
            return;
        }
        let mut state = self.queue.shared.state.lock();
        state.under_way = 0;
        state.unreported += self.dropped;
        for note in self.notes.drain(..).rev() {
            if state.queue.len() < self.queue.shared.capacity {
                state.queue.push_front(note);
            } else {
                state.lose();
            }
        }
        drop(state);
        self.queue.shared.arrived.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_drops_and_counts() {
        let queue = NoteQueue::new(2);
        assert!(queue.offer(1) && queue.offer(2));
        assert!(!queue.offer(3));
        let batch = queue.take().await;
        assert_eq!((batch.notes.as_slice(), batch.dropped), (&[1, 2][..], 1));
        assert_eq!(queue.dropped(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_undelivered_batch_comes_first_again() {
        let queue = NoteQueue::new(3);
        queue.offer(1);
        queue.offer(2);
        let batch = queue.take().await;
        queue.offer(3);
        drop(batch);
        assert_eq!(queue.take().await.notes, vec![1, 2, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn batches_are_bounded() {
        let queue = NoteQueue::new(MAX_BATCH + 10);
        for number in 0..MAX_BATCH + 10 {
            assert!(queue.offer(number));
        }
        let batch = queue.take().await;
        assert_eq!(batch.notes.len(), MAX_BATCH);
        batch.confirm();
        assert_eq!(queue.take().await.notes.len(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn settled_waits_for_the_confirmation() {
        let queue = NoteQueue::new(2);
        queue.settled().await;
        queue.offer(1);
        let batch = queue.take().await;
        let waiting = queue.clone();
        let settled = tokio::spawn(async move { waiting.settled().await });
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!settled.is_finished());
        batch.confirm();
        settled.await.unwrap();
    }
}
