//! What the calls of one sign-in were and took, for its timeline.

use crate::error::Purpose;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Most calls noted: a sign-in makes some five.
const MOST: usize = 20;

/// Notes the calls that are made with the settings that hold it. Clones note in one place.
#[derive(Debug, Clone, Default)]
pub struct Journal(Arc<Mutex<Vec<Call>>>);

/// One call.
#[derive(Debug, Clone)]
pub struct Call {
    /// What for.
    pub purpose: Purpose,
    /// Of which host.
    pub host: String,
    /// The status that was answered, or why there was no answer.
    pub answer: Result<u16, String>,
    /// When it was over.
    pub ended: Instant,
    /// How long it took.
    pub took: Duration,
}

impl Journal {
    pub(crate) fn note(&self, call: Call) {
        let mut calls = self.0.lock();
        if calls.len() < MOST {
            calls.push(call);
        }
    }

    /// What was noted so far, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.0.lock().clone()
    }
}
