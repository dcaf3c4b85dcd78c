//! The circuit breaker: a provider that does not answer is left alone for a moment, so that a
//! thousand people at the sign-in page do not each wait for it to time out.

use super::error::HttpError;
use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// How many failures in a row open it.
pub(crate) const FAILURES: u32 = 5;

/// How long it stays open before one call is let through.
pub(crate) const PAUSE: Duration = Duration::from_secs(10);

/// Counts one origin's failures. Time is monotonic: a clock that jumps neither opens nor holds it.
#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    last: Option<HttpError>,
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

    /// Takes note of how a call ended.
    pub(crate) fn record<T>(&self, outcome: &Result<T, HttpError>) {
        let mut state = self.0.lock();
        match outcome {
            Err(error) if error.is_connection_failure() => {
                state.failures = state.failures.saturating_add(1);
                state.last = Some(error.clone());
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
            breaker.record(&failed());
        }
        assert!(matches!(
            breaker.admit(),
            Err(HttpError::Paused { failures: 5, .. })
        ));
        tokio::time::advance(PAUSE).await;
        assert_eq!(breaker.admit(), Ok(()), "half open: one tries");
        assert!(breaker.admit().is_err(), "and only one");
        breaker.record(&failed());
        assert!(breaker.admit().is_err(), "open again");
        tokio::time::advance(PAUSE).await;
        assert_eq!(breaker.admit(), Ok(()));
        breaker.record(&Ok(()));
        assert_eq!((breaker.admit(), breaker.admit()), (Ok(()), Ok(())));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_in_between_starts_the_count_anew() {
        let breaker = Breaker::default();
        for _ in 0..3 {
            for _ in 0..FAILURES - 1 {
                breaker.record(&failed());
            }
            breaker.record(&Ok(()));
        }
        assert_eq!(breaker.admit(), Ok(()));
    }
}
