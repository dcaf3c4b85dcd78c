//! How many signed in and how many were refused, for charts: from the counts by the hour, never
//! from the attempts themselves.

use crate::{App, Problem};
use model::attempt::Door;
use model::outcome::Code;
use model::time::Timestamp;
use serde::{Deserialize, Serialize};
use store::attempt_counts::HourCount;

const HOUR: i64 = 3600;

/// How far a chart looks back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Range {
    /// 24 hours, one bar each.
    #[default]
    #[serde(rename = "24h")]
    Day,
    /// 7 days, one bar for 6 hours.
    #[serde(rename = "7d")]
    Week,
    /// 30 days, one bar each.
    #[serde(rename = "30d")]
    Month,
}

impl Range {
    /// All of them, the shortest first.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// As URLs and the command line write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    /// Hours of a bar, and bars.
    const fn shape(self) -> (i64, i64) {
        match self {
            Self::Day => (1, 24),
            Self::Week => (6, 28),
            Self::Month => (24, 30),
        }
    }
}

impl std::str::FromStr for Range {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|range| range.name() == text);
        named.ok_or_else(|| "a range is 24h, 7d or 30d".to_owned())
    }
}

/// What happened in a range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// How far it looks back.
    pub range: Range,
    /// Sign-ins on the web, oldest bar first; the last one is still growing.
    pub bars: Vec<Bar>,
    /// Why people and mail programs were refused, the most frequent reason first.
    pub reasons: Vec<Reason>,
}

/// Sign-ins on the web of some hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// When it begins.
    pub from: Timestamp,
    /// Signed in.
    pub ok: i64,
    /// Refused.
    pub refused: i64,
}

/// One reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The code.
    pub code: Code,
    /// How many attempts met it.
    pub count: i64,
}

impl App {
    /// Sign-ins and refusals of the last hours or days.
    pub async fn activity(&self, range: Range) -> Result<Activity, Problem> {
        let first = first(range, self.clock.now());
        let mut read = self.store.read()?;
        let counts = store::attempt_counts::since(&mut read, first).await?;
        Ok(fold(range, first, &counts))
    }
}

/// When the first bar begins, so that the last one holds `now`.
fn first(range: Range, now: Timestamp) -> Timestamp {
    let (hours, bars) = range.shape();
    let long = hours * HOUR;
    let last = now.secs().div_euclid(long) * long;
    Timestamp::from_secs(last - (bars - 1) * long)
}

fn fold(range: Range, first: Timestamp, counts: &[HourCount]) -> Activity {
    let (hours, bars) = range.shape();
    let long = hours * HOUR;
    let mut bars: Vec<_> = (0..bars)
        .map(|n| Bar {
            from: Timestamp::from_secs(first.secs() + n * long),
            ok: 0,
            refused: 0,
        })
        .collect();
    let mut reasons: Vec<Reason> = Vec::new();
    for one in counts {
        let n = (one.hour.secs() - first.secs()).div_euclid(long);
        let bar = usize::try_from(n).ok().and_then(|n| bars.get_mut(n));
        let Some(bar) = bar else { continue };
        if !matches!(one.door, Door::Mail(_)) {
            match one.code {
                None => bar.ok += one.count,
                Some(_) => bar.refused += one.count,
            }
        }
        let Some(code) = one.code else { continue };
        match reasons.iter_mut().find(|reason| reason.code == code) {
            Some(reason) => reason.count += one.count,
            None => reasons.push(Reason {
                code,
                count: one.count,
            }),
        }
    }
    reasons.sort_by_key(|reason| (std::cmp::Reverse(reason.count), reason.code));
    Activity {
        range,
        bars,
        reasons,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::protocol::Protocol;

    #[test]
    fn bars_end_with_the_one_that_holds_now() {
        for (range, bars, last) in [
            (Range::Day, 24, 1_800_000_000),
            (Range::Week, 28, 1_799_992_800 + 7200),
            (Range::Month, 30, 1_799_971_200),
        ] {
            let now = Timestamp::from_secs(1_800_000_123);
            let activity = fold(range, first(range, now), &[]);
            assert_eq!(activity.bars.len(), bars);
            let from = activity.bars.last().unwrap().from.secs();
            let (hours, _) = range.shape();
            assert!(from <= now.secs() && now.secs() < from + hours * HOUR);
            assert!((last - from).abs() < hours * HOUR, "{range:?} {from}");
            assert_eq!(range.name().parse(), Ok(range));
        }
    }

    #[test]
    fn every_count_is_in_its_bar_and_reason() {
        let first = Timestamp::from_secs(0);
        let count = |hour: i64, door, code, count| HourCount {
            hour: Timestamp::from_secs(hour * HOUR),
            door,
            code,
            count,
        };
        let imap = Door::Mail(Protocol::Imap);
        let activity = fold(
            Range::Week,
            first,
            &[
                count(-1, Door::Local, None, 100),
                count(0, Door::Provider, None, 2),
                count(5, Door::Local, Some(Code::WrongPassword), 3),
                count(6, Door::Provider, Some(Code::NoMapping), 4),
                count(7, imap, Some(Code::MailWrong), 9),
                count(8, imap, Some(Code::WrongPassword), 1),
                count(28 * 6, Door::Local, None, 100),
            ],
        );
        let shown: Vec<_> = activity.bars.iter().map(|b| (b.ok, b.refused)).collect();
        assert_eq!(shown[..3], [(2, 3), (0, 4), (0, 0)]);
        assert_eq!(shown.iter().map(|(ok, no)| ok + no).sum::<i64>(), 9);
        let reasons: Vec<_> = activity.reasons.iter().map(|r| (r.code, r.count)).collect();
        assert_eq!(
            reasons,
            [
                (Code::MailWrong, 9),
                (Code::NoMapping, 4),
                (Code::WrongPassword, 4),
            ]
        );
    }
}
