//! The circuit breaker: a provider that does not answer is left alone for a moment, so that a
//! thousand people at the sign-in page do not each wait for it to time out.

use super::error::HttpError;
use model::time::Timestamp;
use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// How many failures in a row open it.
pub(crate) const FAILURES: u32 = 5;

/// How long it stays open before one call is let through.
pub(crate) const PAUSE: Duration = Duration::from_secs(10);

/// How long after the last failure it still says that the provider is down: later nobody knows.
const KNOWN: Duration = Duration::from_secs(600);

/// Counts one origin's failures. Time is monotonic: a clock that jumps neither opens nor holds it.
#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    last: Option<HttpError>,
    /// When the first of the failures was, for people to read.
    since: Option<Timestamp>,
    /// When the last one was.
    failed: Option<Instant>,
    open_until: Option<Instant>,
}

impl Breaker {
    /// Lets a call through, or says why not. After the pause one call tries, and the others wait
    /// for its outcome for another pause.
    pub(crate) fn admit(&self) -> Result<(), HttpError> {
        let now = Instant::now();
        let mut state = self.0.lock();
        let Some(until) = state.open_until else {
            return Ok(());
        };
        match (&state.last, until.checked_duration_since(now)) {
            (Some(last), Some(retry_in)) if !retry_in.is_zero() => Err(HttpError::Paused {
                failures: state.failures,
                retry_in,
                last: Box::new(last.clone()),
            }),
            _ => {
                state.open_until = Some(now + PAUSE);
                Ok(())
            }
        }
    }

    /// Since when nothing answers, while that is known: it opened, and failed lately.
    pub(crate) fn down_since(&self) -> Option<Timestamp> {
        let state = self.0.lock();
        let lately = state.failed.is_some_and(|at| at.elapsed() < KNOWN);
        state.since.filter(|_| lately && state.failures >= FAILURES)
    }

    /// Takes note of how a call that ended `now` did.
    pub(crate) fn record<T>(&self, outcome: &Result<T, HttpError>, now: Timestamp) {
        let mut state = self.0.lock();
        match outcome {
            Err(error) if error.is_connection_failure() => {
                state.failures = state.failures.saturating_add(1);
                state.last = Some(error.clone());
                state.since = state.since.or(Some(now));
                state.failed = Some(Instant::now());
                if state.failures >= FAILURES {
                    state.open_until = Some(Instant::now() + PAUSE);
                }
            }
            // A refusal by our own guard says nothing about the provider.
            Err(HttpError::InternalAddress { .. } | HttpError::OwnHost { .. }) => {}
            _ => *state = State::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn failed() -> Result<(), HttpError> {
        Err(HttpError::Refused {
            host: "a.example:443".into(),
        })
    }

    #[tokio::test(start_paused = true)]
    async fn opens_after_five_and_lets_one_call_try_later() {
        let breaker = Breaker::default();
        for _ in 0..FAILURES {
            assert_eq!(breaker.admit(), Ok(()));
            breaker.record(&failed(), NOW);
        }
        assert!(matches!(
            breaker.admit(),
            Err(HttpError::Paused { failures: 5, .. })
        ));
        tokio::time::advance(PAUSE).await;
        assert_eq!(breaker.admit(), Ok(()), "half open: one tries");
        assert!(breaker.admit().is_err(), "and only one");
        breaker.record(&failed(), NOW);
        assert!(breaker.admit().is_err(), "open again");
        tokio::time::advance(PAUSE).await;
        assert_eq!(breaker.admit(), Ok(()));
        breaker.record(&Ok(()), NOW);
        assert_eq!((breaker.admit(), breaker.admit()), (Ok(()), Ok(())));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_in_between_starts_the_count_anew() {
        let breaker = Breaker::default();
        for _ in 0..3 {
            for _ in 0..FAILURES - 1 {
                breaker.record(&failed(), NOW);
            }
            breaker.record(&Ok(()), NOW);
        }
        assert_eq!(breaker.admit(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn says_since_when_nothing_answers_while_it_knows() {
        let breaker = Breaker::default();
        for n in 0..FAILURES {
            assert_eq!(breaker.down_since(), None, "after {n}");
            let at = NOW.plus(Duration::from_secs(u64::from(n)));
            breaker.record(&failed(), at);
        }
        assert_eq!(breaker.down_since(), Some(NOW));
        tokio::time::advance(KNOWN).await;
        assert_eq!(breaker.down_since(), None, "nobody asked for long");
        breaker.record(&failed(), NOW.plus(KNOWN));
        assert_eq!(breaker.down_since(), Some(NOW));
        breaker.record(&Ok(()), NOW.plus(KNOWN));
        assert_eq!(breaker.down_since(), None);
    }
}
