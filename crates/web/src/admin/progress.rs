//! Work that goes on after the request that began it: its lines arrive while it runs, and its
//! result stays at its own address for a while.

use model::time::Timestamp;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;
use tokio::sync::watch;

/// A result is kept so long.
const KEPT_FOR: Duration = Duration::from_secs(1800);
/// At most so many are kept; the oldest go first.
const MOST: usize = 64;

/// How far a piece of work has come.
#[derive(Debug)]
pub struct Progress<L> {
    /// When it began.
    pub began: Timestamp,
    /// What it said so far.
    pub lines: Vec<L>,
    /// How it ended, in words for the administrator if badly; `None` while it runs.
    pub ended: Option<Result<(), String>>,
}

/// Reports the lines and the end of one piece of work.
pub type Reporter<L> = watch::Sender<Progress<L>>;
/// Follows one piece of work.
pub type Follower<L> = watch::Receiver<Progress<L>>;

/// The last piece of work of each key.
#[derive(Debug)]
pub struct Works<K, L> {
    last: Mutex<HashMap<K, Follower<L>>>,
}

impl<K, L> Default for Works<K, L> {
    fn default() -> Self {
        Self {
            last: Mutex::default(),
        }
    }
}

impl<K: Eq + Hash + Clone, L> Works<K, L> {
    /// Begins a piece of work; `None` while an earlier one of this key is running.
    pub fn begin(&self, key: K, now: Timestamp) -> Option<Reporter<L>> {
        let mut last = self.last.lock();
        last.retain(|_, work| now.since(work.borrow().began) < KEPT_FOR);
        if last.get(&key).is_some_and(is_running) {
            return None;
        }
        if last.len() >= MOST {
            let oldest = last.iter().min_by_key(|(_, work)| work.borrow().began);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                last.remove(&key);
            }
        }
        let (reporter, follower) = watch::channel(Progress {
            began: now,
            lines: Vec::new(),
            ended: None,
        });
        last.insert(key, follower);
        Some(reporter)
    }

    /// The last piece of work of a key.
    pub fn last(&self, key: &K) -> Option<Follower<L>> {
        self.last.lock().get(key).cloned()
    }
}

/// Whether a piece of work may still say something. One whose task has died says no more.
pub fn is_running<L>(work: &Follower<L>) -> bool {
    work.borrow().ended.is_none() && work.has_changed().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_piece_of_work_a_key_at_a_time() {
        let works: Works<u8, &str> = Works::default();
        let now = Timestamp::from_secs(1000);
        let reporter = works.begin(1, now).unwrap();
        assert!(works.begin(1, now).is_none());
        assert!(works.begin(2, now).is_some());
        reporter.send_modify(|progress| progress.lines.push("a"));
        let follower = works.last(&1).unwrap();
        assert_eq!(follower.borrow().lines, ["a"]);
        assert!(is_running(&follower));
        reporter.send_modify(|progress| progress.ended = Some(Ok(())));
        assert!(!is_running(&follower));
        drop(reporter);
        assert!(works.begin(1, now.plus(KEPT_FOR)).is_some());
        assert!(works.last(&2).is_none(), "old results go");
    }

    #[test]
    fn work_whose_task_died_is_over() {
        let works: Works<u8, &str> = Works::default();
        drop(works.begin(1, Timestamp::default()));
        assert!(!is_running(&works.last(&1).unwrap()));
        assert!(works.begin(1, Timestamp::default()).is_some());
    }
}
