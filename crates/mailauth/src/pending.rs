//! OKs that a session will ask about: the table shared by the auth-client and auth-master doors.

use crate::decisions::Granted;
use crate::wire::auth_client::Cookie;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use tokio::time::Instant;

/// What a `REQUEST` must know to claim a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) client_pid: u32,
    pub(crate) auth_id: u32,
    pub(crate) cookie: Cookie,
}

/// One remembered OK on its way to another worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    key: Key,
    granted: Granted,
    /// Milliseconds until it is forgotten: clocks of two processes need not agree.
    left_ms: u64,
}

/// Bounded and expiring. The oldest entry goes first: a session asks within milliseconds or never.
#[derive(Debug)]
pub(crate) struct Pending {
    limit: usize,
    keep: Duration,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    by_key: HashMap<Key, u64>,
    by_age: BTreeMap<u64, Entry>,
    serial: u64,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    granted: Granted,
    until: Instant,
}

impl Pending {
    pub(crate) fn new(limit: usize, keep: Duration) -> Self {
        Self {
            limit: limit.max(1),
            keep,
            table: Mutex::default(),
        }
    }

    /// Remembers an OK. Returns how many others were forgotten before their time for it.
    pub(crate) fn remember(&self, key: Key, granted: Granted) -> u64 {
        self.insert(key, granted, Instant::now() + self.keep)
    }

    /// Takes the OK that `key` proves, once.
    pub(crate) fn take(&self, key: &Key) -> Option<Granted> {
        let mut table = self.table.lock();
        let serial = table.by_key.remove(key)?;
        let entry = table.by_age.remove(&serial)?;
        (entry.until > Instant::now()).then_some(entry.granted)
    }

    /// Everything that still stands, for the next worker.
    pub(crate) fn export(&self) -> Vec<Remembered> {
        let now = Instant::now();
        let table = std::mem::take(&mut *self.table.lock());
        table
            .by_age
            .into_values()
            .filter(|entry| entry.until > now)
            .map(|entry| Remembered {
                key: entry.key,
                granted: entry.granted,
                left_ms: u64::try_from((entry.until - now).as_millis()).unwrap_or(u64::MAX),
            })
            .collect()
    }

    /// Takes over what another worker exported.
    pub(crate) fn import(&self, remembered: Vec<Remembered>) {
        let now = Instant::now();
        for one in remembered {
            let left = Duration::from_millis(one.left_ms).min(self.keep);
            self.insert(one.key, one.granted, now + left);
        }
    }

    fn insert(&self, key: Key, granted: Granted, until: Instant) -> u64 {
        let now = Instant::now();
        let mut table = self.table.lock();
        let mut forgotten = 0;
        while let Some(oldest) = table.by_age.first_entry() {
            let expired = oldest.get().until <= now;
            if !expired && table.by_key.len() < self.limit {
                break;
            }
            if let Some((_, entry)) = table.by_age.pop_first() {
                table.by_key.remove(&entry.key);
                forgotten += u64::from(!expired);
            }
        }
        table.serial += 1;
        let serial = table.serial;
        if let Some(before) = table.by_key.insert(key, serial) {
            table.by_age.remove(&before);
        }
        table.by_age.insert(
            serial,
            Entry {
                key,
                granted,
                until,
            },
        );
        forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decisions::Credential;
    use model::address::Address;
    use model::ids::{AppPasswordId, MailboxId};
    use model::protocol::Protocol;

    const LONG: Duration = Duration::from_secs(60);

    fn key(auth_id: u32) -> Key {
        Key {
            client_pid: 7,
            auth_id,
            cookie: [9; 16],
        }
    }

    fn granted(mailbox: i64) -> Granted {
        Granted {
            address: Address::parse("a@example.org").unwrap(),
            mailbox: MailboxId(mailbox),
            protocol: Protocol::Imap,
            credential: Credential::AppPassword(AppPasswordId(3)),
        }
    }

    #[test]
    fn an_ok_is_taken_once_and_only_by_its_own_key() {
        let pending = Pending::new(10, LONG);
        pending.remember(key(1), granted(1));
        for wrong in [
            key(2),
            Key {
                client_pid: 8,
                ..key(1)
            },
            Key {
                cookie: [8; 16],
                ..key(1)
            },
        ] {
            assert_eq!(pending.take(&wrong), None);
        }
        assert_eq!(pending.take(&key(1)), Some(granted(1)));
        assert_eq!(pending.take(&key(1)), None);
    }

    #[test]
    fn the_oldest_is_forgotten_first() {
        let pending = Pending::new(2, LONG);
        assert_eq!(pending.remember(key(1), granted(1)), 0);
        assert_eq!(pending.remember(key(2), granted(2)), 0);
        assert_eq!(pending.remember(key(3), granted(3)), 1);
        assert_eq!(pending.take(&key(1)), None);
        assert_eq!(pending.take(&key(2)), Some(granted(2)));
        assert_eq!(pending.take(&key(3)), Some(granted(3)));
    }

    #[test]
    fn an_id_used_again_means_the_later_login() {
        let pending = Pending::new(10, LONG);
        pending.remember(key(1), granted(1));
        pending.remember(key(1), granted(2));
        assert_eq!(pending.take(&key(1)), Some(granted(2)));
        assert_eq!(pending.export(), Vec::new());
    }

    #[test]
    fn nothing_outlives_its_time_or_is_kept_for_ever() {
        let pending = Pending::new(10, Duration::ZERO);
        for id in 1..1000 {
            assert_eq!(pending.remember(key(id), granted(1)), 0);
        }
        assert!(pending.table.lock().by_age.len() <= 1);
        assert_eq!(pending.take(&key(999)), None);
    }

    #[test]
    fn the_table_moves_to_another_worker_by_its_serialized_form() {
        let old = Pending::new(10, LONG);
        old.remember(key(1), granted(1));
        old.remember(key(2), granted(2));
        let bytes = serde_json::to_vec(&old.export()).unwrap();
        let new = Pending::new(10, LONG);
        new.import(serde_json::from_slice(&bytes).unwrap());
        assert_eq!(new.take(&key(2)), Some(granted(2)));
        assert_eq!(new.take(&key(1)), Some(granted(1)));
        assert_eq!(old.take(&key(1)), None);
    }
}
