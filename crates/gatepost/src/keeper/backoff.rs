//! How long to wait before a worker is started again.

use std::time::Duration;

use tokio::time::Instant;

/// The first restart comes at once, so that a crash costs no sign-in; a worker that keeps dying is
/// tried ever more rarely, so that it does not keep the machine busy.
const PAUSES: [Duration; 8] = [
    Duration::ZERO,
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(10),
    Duration::from_secs(30),
];

/// A worker that lived this long was well: its next death counts as the first.
const WELL_AFTER: Duration = Duration::from_secs(60);

/// Counts the deaths of one worker.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    deaths: usize,
}

impl Backoff {
    /// The pause after the death of a worker that was started at `started`.
    pub(super) fn after(&mut self, started: Instant) -> Duration {
        if started.elapsed() >= WELL_AFTER {
            self.deaths = 0;
        }
        let last = PAUSES.len() - 1;
        let pause = PAUSES
            .get(self.deaths)
            .or(PAUSES.last())
            .copied()
            .unwrap_or_default();
        self.deaths = (self.deaths + 1).min(last);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_restart_is_immediate_and_the_rest_slow_down() {
        let mut backoff = Backoff::default();
        let started = Instant::now();
        let pauses: Vec<_> = (0..10).map(|_| backoff.after(started)).collect();
        assert_eq!(pauses[0], Duration::ZERO);
        assert!(pauses.is_sorted());
        assert_eq!(pauses[9], Duration::from_secs(30));
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_life_is_forgiven() {
        let mut backoff = Backoff::default();
        let started = Instant::now();
        backoff.after(started);
        backoff.after(started);
        tokio::time::sleep(WELL_AFTER).await;
        assert_eq!(backoff.after(started), Duration::ZERO);
    }
}
