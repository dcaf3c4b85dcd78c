//! Things that are shown once: a fresh app password, the message about what was just done.
//!
//! They pass from the request that made them to the page the browser is sent to, in memory alone.
//! A restart in between loses them; the pages say so.

use model::time::Timestamp;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// What nobody fetched within this time is gone.
const KEPT_FOR: Duration = Duration::from_secs(600);
/// More are never held: the ones made first go first.
const MOST: usize = 4096;

/// Values waiting to be shown once.
#[derive(Debug)]
pub struct Once<K, T> {
    waiting: Mutex<HashMap<K, (Timestamp, T)>>,
}

impl<K, T> Default for Once<K, T> {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
        }
    }
}

impl<K: Eq + Hash + Clone, T> Once<K, T> {
    /// Leaves a value; an earlier one under the same key is gone.
    pub fn put(&self, key: K, value: T, now: Timestamp) {
        let mut waiting = self.waiting.lock();
        if waiting.len() >= MOST {
            waiting.retain(|_, (made, _)| now.since(*made) < KEPT_FOR);
        }
        if waiting.len() >= MOST {
            let first = waiting.iter().min_by_key(|(_, (made, _))| *made);
            if let Some(key) = first.map(|(key, _)| key.clone()) {
                waiting.remove(&key);
            }
        }
        waiting.insert(key, (now, value));
    }

    /// Takes a value; the next call finds nothing.
    pub fn take(&self, key: &K, now: Timestamp) -> Option<T> {
        let (made, value) = self.waiting.lock().remove(key)?;
        (now.since(made) < KEPT_FOR).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_shown_once_and_only_for_a_while() {
        let once = Once::default();
        let now = Timestamp::from_secs(1000);
        once.put(1, "a", now);
        assert_eq!(once.take(&2, now), None);
        assert_eq!(once.take(&1, now), Some("a"));
        assert_eq!(once.take(&1, now), None);
        once.put(1, "b", now);
        assert_eq!(once.take(&1, now.plus(KEPT_FOR)), None);
    }

    #[test]
    fn memory_stays_bounded_and_keeps_the_newest() {
        let once = Once::default();
        for n in 0..i64::try_from(MOST).unwrap() + 10 {
            once.put(n, n, Timestamp(n));
        }
        assert_eq!(once.waiting.lock().len(), MOST);
        assert_eq!(once.take(&0, Timestamp(5000)), None);
        let last = i64::try_from(MOST).unwrap() + 9;
        assert_eq!(once.take(&last, Timestamp(5000)), Some(last));
    }
}
