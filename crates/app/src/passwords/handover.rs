//! What the budgets of one auth worker hand to the next at a planned restart.
//!
//! Levels and known networks travel with their ages, since the next process has a clock of its own,
//! and with the seed of their keys. They are bounded: of a larger table the highest levels and the
//! latest networks go on.

use super::budget::{Budgets, Table};
use super::known::Known;
use super::levels::{HandedLevel, Levels};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Changes whenever an older worker's budgets would be misread.
const FORMAT: u32 = 1;

/// Most levels, and most known networks, handed on: a few megabytes.
const MOST: usize = 20_000;

#[derive(Serialize, Deserialize)]
struct Handed {
    format: u32,
    seed: [u64; 2],
    levels: Vec<HandedLevel>,
    known: Vec<(u64, u64, Duration)>,
}

/// Budgets that this version cannot read.
#[derive(Debug, thiserror::Error)]
pub enum UnknownBudgets {
    /// Not the serialized form.
    #[error("unreadable budgets of another worker")]
    Unreadable(#[from] serde_json::Error),
    /// Another version's form.
    #[error("another worker's budgets have format {0}, this one reads {FORMAT}")]
    Format(u32),
}

impl Budgets {
    /// What the next worker needs to go on where this one stops. Tries still under way are not in
    /// it.
    ///
    /// # Errors
    /// None in practice; the serializer's.
    pub fn hand_over(&self) -> Result<Vec<u8>, UnknownBudgets> {
        let now = self.now();
        let table = self.table().lock();
        let handed = Handed {
            format: FORMAT,
            seed: table.seed,
            levels: table.levels.highest(MOST, now),
            known: table.known.latest(MOST, now),
        };
        drop(table);
        Ok(serde_json::to_vec(&handed)?)
    }

    /// Goes on with what [`Budgets::hand_over`] gave. To be called before the first try: what these
    /// budgets held is dropped.
    ///
    /// # Errors
    /// [`UnknownBudgets`]; then nothing has changed.
    pub fn take_over(&self, bytes: &[u8]) -> Result<(), UnknownBudgets> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let format = serde_json::from_slice::<Head>(bytes)?.format;
        if format != FORMAT {
            return Err(UnknownBudgets::Format(format));
        }
        let handed: Handed = serde_json::from_slice(bytes)?;
        let now = self.now();
        let (mut levels, mut known) = (Levels::default(), Known::default());
        for level in handed.levels.into_iter().take(MOST) {
            levels.take_over(level, now);
        }
        // The oldest first: beyond its bound an account forgets what it learned longest ago.
        for (account, pair, age) in handed.known.into_iter().take(MOST).rev() {
            known.learn(account, pair, now.saturating_sub(age));
        }
        *self.table().lock() = Table {
            seed: handed.seed,
            levels,
            known,
        };
        Ok(())
    }
}
