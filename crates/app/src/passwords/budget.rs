//! Failure budgets: how many wrong tries an account, a network and a pair of both may make.
//!
//! Each key has a level that failures raise and time lowers; a try is only looked at while every
//! level is below its limit (design decision 11). The numbers allow about 50 wrong tries for an
//! account before they trickle, below the 100 that NIST SP 800-63B allows. A network from which an
//! account signed in lately is not held back by what other networks did to that account.

use crate::ports::Wait;
use model::time::{Clock, Timestamp};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// How fast a level falls and how high it may rise.
#[derive(Debug, Clone, Copy)]
struct Limit {
    /// Failures at once.
    burst: u32,
    /// Time in which one failure is forgotten.
    forget_one: Duration,
}

const PAIR: Limit = Limit {
    burst: 10,
    forget_one: Duration::from_secs(60),
};
const ACCOUNT: Limit = Limit {
    burst: 50,
    forget_one: Duration::from_secs(60),
};
const NETWORK: Limit = Limit {
    burst: 100,
    forget_one: Duration::from_secs(6),
};

/// Most keys remembered at once; beyond it, keys whose level has fallen to nothing are dropped,
/// and new keys share one bucket.
const MOST_KEYS: usize = 200_000;
/// How often they are looked for: a full table must not make every failure walk it.
const SWEEP_PAUSE: Duration = Duration::from_secs(1);
/// How long a network counts as known to an account.
const KNOWN_FOR: Duration = Duration::from_secs(30 * 86_400);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Pair(Arc<str>, Network),
    Account(Arc<str>),
    Network(Network),
    Overflow,
}

/// An IPv4 address or an IPv6 /64; a missing address is a shared bucket of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Network {
    V4([u8; 4]),
    V6([u8; 8]),
    Unknown,
}

impl From<Option<IpAddr>> for Network {
    fn from(ip: Option<IpAddr>) -> Self {
        match ip.map(|ip| ip.to_canonical()) {
            Some(IpAddr::V4(v4)) => Self::V4(v4.octets()),
            Some(IpAddr::V6(v6)) => {
                let mut prefix = [0; 8];
                prefix.copy_from_slice(&v6.octets()[..8]);
                Self::V6(prefix)
            }
            None => Self::Unknown,
        }
    }
}

/// A level as it stood at an instant, in microseconds of forgetting still to come.
#[derive(Debug, Clone, Copy)]
struct Level {
    at: Timestamp,
    owed: Duration,
}

impl Level {
    fn owed(self, now: Timestamp) -> Duration {
        self.owed.saturating_sub(now.since(self.at))
    }
}

/// How long the answer to a failure is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delay(pub Duration);

/// The budgets of one installation, in the memory of the auth worker.
pub struct Budgets {
    clock: Arc<dyn Clock>,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    levels: HashMap<Key, Level>,
    swept: Option<Timestamp>,
    known: HashMap<(Arc<str>, Network), Timestamp>,
}

impl std::fmt::Debug for Budgets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Budgets")
            .field("keys", &self.table.lock().levels.len())
            .finish()
    }
}

impl Budgets {
    /// Empty budgets.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            table: Mutex::default(),
        }
    }

    /// Whether one more try of `account` (canonical) from `ip` may be looked at.
    ///
    /// # Errors
    /// How long to wait.
    pub fn permit(&self, account: &str, ip: Option<IpAddr>) -> Result<(), Wait> {
        let (now, network) = (self.clock.now(), Network::from(ip));
        let account: Arc<str> = account.into();
        let table = self.table.lock();
        let known = table
            .known
            .get(&(Arc::clone(&account), network))
            .is_some_and(|at| now.since(*at) < KNOWN_FOR);
        let wait = keys(account, network)
            .into_iter()
            .filter(|(key, _)| !(known && matches!(key, Key::Account(_))))
            .filter_map(|(key, limit)| table.wait(&key, limit, now))
            .max();
        wait.map_or(Ok(()), |wait| Err(Wait(wait)))
    }

    /// Counts a failure and says how long to hold its answer back.
    pub fn failed(&self, account: &str, ip: Option<IpAddr>) -> Delay {
        let (now, network) = (self.clock.now(), Network::from(ip));
        let mut table = self.table.lock();
        let [pair, ..] =
            keys(account.into(), network).map(|(key, limit)| table.raise(key, limit, now));
        // 0.5 s, then 1, 2, 4 and 8 s: people notice little, guessing becomes slow.
        Delay(Duration::from_millis(500 << pair.saturating_sub(1).min(4)))
    }

    /// A right password: the pair starts anew and its network becomes known to the account.
    pub fn succeeded(&self, account: &str, ip: Option<IpAddr>) {
        let (now, network) = (self.clock.now(), Network::from(ip));
        let account: Arc<str> = account.into();
        let mut table = self.table.lock();
        table
            .levels
            .remove(&Key::Pair(Arc::clone(&account), network));
        if network != Network::Unknown {
            if table.known.len() >= MOST_KEYS {
                table.known.retain(|_, at| now.since(*at) < KNOWN_FOR / 30);
            }
            if table.known.len() < MOST_KEYS {
                table.known.insert((account, network), now);
            }
        }
    }
}

/// The pair first.
fn keys(account: Arc<str>, network: Network) -> [(Key, Limit); 3] {
    [
        (Key::Pair(Arc::clone(&account), network), PAIR),
        (Key::Account(account), ACCOUNT),
        (Key::Network(network), NETWORK),
    ]
}

impl Table {
    fn owed(&self, key: &Key, now: Timestamp) -> Duration {
        let key = if self.levels.len() >= MOST_KEYS && !self.levels.contains_key(key) {
            &Key::Overflow
        } else {
            key
        };
        self.levels
            .get(key)
            .map_or(Duration::ZERO, |level| level.owed(now))
    }

    fn wait(&self, key: &Key, limit: Limit, now: Timestamp) -> Option<Duration> {
        let room = limit.forget_one * (limit.burst - 1);
        let owed = self.owed(key, now);
        (owed > room).then(|| owed - room)
    }

    /// Counts a failure; returns how many are not forgotten yet.
    fn raise(&mut self, key: Key, limit: Limit, now: Timestamp) -> u32 {
        let key = if self.levels.len() >= MOST_KEYS && !self.levels.contains_key(&key) {
            self.sweep(now);
            if self.levels.len() >= MOST_KEYS {
                Key::Overflow
            } else {
                key
            }
        } else {
            key
        };
        let fresh = Level {
            at: now,
            owed: Duration::ZERO,
        };
        let level = self.levels.entry(key).or_insert(fresh);
        let owed = level.owed(now) + limit.forget_one;
        *level = Level {
            at: now,
            owed: owed.min(limit.forget_one * limit.burst),
        };
        let failures = level
            .owed
            .as_micros()
            .div_ceil(limit.forget_one.as_micros());
        u32::try_from(failures).unwrap_or(u32::MAX)
    }

    /// Drops the keys whose level has fallen to nothing.
    fn sweep(&mut self, now: Timestamp) {
        if self.swept.is_none_or(|at| now.since(at) >= SWEEP_PAUSE) {
            self.swept = Some(now);
            self.levels
                .retain(|_, level| level.owed(now) > Duration::ZERO);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Hand(Mutex<Timestamp>);
    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            *self.0.lock()
        }
    }

    fn budgets() -> (Budgets, Arc<Hand>) {
        let clock = Arc::new(Hand(Mutex::new(Timestamp::from_secs(1_000_000))));
        (Budgets::new(clock.clone()), clock)
    }

    fn ip(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn a_pair_is_held_back_after_ten_and_freed_by_time() {
        let (budgets, clock) = budgets();
        for n in 0..10 {
            assert!(budgets.permit("a@x.example", ip(1)).is_ok(), "{n}");
            budgets.failed("a@x.example", ip(1));
        }
        let wait = budgets.permit("a@x.example", ip(1)).unwrap_err().0;
        assert_eq!(wait, Duration::from_secs(60));
        assert!(budgets.permit("a@x.example", ip(2)).is_ok());
        assert!(budgets.permit("b@x.example", ip(1)).is_ok());
        *clock.0.lock() = clock.now().plus(wait);
        assert!(budgets.permit("a@x.example", ip(1)).is_ok());
    }

    #[test]
    fn many_networks_share_an_accounts_budget_but_a_known_one_is_free() {
        let (budgets, _clock) = budgets();
        budgets.succeeded("a@x.example", ip(200));
        for n in 0..50 {
            budgets.failed("a@x.example", ip(n));
        }
        assert!(budgets.permit("a@x.example", ip(100)).is_err());
        assert!(budgets.permit("a@x.example", ip(200)).is_ok());
    }

    #[test]
    fn one_network_cannot_spray_all_accounts() {
        let (budgets, _clock) = budgets();
        for n in 0..100 {
            budgets.failed(&format!("user{n}@x.example"), ip(1));
        }
        assert!(budgets.permit("fresh@x.example", ip(1)).is_err());
        assert!(budgets.permit("fresh@x.example", ip(2)).is_ok());
    }

    #[test]
    fn an_ipv6_network_is_a_64_and_a_mapped_address_is_ipv4() {
        let v6 = |text: &str| Network::from(Some(text.parse().unwrap()));
        assert_eq!(v6("2001:db8:1:2::1"), v6("2001:db8:1:2:ffff::9"));
        assert_ne!(v6("2001:db8:1:2::1"), v6("2001:db8:1:3::1"));
        assert_eq!(v6("::ffff:192.0.2.1"), Network::from(ip(1)));
    }

    #[test]
    fn answers_to_failures_slow_down() {
        let (budgets, _clock) = budgets();
        let delays: Vec<_> = (0..7)
            .map(|_| budgets.failed("a@x.example", ip(1)).0.as_millis())
            .collect();
        assert_eq!(delays, [500, 1000, 2000, 4000, 8000, 8000, 8000]);
    }

    #[test]
    fn a_full_table_makes_room_by_forgetting_and_is_not_walked_for_every_failure() {
        let (budgets, clock) = budgets();
        let mut failed = 0;
        let mut fill = |budgets: &Budgets, until: usize| {
            while budgets.table.lock().levels.len() < until {
                budgets.failed(&format!("user{failed}@x.example"), None);
                failed += 1;
            }
        };
        fill(&budgets, MOST_KEYS);
        budgets.failed("late@x.example", ip(1));
        let swept = |budgets: &Budgets| budgets.table.lock().swept;
        assert_eq!(swept(&budgets), Some(clock.now()));
        assert!(budgets.table.lock().levels.contains_key(&Key::Overflow));
        // All are forgotten, but it is not looked until a second after the last time.
        let first = swept(&budgets);
        *clock.0.lock() = clock.now().plus(SWEEP_PAUSE / 2);
        budgets.failed("late@x.example", ip(2));
        assert_eq!(swept(&budgets), first);
        *clock.0.lock() = clock.now().plus(Duration::from_secs(86_400));
        budgets.failed("late@x.example", ip(3));
        assert_eq!(budgets.table.lock().levels.len(), 3);
    }
}
