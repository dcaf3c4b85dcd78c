//! Levels that failures raise and time lowers, in a table of bounded size.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::time::Duration;

/// Most levels remembered at once.
const MOST: usize = 200_000;
/// Wrong passwords in a row after which human passwords are not looked at any more: the bound that
/// NIST SP 800-63B sets.
const MOST_IN_A_ROW: u32 = 100;
/// Remembered wrong guesses: a program that repeats an old password guesses nothing.
const GUESSES: usize = 4;

/// How fast a level falls and how high it may rise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    /// Failures at once.
    pub(super) burst: u32,
    /// Time in which one failure is forgotten.
    pub(super) forget_one: Duration,
}

impl Limit {
    const fn of(self, failures: u32) -> Duration {
        self.forget_one.saturating_mul(failures)
    }
}

/// Why a try is not looked at now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Full {
    /// Tries under way may still fail; whether there is room shows when they have ended.
    Busy,
    /// There is room after this time.
    For(Duration),
}

/// One level: what is owed in time of forgetting, as it stood at an instant, and the failures in a
/// row of one secret.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Level {
    at: Duration,
    owed: Duration,
    under_way: u32,
    in_a_row: u32,
    guesses: [u32; GUESSES],
    secret: u64,
}

impl Level {
    /// What it says, without the instant it stood at and the tries under way.
    fn handed(&self, key: u64, now: Duration) -> HandedLevel {
        HandedLevel {
            key,
            owed: self.owed(now),
            in_a_row: self.in_a_row,
            guesses: self.guesses,
            secret: self.secret,
        }
    }

    fn owed(&self, now: Duration) -> Duration {
        self.owed.saturating_sub(now.saturating_sub(self.at))
    }

    fn owe(&mut self, owed: Duration, now: Duration) {
        (self.at, self.owed) = (now, owed);
    }

    /// What losing this level would give away, roughly in seconds of waiting.
    fn weight(&self, now: Duration) -> u64 {
        let guesses = u64::from(self.in_a_row.saturating_add(self.under_way));
        self.owed(now)
            .as_secs()
            .saturating_add(guesses.saturating_mul(60))
    }

    /// Whether one more guess at a secret may be looked at. Another `secret` starts a new row.
    pub(super) fn row(&mut self, secret: u64) -> Result<(), Full> {
        if self.secret != secret {
            self.secret = secret;
            self.in_a_row = 0;
            self.guesses = [0; GUESSES];
        }
        if self.in_a_row >= MOST_IN_A_ROW {
            return Err(Full::For(Duration::MAX));
        }
        if self.in_a_row + self.under_way > MOST_IN_A_ROW {
            return Err(Full::Busy);
        }
        Ok(())
    }

    /// One more failure in the row, unless it repeats one of the last guesses.
    pub(super) fn count_guess(&mut self, guess: u32) {
        if !self.guesses.contains(&guess) {
            self.guesses.rotate_right(1);
            self.guesses[0] = guess;
            self.in_a_row += 1;
        }
    }

    /// The row has ended.
    pub(super) fn end_row(&mut self) {
        self.in_a_row = 0;
        self.guesses = [0; GUESSES];
    }

    /// Counts one failure; returns how many count now. Beyond twice the burst nothing is added.
    pub(super) fn raise(&mut self, limit: Limit, now: Duration) -> u32 {
        let owed = self.owed(now) + limit.forget_one;
        self.owe(owed.min(limit.of(2 * limit.burst)), now);
        let count = self.owed.as_micros().div_ceil(limit.forget_one.as_micros());
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Takes back one failure that was counted and was none.
    pub(super) fn lower(&mut self, limit: Limit, now: Duration) {
        let owed = self.owed(now).saturating_sub(limit.forget_one);
        self.owe(owed, now);
    }
}

/// A level on its way to the next worker.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct HandedLevel {
    key: u64,
    owed: Duration,
    in_a_row: u32,
    guesses: [u32; GUESSES],
    secret: u64,
}

/// Levels by key. Keys are keyed hashes of what they stand for: small, and nobody outside can make
/// two of them meet.
#[derive(Debug, Default)]
pub(super) struct Levels {
    levels: HashMap<u64, Level>,
}

impl Levels {
    pub(super) fn len(&self) -> usize {
        self.levels.len()
    }

    /// The highest levels, at most `most`.
    pub(super) fn highest(&self, most: usize, now: Duration) -> Vec<HandedLevel> {
        let mut all: Vec<_> = self.levels.iter().collect();
        all.sort_unstable_by_key(|(_, level)| std::cmp::Reverse(level.weight(now)));
        all.truncate(most);
        all.iter()
            .map(|(key, level)| level.handed(**key, now))
            .collect()
    }

    /// Takes over a level of the worker before.
    pub(super) fn take_over(&mut self, handed: HandedLevel, now: Duration) {
        *self.at(handed.key, now) = Level {
            at: now,
            owed: handed.owed,
            under_way: 0,
            in_a_row: handed.in_a_row,
            guesses: handed.guesses,
            secret: handed.secret,
        };
    }

    /// Why one more try has no room at this key. A key that is not there has room: an attacker who
    /// fills the table with other keys thereby locks nobody out.
    pub(super) fn full(&self, key: u64, limit: Limit, now: Duration) -> Option<Full> {
        let level = self.levels.get(&key)?;
        let room = limit.of(limit.burst - 1);
        let owed = level.owed(now);
        if owed > room {
            return Some(Full::For(owed.saturating_sub(room)));
        }
        (owed + limit.of(level.under_way) > room).then_some(Full::Busy)
    }

    /// Whether the row of wrong guesses at a secret is full.
    pub(super) fn stopped(&self, key: u64, secret: u64) -> bool {
        let level = self.levels.get(&key);
        level.is_some_and(|level| level.secret == secret && level.in_a_row >= MOST_IN_A_ROW)
    }

    /// Takes the place of a failure until [`Levels::end`].
    pub(super) fn begin(&mut self, key: u64, now: Duration) {
        self.at(key, now).under_way += 1;
    }

    /// A try under way has ended; a level that says nothing is dropped.
    pub(super) fn end(&mut self, key: u64, now: Duration) {
        if let Some(level) = self.levels.get_mut(&key) {
            level.under_way = level.under_way.saturating_sub(1);
            if level.under_way == 0 && level.in_a_row == 0 && level.owed(now).is_zero() {
                self.levels.remove(&key);
            }
        }
    }

    /// The level of a key, made where there is none.
    pub(super) fn at(&mut self, key: u64, now: Duration) -> &mut Level {
        if self.levels.len() >= MOST && !self.levels.contains_key(&key) {
            self.make_room(now);
        }
        self.levels.entry(key).or_default()
    }

    /// The level of a key, if there is one.
    pub(super) fn get(&mut self, key: u64) -> Option<&mut Level> {
        self.levels.get_mut(&key)
    }

    /// Forgets the level of a key, but not the tries under way.
    pub(super) fn forget(&mut self, key: u64) {
        if let Some(level) = self.levels.get_mut(&key) {
            let under_way = level.under_way;
            if under_way == 0 {
                self.levels.remove(&key);
            } else {
                *level = Level {
                    under_way,
                    ..Level::default()
                };
            }
        }
    }

    /// Drops a quarter, the lowest levels: who wants a high one forgotten has to make a table full
    /// of higher ones.
    fn make_room(&mut self, now: Duration) {
        let mut drop = self.levels.len() / 4;
        let mut weights: Vec<u64> = self.levels.values().map(|l| l.weight(now)).collect();
        let (_, &mut cut, _) = weights.select_nth_unstable(drop);
        self.levels.retain(|_, level| {
            let goes = drop > 0 && level.weight(now) <= cut;
            drop -= usize::from(goes);
            !goes
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit {
        burst: 10,
        forget_one: Duration::from_secs(60),
    };

    #[test]
    fn a_full_table_forgets_the_lowest_levels_and_refuses_nobody() {
        let now = Duration::from_secs(1);
        let mut levels = Levels::default();
        for _ in 0..10 {
            levels.at(0, now).raise(LIMIT, now);
        }
        for key in 1..=2 * MOST as u64 {
            assert_eq!(levels.full(key, LIMIT, now), None);
            levels.at(key, now).raise(LIMIT, now);
        }
        assert!(levels.len() <= MOST);
        assert!(levels.full(0, LIMIT, now).is_some(), "the highest stays");
    }

    #[test]
    fn a_level_rises_beyond_its_burst_but_not_for_ever() {
        let now = Duration::from_secs(1);
        let mut levels = Levels::default();
        for _ in 0..1000 {
            levels.at(0, now).raise(LIMIT, now);
        }
        assert_eq!(
            levels.full(0, LIMIT, now),
            Some(Full::For(LIMIT.forget_one * 11))
        );
    }

    #[test]
    fn an_old_password_repeated_is_one_guess() {
        let mut level = Level::default();
        for _ in 0..1000 {
            level.count_guess(7);
        }
        assert!(level.row(0).is_ok());
        for guess in 0..MOST_IN_A_ROW {
            level.count_guess(1000 + guess);
        }
        assert_eq!(level.row(0), Err(Full::For(Duration::MAX)));
        assert!(level.row(1).is_ok(), "a new secret starts a new row");
    }
}
