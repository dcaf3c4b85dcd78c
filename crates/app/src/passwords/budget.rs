//! Failure budgets: how many wrong tries an account, a network and a pair of both may make.
//!
//! Each of the three has a level that failures raise and time lowers; a try is only looked at while
//! every level is below its limit (design decision 11). A try takes the place of a failure from its
//! start and gives it back when it was none, so tries side by side pass no more than tries one after
//! the other; tries that might still find room wait for those under way.
//!
//! Wrong guesses in a row are counted besides. After 100 of them (the bound of NIST SP 800-63B) the
//! human password of an account is not looked at any more from networks that the account does not
//! know. That ends with a right password from a network it signed in from within 30 days, with a new
//! password, or when the auth worker dies, whose memory this is; a planned restart hands it on
//! ([`super::handover`]). Each network the account
//! knows has levels and a row of its own: what strangers do elsewhere never holds it back. App
//! passwords know no budget.

use super::known::{KNOWN_FOR, Known};
use super::levels::{Full, Level, Levels, Limit};
use super::network::Network;
use crate::ports::{Account, OtherTry, Standing, Wait};
use model::time::Monotonic;
use parking_lot::Mutex;
use std::collections::hash_map::{DefaultHasher, RandomState};
use std::hash::{BuildHasher as _, Hash, Hasher as _};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

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
/// The set-up link and its like.
const OTHER: Limit = PAIR;

/// Most tries that wait for those under way.
const MOST_WAITING: usize = 64;

/// How long the answer to a failure is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delay(pub Duration);

/// Why a try is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Over budget.
    Wait(Wait),
    /// A hundred wrong passwords in a row: a new password ends it.
    Stopped,
    /// Too many tries are under way to tell.
    Busy,
}

/// The budgets of one installation, in the memory of the auth worker.
pub struct Budgets {
    time: Arc<dyn Monotonic>,
    table: Mutex<Table>,
    ended: Notify,
    waiting: AtomicUsize,
}

pub(super) struct Table {
    /// What the keys are hashed with, so that nobody outside can make two of them meet.
    pub(super) seed: [u64; 2],
    pub(super) levels: Levels,
    pub(super) known: Known,
}

impl Table {
    fn new() -> Self {
        let random = RandomState::new();
        Self {
            seed: [random.hash_one(0), random.hash_one(1)],
            levels: Levels::default(),
            known: Known::default(),
        }
    }

    /// Why one more try has no room, if it has none; an account that knows the network is not held
    /// back by what others did to it.
    fn full(&self, keys: Keys, known: bool, now: Duration) -> Option<Full> {
        let of_account = (!known).then_some((keys.account, ACCOUNT));
        [(keys.pair, PAIR), (keys.network, NETWORK)]
            .into_iter()
            .chain(of_account)
            .filter_map(|(key, limit)| self.levels.full(key, limit, now))
            .max()
    }
}

impl std::fmt::Debug for Budgets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Budgets")
            .field("keys", &self.table.lock().levels.len())
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy)]
struct Keys {
    account: u64,
    network: u64,
    pair: u64,
    /// Whether there is an address that can become known.
    located: bool,
}

impl Budgets {
    /// Empty budgets.
    #[must_use]
    pub fn new(time: Arc<dyn Monotonic>) -> Self {
        Self {
            time,
            table: Mutex::new(Table::new()),
            ended: Notify::new(),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Never so early that something handed on would be older than the start.
    pub(super) fn now(&self) -> Duration {
        KNOWN_FOR + self.time.elapsed()
    }

    pub(super) const fn table(&self) -> &Mutex<Table> {
        &self.table
    }

    /// Admits one more try of `account` from `ip`, if there is room for its failure. Waits while
    /// that depends on tries under way.
    ///
    /// # Errors
    /// [`Held::Wait`] and [`Held::Busy`].
    pub async fn admit(&self, account: &Account, ip: Option<IpAddr>) -> Result<Charge<'_>, Held> {
        let keys = self.keys(account, ip);
        let mut place = None;
        loop {
            // Before the question, so that no end is missed in between.
            let ended = self.ended.notified();
            match self.try_admit(keys) {
                Ok(charge) => return Ok(charge),
                Err(Full::For(wait)) => return Err(Held::Wait(Wait(wait))),
                Err(Full::Busy) => {}
            }
            if place.is_none() {
                place = Some(Waiting::take(&self.waiting).ok_or(Held::Busy)?);
            }
            ended.await;
        }
    }

    fn try_admit(&self, keys: Keys) -> Result<Charge<'_>, Full> {
        let now = self.now();
        let mut table = self.table.lock();
        let known = table.known.knows(keys.account, keys.pair, now);
        if let Some(full) = table.full(keys, known, now) {
            return Err(full);
        }
        let levels = &mut table.levels;
        for key in [keys.pair, keys.network, keys.account] {
            levels.begin(key, now);
        }
        Ok(Charge {
            budgets: self,
            keys,
            row: if known { keys.pair } else { keys.account },
            guess: None,
            settled: false,
        })
    }

    /// How one more try of `account` from `ip` at the secret `stored` would stand. Counts nothing.
    #[must_use]
    pub fn standing(
        &self,
        account: &Account,
        ip: Option<IpAddr>,
        stored: Option<&str>,
    ) -> Standing {
        let (keys, secret) = (self.keys(account, ip), self.key("secret", stored));
        let now = self.now();
        let table = self.table.lock();
        let known = table.known.knows(keys.account, keys.pair, now);
        let row = if known { keys.pair } else { keys.account };
        match table.full(keys, known, now) {
            // What is under way may still fail; nobody waits for it yet.
            None | Some(Full::Busy) if table.levels.stopped(row, secret) => Standing::Stopped,
            None | Some(Full::Busy) => Standing::Free,
            Some(Full::For(wait)) => Standing::Waits(Wait(wait)),
        }
    }

    /// Forgets what was counted of an account and of a network, for an administrator who knows
    /// better. Tries under way go on to count.
    pub fn clear(&self, account: &Account, ip: Option<IpAddr>) {
        let keys = self.keys(account, ip);
        let mut table = self.table.lock();
        for key in [keys.pair, keys.network, keys.account] {
            table.levels.forget(key);
        }
        drop(table);
        self.ended.notify_waiters();
    }

    /// Counts a failure that no human password was guessed at in: only its network is held back for
    /// it, and the pair. A network over its own limit makes no new keys.
    pub fn failed(&self, account: &Account, ip: Option<IpAddr>) -> Delay {
        let (now, keys) = (self.now(), self.keys(account, ip));
        let mut table = self.table.lock();
        let over = matches!(
            table.levels.full(keys.network, NETWORK, now),
            Some(Full::For(_))
        );
        table.levels.at(keys.network, now).raise(NETWORK, now);
        if over {
            return delay(PAIR.burst);
        }
        delay(table.levels.at(keys.pair, now).raise(PAIR, now))
    }

    /// Counts one try at something that is not a password, by network alone.
    ///
    /// # Errors
    /// How long to wait.
    pub fn try_other(&self, kind: OtherTry, ip: Option<IpAddr>) -> Result<(), Wait> {
        let (now, key) = (self.now(), self.other(kind, ip));
        let mut table = self.table.lock();
        if let Some(Full::For(wait)) = table.levels.full(key, OTHER, now) {
            return Err(Wait(wait));
        }
        table.levels.at(key, now).raise(OTHER, now);
        Ok(())
    }

    /// That try succeeded: the network starts anew.
    pub fn forgive(&self, kind: OtherTry, ip: Option<IpAddr>) {
        let key = self.other(kind, ip);
        self.table.lock().levels.forget(key);
    }

    fn keys(&self, account: &Account, ip: Option<IpAddr>) -> Keys {
        let network = Network::from(ip);
        let (account, network_key) = (self.key("account", account), self.key("network", network));
        Keys {
            account,
            network: network_key,
            pair: self.key("pair", (account, network_key)),
            located: network != Network::Unknown,
        }
    }

    fn other(&self, kind: OtherTry, ip: Option<IpAddr>) -> u64 {
        self.key("other", (kind, Network::from(ip)))
    }

    fn key(&self, subject: &'static str, of: impl Hash) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.table.lock().seed.hash(&mut hasher);
        (subject, of).hash(&mut hasher);
        hasher.finish()
    }

    fn settle(&self, charge: &Charge<'_>, outcome: Outcome) -> Delay {
        let (now, keys) = (self.now(), charge.keys);
        let mut table = self.table.lock();
        let Table { levels, known, .. } = &mut *table;
        let mut count = 0;
        match outcome {
            Outcome::Failed => {
                levels.at(keys.network, now).raise(NETWORK, now);
                levels.at(keys.account, now).raise(ACCOUNT, now);
                count = levels.at(keys.pair, now).raise(PAIR, now);
                if let Some(guess) = charge.guess {
                    levels.at(charge.row, now).count_guess(guess);
                }
            }
            Outcome::Succeeded => {
                levels.forget(keys.pair);
                if let Some(level) = levels.get(keys.account) {
                    level.end_row();
                }
                if keys.located {
                    known.learn(keys.account, keys.pair, now);
                }
            }
            Outcome::Withdrawn => {}
        }
        for key in [keys.pair, keys.network, keys.account] {
            levels.end(key, now);
        }
        drop(table);
        self.ended.notify_waiters();
        delay(count)
    }
}

/// 0.5 s, then 1, 2, 4 and 8 s: people notice little, guessing becomes slow.
fn delay(failures: u32) -> Delay {
    Delay(Duration::from_millis(
        500 << failures.saturating_sub(1).min(4),
    ))
}

#[derive(Debug, Clone, Copy)]
enum Outcome {
    Failed,
    Succeeded,
    Withdrawn,
}

/// An admitted try. Until its end it takes the place of a failure; one that is dropped was one, for
/// whoever hangs up early may have guessed all the same.
#[derive(Debug)]
#[must_use = "dropped, it counts as a failure"]
pub struct Charge<'a> {
    budgets: &'a Budgets,
    keys: Keys,
    /// The level whose row of wrong guesses this one stands in.
    row: u64,
    guess: Option<u32>,
    settled: bool,
}

impl Charge<'_> {
    /// Says at which secret is guessed, and with what: a stored hash, or none for an account that
    /// has none.
    ///
    /// # Errors
    /// [`Held::Stopped`] after too many wrong guesses in a row at this very hash, [`Held::Busy`] if
    /// tries under way may still fill the row. Nothing is counted then.
    pub fn against(&mut self, stored: Option<&str>, guess: &str) -> Result<(), Held> {
        let budgets = self.budgets;
        let (secret, guess) = (budgets.key("secret", stored), budgets.key("guess", guess));
        // The low half; never zero, which stands for "no guess".
        self.guess = Some((guess as u32) | 1);
        let now = budgets.now();
        let room = Level::row(budgets.table.lock().levels.at(self.row, now), secret);
        room.map_err(|full| {
            self.settle(Outcome::Withdrawn);
            match full {
                Full::For(_) => Held::Stopped,
                Full::Busy => Held::Busy,
            }
        })
    }

    /// It was wrong.
    pub fn failed(mut self) -> Delay {
        self.settle(Outcome::Failed)
    }

    /// It was right: the pair starts anew, the row ends, and the network becomes known.
    pub fn succeeded(mut self) {
        self.settle(Outcome::Succeeded);
    }

    /// It was not looked at, by no fault of whoever tries.
    pub fn withdraw(mut self) {
        self.settle(Outcome::Withdrawn);
    }

    fn settle(&mut self, outcome: Outcome) -> Delay {
        if std::mem::replace(&mut self.settled, true) {
            return delay(0);
        }
        self.budgets.settle(self, outcome)
    }
}

impl Drop for Charge<'_> {
    fn drop(&mut self) {
        self.settle(Outcome::Failed);
    }
}

/// A place among those who wait, given back on drop.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn take(waiting: &'a AtomicUsize) -> Option<Self> {
        let before = waiting.fetch_add(1, Ordering::Relaxed);
        let place = Self(waiting);
        (before < MOST_WAITING).then_some(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
