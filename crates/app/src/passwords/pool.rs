//! The bounded pool of slow hashes.

use super::scheme::{self, StoredHash};
use crate::ports::Unavailable;
use model::random::Random;
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// How many may wait for a place; beyond it the answer is a temporary failure.
const QUEUE: usize = 64;

/// Runs slow hashes on as many threads as the machine has cores: memory stays below places × 19 MiB
/// and everything else keeps answering.
pub struct HashPool {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    random: Arc<dyn Random>,
    decoy: StoredHash,
}

impl std::fmt::Debug for HashPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HashPool")
            .field("free", &self.places.available_permits())
            .finish()
    }
}

impl HashPool {
    /// A pool with a place for each core. Nothing is hashed yet.
    ///
    /// # Errors
    /// [`scheme::SchemeError`] if the hasher does not know its own form.
    pub fn new(random: Arc<dyn Random>) -> Result<Self, scheme::SchemeError> {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let decoy = scheme::decoy(random.as_ref())?;
        Ok(Self {
            places: Arc::new(Semaphore::new(cores)),
            waiting: AtomicUsize::new(0),
            random,
            decoy,
        })
    }

    /// Checks `password` against `stored`; an unknown account (`None`) costs the same.
    ///
    /// # Errors
    /// [`Unavailable`] when too many wait.
    pub async fn verify(
        &self,
        password: SecretString,
        stored: Option<StoredHash>,
    ) -> Result<bool, Unavailable> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.decoy.clone());
        self.run(move || stored.verify(password.expose_secret().as_bytes()))
            .await
            .map(|right| right && known)
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`Unavailable`] when too many wait.
    pub async fn hash(&self, password: SecretString) -> Result<String, Unavailable> {
        let random = self.random.clone();
        self.run(move || scheme::hash(password.expose_secret().as_bytes(), random.as_ref()))
            .await?
            .map_err(|_| Unavailable)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        let _ticket = Ticket::take(&self.waiting).ok_or(Unavailable)?;
        let place = self
            .places
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| Unavailable)?;
        tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        })
        .await
        .map_err(|_| Unavailable)
    }
}

/// A place in the queue, given back on drop.
struct Ticket<'a>(&'a AtomicUsize);

impl<'a> Ticket<'a> {
    fn take(waiting: &'a AtomicUsize) -> Option<Self> {
        let before = waiting.fetch_add(1, Ordering::Relaxed);
        let ticket = Self(waiting);
        (before < QUEUE).then_some(ticket)
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
