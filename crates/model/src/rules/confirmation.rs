//! Whether providers stand by people: when mail programs stop for want of it, and when a provider's
//! word that people are gone is believed.

use crate::domain::ConfirmPolicy;
use crate::outcome::{Code, Refusal};
use crate::time::{DAY, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Most people who may become unconfirmed at one provider within [`WINDOW`]; one more stops asking.
const MOST: u32 = 10;
/// Or one in so many of its people: 2 %.
const ONE_IN: u32 = 50;
/// So few never stop it, however small the company: somebody who leaves is no fault.
const ALWAYS: u32 = 2;

/// Over how long they are counted.
pub const WINDOW: Duration = Duration::from_secs(3600);

/// Whether asking has to stop: `gone` people of a provider's `people` became unconfirmed within
/// [`WINDOW`]. That many at once are rather a fault of the provider than a company that closes.
#[must_use]
pub const fn too_many(gone: u32, people: u32) -> bool {
    gone > MOST || (gone > ALWAYS && gone.saturating_mul(ONE_IN) > people)
}

/// What is known of a mailbox's person at their providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Whether the person signs in by a provider; nobody else can be confirmed.
    pub by_provider: bool,
    /// When a provider last stood by the person; when the mailbox was made, until then.
    pub confirmed: Timestamp,
    /// Since when the person is signed out where that means that they are gone.
    pub signed_out: Option<Timestamp>,
    /// What the domain asks for.
    pub policy: Option<ConfirmPolicy>,
}

/// People are told so long before their mail programs stop, or a quarter of the whole time before.
const WARNING: Duration = Duration::from_secs(7 * DAY.as_secs());

impl Standing {
    /// When mail programs stop unless a provider confirms the person before.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        let policy = self.policy.filter(|_| self.by_provider)?;
        Some(self.confirmed.max(policy.since).plus(within(policy)))
    }

    /// The deadline, when it is so near that the person should be told.
    #[must_use]
    pub fn warned(&self, now: Timestamp) -> Option<Timestamp> {
        let ahead = WARNING.min(within(self.policy?) / 4);
        self.deadline().filter(|end| end.minus(ahead) <= now)
    }
}

fn within(policy: ConfirmPolicy) -> Duration {
    DAY * u32::from(policy.within_days)
}

/// Since when nobody confirmed it is too long ago at `now`, under a policy; `None` while it is so
/// young that nobody's days can be over.
#[must_use]
pub fn lapsed_before(policy: ConfirmPolicy, now: Timestamp) -> Option<Timestamp> {
    let latest = now.minus(within(policy));
    (policy.since <= latest).then_some(latest)
}

/// Whether mail programs may in, as far as providers have a say.
///
/// # Errors
/// [`Code::MailSignedOut`], [`Code::MailUnconfirmed`]; either may be told to who holds a right
/// secret.
pub fn stands(standing: &Standing, now: Timestamp) -> Result<(), Refusal> {
    if let Some(since) = standing.signed_out {
        return Err(Refusal::new(Code::MailSignedOut).with("when", since.date()));
    }
    match (standing.deadline(), standing.policy) {
        (Some(end), Some(policy)) if end <= now => Err(Refusal::new(Code::MailUnconfirmed)
            .with("when", standing.confirmed.date())
            .with("days", policy.within_days)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(confirmed: i64, policy: Option<(u16, i64)>) -> Standing {
        let day = |n: i64| Timestamp(0).plus(DAY * u32::try_from(n).unwrap());
        Standing {
            by_provider: true,
            confirmed: day(confirmed),
            signed_out: None,
            policy: policy.map(|(within_days, since)| ConfirmPolicy {
                within_days,
                since: day(since),
            }),
        }
    }

    fn code(standing: &Standing, day: u32) -> Option<Code> {
        stands(standing, Timestamp(0).plus(DAY * day))
            .err()
            .map(|refusal| refusal.code)
    }

    #[test]
    fn days_are_counted_from_the_last_confirmation_and_not_before_the_policy() {
        for (confirmed, policy, day, stops) in [
            (0, None, 9999, false),
            (10, Some((30, 0)), 39, false),
            (10, Some((30, 0)), 40, true),
            (10, Some((30, 35)), 64, false),
            (10, Some((30, 35)), 65, true),
            (60, Some((30, 35)), 65, false),
        ] {
            let standing = standing(confirmed, policy);
            let wanted = stops.then_some(Code::MailUnconfirmed);
            assert_eq!(code(&standing, day), wanted, "{standing:?} on day {day}");
            let local = Standing {
                by_provider: false,
                ..standing
            };
            assert_eq!(code(&local, day), None, "nobody could confirm it");
        }
    }

    #[test]
    fn signed_out_where_that_means_gone_shuts_every_mail_program() {
        let out = Standing {
            by_provider: false,
            signed_out: Some(Timestamp(0)),
            ..standing(0, None)
        };
        assert_eq!(code(&out, 0), Some(Code::MailSignedOut));
    }

    #[test]
    fn the_warning_comes_a_week_before_or_a_quarter() {
        let told = |policy, day: u32| {
            let now = Timestamp(0).plus(DAY * day);
            standing(0, Some(policy)).warned(now).is_some()
        };
        assert!(!told((90, 0), 82) && told((90, 0), 83));
        assert!(!told((8, 0), 5) && told((8, 0), 6));
        assert!(standing(0, None).warned(Timestamp(i64::MAX)).is_none());
    }

    #[test]
    fn nobody_lapses_while_a_policy_is_younger_than_its_days() {
        let policy = ConfirmPolicy {
            within_days: 30,
            since: Timestamp(0).plus(DAY * 10),
        };
        let on = |day: u32| lapsed_before(policy, Timestamp(0).plus(DAY * day));
        assert_eq!(on(39), None);
        assert_eq!(on(40), Some(policy.since));
    }

    #[test]
    fn more_than_ten_or_two_in_a_hundred_stop_it() {
        for (gone, people, stop) in [
            (1, 1, false),
            (2, 3, false),
            (3, 3, true),
            (3, 149, true),
            (3, 150, false),
            (10, 500, false),
            (10, 499, true),
            (10, 1_000_000, false),
            (11, 1_000_000, true),
            (u32::MAX, 0, true),
        ] {
            assert_eq!(too_many(gone, people), stop, "{gone} of {people}");
        }
    }
}
