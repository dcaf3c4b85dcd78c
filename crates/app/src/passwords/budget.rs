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
/// How long a network counts as known to an account.
const KNOWN_FOR: Duration = Duration::from_secs(30 * 86_400);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Pair(String, Network),
    Account(String),
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
    known: HashMap<(String, Network), Timestamp>,
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
        let table = self.table.lock();
        let known = table
            .known
            .get(&(account.to_owned(), network))
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
        for (key, limit) in keys(account, network) {
            table.raise(key, limit, now);
        }
        let pair = table.count(&Key::Pair(account.to_owned(), network), PAIR, now);
        // 0.5 s, then 1, 2, 4 and 8 s: people notice little, guessing becomes slow.
        Delay(Duration::from_millis(500 << pair.saturating_sub(1).min(4)))
    }

    /// A right password: the pair starts anew and its network becomes known to the account.
    pub fn succeeded(&self, account: &str, ip: Option<IpAddr>) {
        let (now, network) = (self.clock.now(), Network::from(ip));
        let mut table = self.table.lock();
        table.levels.remove(&Key::Pair(account.to_owned(), network));
        if network != Network::Unknown {
            if table.known.len() >= MOST_KEYS {
                table.known.retain(|_, at| now.since(*at) < KNOWN_FOR / 30);
            }
            if table.known.len() < MOST_KEYS {
                table.known.insert((account.to_owned(), network), now);
            }
        }
    }
}

fn keys(account: &str, network: Network) -> [(Key, Limit); 3] {
    [
        (Key::Pair(account.to_owned(), network), PAIR),
        (Key::Account(account.to_owned()), ACCOUNT),
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
            .map_or(Duration::ZERO, |l| l.owed.saturating_sub(now.since(l.at)))
    }

    fn count(&self, key: &Key, limit: Limit, now: Timestamp) -> u32 {
        let owed = self.owed(key, now).as_micros();
        u32::try_from(owed.div_ceil(limit.forget_one.as_micros())).unwrap_or(u32::MAX)
    }

    fn wait(&self, key: &Key, limit: Limit, now: Timestamp) -> Option<Duration> {
        let room = limit.forget_one * (limit.burst - 1);
        let owed = self.owed(key, now);
        (owed > room).then(|| owed - room)
    }

    fn raise(&mut self, key: Key, limit: Limit, now: Timestamp) {
        if self.levels.len() >= MOST_KEYS && !self.levels.contains_key(&key) {
            self.levels
                .retain(|_, level| now.since(level.at) < level.owed);
        }
        let key = if self.levels.len() >= MOST_KEYS && !self.levels.contains_key(&key) {
            Key::Overflow
        } else {
            key
        };
        let owed = (self.owed(&key, now) + limit.forget_one).min(limit.forget_one * limit.burst);
        self.levels.insert(key, Level { at: now, owed });
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
}
