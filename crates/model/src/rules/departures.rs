//! When so many sign-ins have left for a provider and none has come back that the provider most likely
//! keeps them: it shows a page of its own to whoever comes with a redirect URL it does not know.

use crate::time::Timestamp;
use std::time::Duration;

/// From so many sign-ins on …
pub const FROM: i64 = 5;
/// … that left within so long.
pub const WITHIN: Duration = Duration::from_secs(3600);
/// How exactly it is known when one last came back.
const MOMENT: Duration = Duration::from_secs(60);

/// The sign-ins that left for a provider and did not come back in time, since one last did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Departures {
    /// When one last came back.
    pub returned: Option<Timestamp>,
    /// How many never did since.
    pub lost: i64,
    /// When the first of those left.
    pub first: Option<Timestamp>,
}

impl Departures {
    /// One that left then has run out of time. It says nothing if another has come back since: that
    /// person went away by themselves.
    pub fn lose(&mut self, left: Timestamp) {
        if self.returned.is_some_and(|returned| left <= returned) {
            return;
        }
        // Too few, and too long ago, to mean anything together with this one.
        let stale = |first: Timestamp| left.since(first) > WITHIN;
        if self.first.is_some_and(stale) && !self.nobody_returns() {
            (self.lost, self.first) = (0, None);
        }
        self.lost = self.lost.saturating_add(1);
        self.first.get_or_insert(left);
    }

    /// One has come back: whatever became of it, people do come back. Nothing changes where one did
    /// a moment ago, so that a busy hour is not written down one by one.
    pub fn come_back(&mut self, now: Timestamp) {
        let lately = |returned| now.since(returned) < MOMENT;
        if self.lost == 0 && self.returned.is_some_and(lately) {
            return;
        }
        *self = Self {
            returned: Some(now),
            ..Self::default()
        };
    }

    /// Whether enough have left, and none has come back, to tell somebody.
    #[must_use]
    pub const fn nobody_returns(&self) -> bool {
        self.lost >= FROM
    }

    /// What happened, in a sentence.
    #[must_use]
    pub fn sentence(&self, provider: &str) -> String {
        let since = self.first.map(|at| format!(" since {} UTC", minute(at)));
        format!(
            "{} sign-ins left for {provider}{}, and none came back.",
            self.lost,
            since.unwrap_or_default()
        )
    }
}

/// `2026-11-23 07:05`
fn minute(at: Timestamp) -> String {
    at.rfc3339()
        .chars()
        .take(16)
        .collect::<String>()
        .replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000 + minutes * MINUTE)
    }

    fn after(lost: &[i64]) -> Departures {
        let mut departures = Departures::default();
        for minutes in lost {
            departures.lose(at(*minutes));
        }
        departures
    }

    #[test]
    fn enough_within_an_hour_tell_somebody() {
        for (lost, told) in [
            (vec![0, 1, 2, 3], false),
            (vec![0, 1, 2, 3, 4], true),
            (vec![0, 15, 30, 45, 60], true),
            // The first four are forgotten.
            (vec![0, 1, 2, 3, 61], false),
            // Once told it counts on.
            (vec![0, 1, 2, 3, 4, 500], true),
        ] {
            assert_eq!(after(&lost).nobody_returns(), told, "{lost:?}");
        }
        let many = after(&[0, 1, 2, 3, 4, 500]);
        assert_eq!((many.lost, many.first), (6, Some(at(0))));
        assert_eq!(
            many.sentence("Example SSO"),
            "6 sign-ins left for Example SSO since 2027-01-15 08:00 UTC, and none came back."
        );
    }

    #[test]
    fn who_left_before_another_came_back_went_away_alone() {
        let mut departures = after(&[0, 1, 2, 3]);
        departures.come_back(at(5));
        assert_eq!(departures.lost, 0);
        for minutes in [1, 2, 3, 4, 5] {
            departures.lose(at(minutes));
        }
        assert_eq!(departures.lost, 0);
        departures.lose(at(6));
        assert_eq!((departures.lost, departures.first), (1, Some(at(6))));
    }
}
