//! Instants and the clock parameter.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Microseconds since 1970-01-01T00:00:00Z. Stored as a plain integer.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// From whole seconds since the epoch, as tokens carry them (RFC 7519 `NumericDate`).
    /// Saturates at the ends of the range.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The UTC date, `2026-11-22`; empty outside the years a calendar knows.
    #[must_use]
    pub fn date(self) -> String {
        time::OffsetDateTime::from_unix_timestamp(self.secs())
            .map(|at| at.date().to_string())
            .unwrap_or_default()
    }

    /// The UTC date and time to the minute with its zone, `2026-11-22 20:30 UTC`, as letters say it;
    /// empty outside the years a calendar knows.
    #[must_use]
    pub fn minute(self) -> String {
        time::OffsetDateTime::from_unix_timestamp(self.secs())
            .map(|at| format!("{} {:02}:{:02} UTC", at.date(), at.hour(), at.minute()))
            .unwrap_or_default()
    }

    /// The UTC date and time to the second in RFC 3339 form, `2026-11-22T20:30:00Z`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        time::OffsetDateTime::from_unix_timestamp(self.secs())
            .ok()
            .and_then(|at| {
                at.format(&time::format_description::well_known::Rfc3339)
                    .ok()
            })
            .unwrap_or_default()
    }

    /// This instant moved forward; saturates at the end of the range.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(micros(by)))
    }

    /// This instant moved back; saturates at the start of the range.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(micros(by)))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

fn micros(by: Duration) -> i64 {
    i64::try_from(by.as_micros()).unwrap_or(i64::MAX)
}

/// One day, the unit in which retention and grace periods are counted.
pub const DAY: Duration = Duration::from_secs(86_400);

/// Where "now" comes from: a parameter, so that tests decide it.
pub trait Clock: Send + Sync {
    /// The current instant.
    fn now(&self) -> Timestamp;
}

/// Time that only goes forward, for waits and throttles: setting the machine's clock moves a
/// [`Clock`] and never this.
pub trait Monotonic: Send + Sync {
    /// Time since some start, the same one for every call.
    fn elapsed(&self) -> Duration;
}

/// The machine's own monotonic time, from when this was made.
#[derive(Debug, Clone, Copy)]
pub struct SystemMonotonic(std::time::Instant);

impl SystemMonotonic {
    /// Starts now.
    #[must_use]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }
}

impl Monotonic for SystemMonotonic {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clock"
    )]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(micros(since))
    }
}
