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
    /// When the last letter went out that tells of a deadline.
    pub warned: Option<Timestamp>,
    /// What the domain asks for.
    pub policy: Option<ConfirmPolicy>,
}

/// People are told so long before their mail programs stop, or a quarter of the whole time before.
const WEEK: Duration = Duration::from_secs(7 * DAY.as_secs());
/// Where the whole time is shorter, one letter does: two would come on the heels of each other.
const TWO_LETTERS: Duration = Duration::from_secs(12 * DAY.as_secs());

/// The letters that tell people before their mail programs stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Warning {
    /// A week before, or when a quarter of the days is left; not where there are fewer than twelve.
    First,
    /// A day before, or when a quarter of the days is left.
    Last,
}

impl Warning {
    /// Both, the more urgent one first.
    pub const ALL: [Self; 2] = [Self::Last, Self::First];

    /// Its name, as settings are kept under it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
        }
    }

    /// How long before the deadline it is due; `None` if the policy has no such letter.
    fn ahead(self, policy: ConfirmPolicy) -> Option<Duration> {
        let whole = within(policy);
        match self {
            Self::First => (whole >= TWO_LETTERS).then(|| WEEK.min(whole / 4)),
            Self::Last => Some(DAY.min(whole / 4)),
        }
    }

    /// How long before the deadline it is too late for it.
    fn until(self, policy: ConfirmPolicy) -> Duration {
        match self {
            Self::First => Self::Last.ahead(policy).unwrap_or_default(),
            Self::Last => Duration::ZERO,
        }
    }

    /// Whose letter is due at `now` under a policy: those confirmed last after the first of these
    /// instants, where there is one, and not after the second.
    #[must_use]
    pub fn due(
        self,
        policy: ConfirmPolicy,
        now: Timestamp,
    ) -> Option<(Option<Timestamp>, Timestamp)> {
        let latest = lapsed_before(policy, now.plus(self.ahead(policy)?))?;
        Some((lapsed_before(policy, now.plus(self.until(policy))), latest))
    }
}

impl Standing {
    /// When mail programs stop unless a provider confirms the person before.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        let policy = self.policy.filter(|_| self.by_provider)?;
        Some(policy.deadline(self.confirmed))
    }

    /// Since when providers stand by the person no more, as [`stands`] has it; `None` while they do.
    fn ceased(&self, now: Timestamp) -> Option<Timestamp> {
        self.signed_out
            .max(self.deadline().filter(|end| *end <= now))
    }

    /// Whether a grant that goes on while the person is away still opens anything: where mail programs
    /// stop, it stops too, and goes on with them. Who made it after that moment was there in person, in a
    /// web session that lives on: what came of it lives out its time.
    #[must_use]
    pub fn lets_go_on(&self, granted: Timestamp, now: Timestamp) -> bool {
        self.ceased(now).is_none_or(|since| since <= granted)
    }

    /// Whether providers may just not have answered yet: what is asked for in the person's name is put off
    /// then, not refused. Never for somebody who signed out there for good, and for a week at most: a provider
    /// that answers, but never as it should, would keep people from signing in anew for ever.
    #[must_use]
    pub fn may_be_unheard(&self, now: Timestamp) -> bool {
        let overdue = |end: Timestamp| end <= now && now < end.plus(WEEK);
        self.signed_out.is_none() && self.deadline().is_some_and(overdue)
    }

    /// The deadline, when it is so near that the person should be told.
    #[must_use]
    pub fn near(&self, now: Timestamp) -> Option<Timestamp> {
        let ahead = WEEK.min(within(self.policy?) / 4);
        self.deadline().filter(|end| end.minus(ahead) <= now)
    }

    /// Whether a letter about `deadline` still says what is so: nobody confirmed the person since,
    /// the policy is the same, nothing has stopped already, no later letter is due, and this one
    /// has not gone out.
    #[must_use]
    pub fn wants(&self, letter: Warning, deadline: Timestamp, now: Timestamp) -> bool {
        let Some(policy) = self.policy else {
            return false;
        };
        let Some(ahead) = letter.ahead(policy) else {
            return false;
        };
        self.signed_out.is_none()
            && self.deadline() == Some(deadline)
            && now < deadline.minus(letter.until(policy))
            && self.warned.is_none_or(|at| at < deadline.minus(ahead))
    }

    /// When the person was told by mail of the deadline that counts now.
    #[must_use]
    pub fn told(&self) -> Option<Timestamp> {
        let since = self.confirmed.max(self.policy?.since);
        self.warned.filter(|at| *at > since)
    }
}

impl ConfirmPolicy {
    /// When mail programs stop of somebody who signs in by a provider and was last confirmed then.
    #[must_use]
    pub fn deadline(self, confirmed: Timestamp) -> Timestamp {
        confirmed.max(self.since).plus(within(self))
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
            warned: None,
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
    fn what_goes_on_without_the_person_stops_with_mail_programs() {
        let day = |n: u32| Timestamp(0).plus(DAY * n);
        let out = Some(day(45));
        for (policy, signed_out, granted, now, goes_on) in [
            (None, None, 10, 9999, true),
            (Some((30, 0)), None, 10, 39, true),
            (Some((30, 0)), None, 10, 40, false),
            (Some((30, 0)), None, 39, 40, false),
            (Some((30, 0)), None, 40, 50, true),
            (Some((30, 20)), None, 10, 49, true),
            (None, out, 44, 50, false),
            (None, out, 46, 50, true),
            (Some((30, 0)), out, 42, 50, false),
            (Some((30, 0)), out, 46, 50, true),
        ] {
            let standing = Standing {
                signed_out,
                ..standing(10, policy)
            };
            assert_eq!(
                standing.lets_go_on(day(granted), day(now)),
                goes_on,
                "{standing:?}, granted on day {granted}, on day {now}"
            );
        }
    }

    #[test]
    fn whoever_is_overdue_may_be_unheard_for_a_week() {
        let day = |n: u32| Timestamp(0).plus(DAY * n);
        for (policy, signed_out, now, unheard) in [
            (None, None, 9999, false),
            (Some((30, 0)), None, 39, false),
            (Some((30, 0)), None, 40, true),
            (Some((30, 0)), None, 46, true),
            (Some((30, 0)), None, 47, false),
            (Some((30, 0)), Some(day(20)), 41, false),
        ] {
            let standing = Standing {
                signed_out,
                ..standing(10, policy)
            };
            assert_eq!(standing.may_be_unheard(day(now)), unheard, "day {now}");
        }
    }

    #[test]
    fn the_warning_comes_a_week_before_or_a_quarter() {
        let told = |policy, day: u32| {
            let now = Timestamp(0).plus(DAY * day);
            standing(0, Some(policy)).near(now).is_some()
        };
        assert!(!told((90, 0), 82) && told((90, 0), 83));
        assert!(!told((8, 0), 5) && told((8, 0), 6));
        assert!(standing(0, None).near(Timestamp(i64::MAX)).is_none());
    }

    #[test]
    fn letters_are_due_a_week_and_a_day_before_or_fewer() {
        const HOUR: Duration = Duration::from_secs(3600);
        let before = |days: u16| {
            let policy = standing(0, Some((days, 0))).policy.unwrap();
            [Warning::First, Warning::Last].map(|letter| {
                letter
                    .ahead(policy)
                    .map(|ahead| ahead.as_secs() / HOUR.as_secs())
            })
        };
        for (days, first, last) in [
            (365, Some(7 * 24), 24),
            (28, Some(7 * 24), 24),
            (20, Some(5 * 24), 24),
            (12, Some(3 * 24), 24),
            (11, None, 24),
            (4, None, 24),
            (3, None, 18),
            (1, None, 6),
        ] {
            assert_eq!(before(days), [first, Some(last)], "{days} days");
        }
    }

    #[test]
    fn each_letter_has_its_time_and_no_two_have_the_same() {
        let at = |day: i64| Timestamp(0).plus(DAY * u32::try_from(day).unwrap());
        for (policy, confirmed, now, letter) in [
            ((30, 0), 10, 32, None),
            ((30, 0), 10, 33, Some(Warning::First)),
            ((30, 0), 10, 38, Some(Warning::First)),
            ((30, 0), 10, 39, Some(Warning::Last)),
            ((30, 0), 10, 40, None),
            ((30, 20), 10, 42, None),
            ((30, 20), 10, 43, Some(Warning::First)),
            ((30, 20), 10, 49, Some(Warning::Last)),
            ((30, 20), 10, 50, None),
        ] {
            let standing = standing(confirmed, Some(policy));
            let (policy, end) = (standing.policy.unwrap(), standing.deadline().unwrap());
            for one in Warning::ALL {
                let due = one.due(policy, at(now)).is_some_and(|(after, until)| {
                    after.is_none_or(|after| standing.confirmed > after)
                        && standing.confirmed <= until
                });
                let what = format!("{one:?} on day {now} of {standing:?}");
                assert_eq!(due, letter == Some(one), "{what}");
                assert!(!due || standing.wants(one, end, at(now)), "{what}");
                let out = Standing {
                    signed_out: Some(at(1)),
                    ..standing
                };
                let moved = Standing {
                    confirmed: at(now),
                    ..standing
                };
                let told = Standing {
                    warned: Some(at(now)),
                    ..standing
                };
                for other in [out, moved] {
                    assert!(!other.wants(one, end, at(now)), "{what}: {other:?}");
                }
                assert!(!due || !told.wants(one, end, at(now)), "{what}: {told:?}");
            }
            assert!(!standing.wants(Warning::Last, end, end), "too late");
        }
    }

    #[test]
    fn what_was_told_before_the_last_confirmation_counts_no_more() {
        let at = |day: u32| Some(Timestamp(0).plus(DAY * day));
        let told = |warned| {
            Standing {
                warned,
                ..standing(10, Some((30, 0)))
            }
            .told()
        };
        assert_eq!(
            (told(at(9)), told(at(33)), told(None)),
            (None, at(33), None)
        );
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
