//! How often something may happen of late, for each of many keys; of bounded size.

use super::levels::{Full, Levels, Limit};
use crate::ports::Wait;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hash};
use std::time::Duration;

/// Counts what happens by key. Keys are hashed with a seed of their own, so that nobody outside can
/// make two of them meet.
#[derive(Debug)]
pub(crate) struct Meter {
    limit: Limit,
    hasher: RandomState,
    levels: Levels,
}

impl Meter {
    /// `burst` at once, then one each `forget_one`.
    pub(crate) fn new(burst: u32, forget_one: Duration) -> Self {
        Self {
            limit: Limit { burst, forget_one },
            hasher: RandomState::new(),
            levels: Levels::default(),
        }
    }

    /// Counts one more if there is room for it. Of many that come at once no more are counted than
    /// there is room for.
    ///
    /// # Errors
    /// How long to wait.
    pub(crate) fn take(&mut self, of: impl Hash, now: Duration) -> Result<(), Wait> {
        let key = self.hasher.hash_one(of);
        if let Some(Full::For(wait)) = self.levels.full(key, self.limit, now) {
            return Err(Wait(wait));
        }
        self.levels.at(key, now).raise(self.limit, now);
        Ok(())
    }

    /// Takes back one that was counted.
    pub(crate) fn give_back(&mut self, of: impl Hash, now: Duration) {
        let key = self.hasher.hash_one(of);
        if let Some(level) = self.levels.get(key) {
            level.lower(self.limit, now);
        }
    }

    /// Forgets what was counted.
    pub(crate) fn clear(&mut self, of: impl Hash) {
        self.levels.forget(self.hasher.hash_one(of));
    }
}
