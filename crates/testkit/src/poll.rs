//! Waiting for something that happens in another process.

use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often [`until`] looks.
const EVERY: Duration = Duration::from_millis(10);

/// It did not happen in time.
#[derive(Debug, thiserror::Error)]
#[error("waited {within:?} in vain: {what}")]
pub struct InVain {
    /// What was waited for.
    pub what: String,
    /// For how long.
    pub within: Duration,
}

/// Calls `look` until it returns something, at least once and at most for `within`.
///
/// # Errors
/// When the time is over; `what` says in the error what was waited for.
pub async fn until<T>(
    what: &str,
    within: Duration,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> Result<T, InVain> {
    let end = Instant::now() + within;
    loop {
        if let Some(found) = look().await {
            return Ok(found);
        }
        if Instant::now() >= end {
            return Err(InVain {
                what: what.to_owned(),
                within,
            });
        }
        sleep(EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn looks_until_it_finds_or_the_time_is_over() {
        let mut looks = 0;
        let found = until("a third look", Duration::from_secs(5), async || {
            looks += 1;
            (looks == 3).then_some("found")
        });
        assert_eq!(found.await.unwrap(), "found");
        let vain = until("nothing", Duration::from_millis(30), async || None::<()>).await;
        assert!(vain.unwrap_err().to_string().contains("nothing"));
    }
}
