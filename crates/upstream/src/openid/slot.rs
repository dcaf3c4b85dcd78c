//! A value fetched once for everybody who waits for it.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Holds a fetched value for its lifetime. Of any number of callers one fetches; the others wait
/// and share its outcome, good or bad.
#[derive(Debug)]
pub(crate) struct Slot<T, E> {
    lifetime: Duration,
    state: Mutex<State<T, E>>,
}

#[derive(Debug)]
struct State<T, E> {
    value: Option<(Arc<T>, Instant)>,
    failure: Option<(E, Instant)>,
}

/// What an extra fetch brought.
#[derive(Debug)]
pub(crate) enum Refetch<T, E> {
    /// Another value than the one the caller had.
    Fresh(Arc<T>),
    /// It may not be made now.
    TooSoon,
    /// The fetch failed.
    Failed(E),
}

impl<T, E: Clone> Slot<T, E> {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            state: Mutex::new(State {
                value: None,
                failure: None,
            }),
        }
    }

    /// The value, fetched if it is absent or past its lifetime. A value past its lifetime is never
    /// used, even when fetching fails: a key that the provider withdrew must end.
    pub(crate) async fn get(&self, fetch: impl AsyncFnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        let arrived = Instant::now();
        let mut state = self.state.lock().await;
        if let Some((value, fetched)) = &state.value
            && fetched.elapsed() < self.lifetime
        {
            return Ok(Arc::clone(value));
        }
        if let Some((failure, at)) = &state.failure
            && *at >= arrived
        {
            return Err(failure.clone());
        }
        state.fetch(fetch).await
    }

    /// How old the value is that the next caller gets; `None` if it is fetched first, or is being
    /// fetched now.
    pub(crate) fn age(&self) -> Option<Duration> {
        let state = self.state.try_lock().ok()?;
        let (_, fetched) = state.value.as_ref()?;
        Some(fetched.elapsed()).filter(|age| *age < self.lifetime)
    }

    /// Fetches although the value is young, because `seen` did not do. Nothing is fetched when
    /// another caller has already brought a newer one, nor unless `allowed` says so then.
    pub(crate) async fn refetch(
        &self,
        seen: &Arc<T>,
        allowed: impl FnOnce() -> bool,
        fetch: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Refetch<T, E> {
        let mut state = self.state.lock().await;
        if let Some((value, _)) = &state.value
            && !Arc::ptr_eq(value, seen)
        {
            return Refetch::Fresh(Arc::clone(value));
        }
        if !allowed() {
            return Refetch::TooSoon;
        }
        match state.fetch(fetch).await {
            Ok(value) => Refetch::Fresh(value),
            Err(error) => Refetch::Failed(error),
        }
    }
}

impl<T, E: Clone> State<T, E> {
    async fn fetch(&mut self, fetch: impl AsyncFnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        match fetch().await {
            Ok(value) => Ok(self.keep(value)),
            Err(error) => {
                self.failure = Some((error.clone(), Instant::now()));
                Err(error)
            }
        }
    }

    fn keep(&mut self, value: T) -> Arc<T> {
        let value = Arc::new(value);
        self.value = Some((Arc::clone(&value), Instant::now()));
        self.failure = None;
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Source(AtomicU32);

    impl Source {
        async fn fetch(&self) -> Result<u32, String> {
            tokio::time::sleep(Duration::from_millis(10)).await;
            Ok(self.0.fetch_add(1, Ordering::SeqCst))
        }

        async fn fail(&self) -> Result<u32, String> {
            let count = self.fetch().await?;
            Err(format!("failure {count}"))
        }

        fn fetches(&self) -> u32 {
            self.0.load(Ordering::SeqCst)
        }
    }

    fn slot() -> (Slot<u32, String>, Source) {
        let slot = Slot::new(Duration::from_secs(600));
        (slot, Source(AtomicU32::new(0)))
    }

    #[tokio::test(start_paused = true)]
    async fn many_callers_cost_one_fetch_per_lifetime() {
        let (slot, source) = slot();
        let calls = (0..500).map(|_| slot.get(async || source.fetch().await));
        for got in futures_util::future::join_all(calls).await {
            assert_eq!(*got.unwrap(), 0);
        }
        tokio::time::advance(Duration::from_secs(599)).await;
        assert_eq!(slot.age(), Some(Duration::from_secs(599)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(slot.age(), None);
        assert_eq!(*slot.get(async || source.fetch().await).await.unwrap(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_share_a_failure_and_later_ones_try_again() {
        let (slot, source) = slot();
        let calls = (0..500).map(|_| slot.get(async || source.fail().await));
        for got in futures_util::future::join_all(calls).await {
            assert_eq!(got.unwrap_err(), "failure 0");
        }
        assert_eq!(source.fetches(), 1);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(slot.get(async || source.fetch().await).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_past_its_lifetime_is_not_used_when_fetching_fails() {
        let (slot, source) = slot();
        slot.get(async || source.fetch().await).await.unwrap();
        tokio::time::advance(Duration::from_secs(601)).await;
        assert!(slot.get(async || source.fail().await).await.is_err());
    }

    #[tokio::test]
    async fn a_flood_of_unknown_keys_costs_one_fetch() {
        let (slot, source) = slot();
        let seen = slot.get(async || source.fetch().await).await.unwrap();
        let asked = AtomicU32::new(0);
        let first = || asked.fetch_add(1, Ordering::SeqCst) == 0;
        let calls = (0..500).map(|_| slot.refetch(&seen, first, async || source.fetch().await));
        for got in futures_util::future::join_all(calls).await {
            assert!(matches!(got, Refetch::Fresh(value) if *value == 1));
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1, "only by who fetches");
        let seen = slot.get(async || source.fetch().await).await.unwrap();
        let again = slot.refetch(&seen, first, async || source.fetch().await);
        assert!(matches!(again.await, Refetch::TooSoon));
        assert_eq!(source.fetches(), 2);
        let again = slot.refetch(&seen, || true, async || source.fail().await);
        assert!(matches!(again.await, Refetch::Failed(_)));
        let kept = slot.get(async || source.fetch().await).await.unwrap();
        assert!(Arc::ptr_eq(&kept, &seen), "what was there stays");
    }
}
