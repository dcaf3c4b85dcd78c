//! How often something is fetched anew out of its turn, because what is remembered did not do.

use crate::error::Purpose;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// Between two such fetches of one thing of one issuer. A flood of made-up key ids costs no more
/// than this, however many providers are set up with that issuer.
pub(crate) const PAUSE: Duration = Duration::from_secs(30);

/// When each was last fetched so, by issuer.
#[derive(Debug, Default)]
pub(crate) struct Pauses(Mutex<HashMap<(String, &'static str), Instant>>);

impl Pauses {
    /// Whether the pause is over; if so, the next one begins.
    pub(crate) fn over(&self, issuer: &str, purpose: Purpose) -> bool {
        let mut last = self.0.lock();
        last.retain(|_, at| at.elapsed() < PAUSE);
        let key = (issuer.to_owned(), purpose.name());
        if last.contains_key(&key) {
            return false;
        }
        last.insert(key, Instant::now());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_issuer_and_thing_has_its_own() {
        let pauses = Pauses::default();
        let over = |issuer, purpose| pauses.over(issuer, purpose);
        assert!(over("https://a.example", Purpose::Keys));
        assert!(!over("https://a.example", Purpose::Keys));
        assert!(over("https://a.example", Purpose::Discovery));
        assert!(over("https://b.example", Purpose::Keys));
        tokio::time::advance(PAUSE).await;
        assert!(over("https://a.example", Purpose::Keys));
        assert_eq!(pauses.0.lock().len(), 1, "what is over is forgotten");
    }
}
