//! From which networks an account signed in lately.

use std::collections::HashMap;
use std::time::Duration;

/// How long a network counts as known to an account.
pub(super) const KNOWN_FOR: Duration = Duration::from_secs(30 * 86_400);
/// Most networks of one account: whoever roams through a provider's whole space takes room from
/// nobody else.
const MOST_OF_ONE: usize = 32;
/// Most accounts.
const MOST: usize = 200_000;

/// Networks by account; both are keyed hashes.
#[derive(Debug, Default)]
pub(super) struct Known {
    accounts: HashMap<u64, Vec<(u64, Duration)>>,
}

impl Known {
    pub(super) fn knows(&self, account: u64, pair: u64, now: Duration) -> bool {
        self.accounts.get(&account).is_some_and(|pairs| {
            pairs
                .iter()
                .any(|(known, at)| *known == pair && now.saturating_sub(*at) < KNOWN_FOR)
        })
    }

    pub(super) fn learn(&mut self, account: u64, pair: u64, now: Duration) {
        if self.accounts.len() >= MOST && !self.accounts.contains_key(&account) {
            self.make_room();
        }
        let pairs = self.accounts.entry(account).or_default();
        if let Some((_, at)) = pairs.iter_mut().find(|(known, _)| *known == pair) {
            *at = now;
            return;
        }
        if pairs.len() >= MOST_OF_ONE
            && let Some(oldest) = (0..pairs.len()).min_by_key(|n| pairs[*n].1)
        {
            pairs.swap_remove(oldest);
        }
        pairs.push((pair, now));
    }

    /// Account, network and how long ago, the latest first, at most `most`.
    pub(super) fn latest(&self, most: usize, now: Duration) -> Vec<(u64, u64, Duration)> {
        let mut all: Vec<_> = self
            .accounts
            .iter()
            .flat_map(|(account, pairs)| pairs.iter().map(move |(pair, at)| (*account, *pair, *at)))
            .map(|(account, pair, at)| (account, pair, now.saturating_sub(at)))
            .filter(|(_, _, age)| *age < KNOWN_FOR)
            .collect();
        all.sort_unstable_by_key(|(_, _, age)| *age);
        all.truncate(most);
        all
    }

    /// Drops the quarter of accounts that signed in longest ago.
    fn make_room(&mut self) {
        let latest = |pairs: &Vec<(u64, Duration)>| pairs.iter().map(|(_, at)| *at).max();
        let mut drop = self.accounts.len() / 4;
        let mut ages: Vec<_> = self.accounts.values().map(latest).collect();
        let (_, &mut cut, _) = ages.select_nth_unstable(drop);
        self.accounts.retain(|_, pairs| {
            let goes = drop > 0 && latest(pairs) <= cut;
            drop -= usize::from(goes);
            !goes
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_pushes_out_its_own_networks_only() {
        let mut known = Known::default();
        known.learn(1, 1, Duration::from_secs(1));
        for pair in 0..100 {
            known.learn(2, 1000 + pair, Duration::from_secs(2 + pair));
        }
        let now = Duration::from_secs(200);
        assert!(known.knows(1, 1, now));
        assert!(known.knows(2, 1099, now) && !known.knows(2, 1000, now));
        assert!(!known.knows(1, 1, now + KNOWN_FOR), "and not for ever");
    }
}
