//! When something that people meet becomes an alert: so many of them within so long, for one
//! cause. What they meet is counted in one [`Alert`] from the first on; it is shown once raised.

use crate::alert::{About, Alert, Details, Topic};
use crate::attempt::Attempt;
use crate::ids::AlertId;
use crate::outcome::{Code, Refusal};
use crate::time::{DAY, Timestamp};
use std::time::Duration;

/// Most people named in one alert.
pub const MOST_PEOPLE: usize = 50;

/// After so long without another hit, the next one begins anew.
pub const QUIET: Duration = DAY;

/// When hits become an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Which alert they belong to.
    pub topic: Topic,
    /// From so many different people on (attempts, where nobody is known) …
    pub from: usize,
    /// … within so long.
    pub within: Duration,
    /// What has to be mended.
    pub mends: Mends,
}

/// What has to be mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mends {
    /// The domain that the refusal names.
    Domain,
    /// The provider of the attempt.
    Provider,
}

const HOUR: Duration = Duration::from_secs(3600);

/// The policy of a code; `None` for those that are only counted.
///
/// Nobody but an administrator can mend what SSO-201, SSO-202, SSO-403 to SSO-407 and SSO-409 mean, so
/// those are told from the first person on.
#[must_use]
pub const fn policy(code: Code) -> Option<Policy> {
    let (topic, from, within, mends) = match code {
        Code::DomainFull | Code::DomainQuotaFull => (Topic::Refusals(code), 1, HOUR, Mends::Domain),
        Code::NoMapping | Code::NearMapping | Code::TemplateGone | Code::ClaimWithheld => {
            (Topic::Refusals(Code::NoMapping), 1, HOUR, Mends::Provider)
        }
        Code::ClientRejected | Code::RedirectRefused => {
            (Topic::Refusals(code), 1, HOUR, Mends::Provider)
        }
        Code::LinkedElsewhere => (Topic::Refusals(code), 3, HOUR, Mends::Provider),
        Code::ProviderUnreachable
        | Code::ProviderTls
        | Code::DiscoveryFailed
        | Code::KeysUnavailable => (Topic::ProviderUnreachable, 2, HOUR, Mends::Provider),
        _ => return None,
    };
    Some(Policy {
        topic,
        from,
        within,
        mends,
    })
}

/// What a refused attempt is about, if it can become an alert.
#[must_use]
pub fn subject(attempt: &Attempt) -> Option<(Policy, About, &Refusal)> {
    let refusal = attempt.refusal.as_ref()?;
    let policy = policy(refusal.code)?;
    let about = match policy.mends {
        Mends::Provider => About::Provider(attempt.provider?),
        Mends::Domain => About::Domain(refusal.facts.get("domain")?.parse().ok()?),
    };
    Some((policy, about, refusal))
}

/// The alert after one more hit; `known` is the open one of the same topic and object.
///
/// Hits that were too few and too long ago are forgotten, and so is an alert after [`QUIET`]: it
/// is then the beginning of another one, with the id of the old.
#[must_use]
pub fn hit(
    known: Option<Alert>,
    (policy, about, refusal): (Policy, About, &Refusal),
    who: Option<&str>,
    now: Timestamp,
) -> Alert {
    let mut alert = known
        .filter(|alert| match alert.raised {
            None => now.since(alert.first) <= policy.within,
            Some(_) => now.since(alert.last) <= QUIET,
        })
        .unwrap_or_else(|| begun(policy.topic, about, now));
    alert.last = alert.last.max(now);
    alert.count += 1;
    alert.details.refusal = Some(refusal.clone());
    name(&mut alert.details, who);
    let many = match alert.details.people.len() {
        0 => usize::try_from(alert.count).unwrap_or(usize::MAX),
        people => people,
    };
    if alert.raised.is_none() && many >= policy.from {
        alert.raised = Some(now);
    }
    alert
}

/// The alert that a part of Gatepost raises by itself, at once and in its own words: again, if
/// `known` is open already.
#[must_use]
pub fn raised(
    known: Option<Alert>,
    (topic, about): (Topic, About),
    words: String,
    people: &[String],
    now: Timestamp,
) -> Alert {
    let mut alert = known.unwrap_or_else(|| begun(topic, about, now));
    alert.last = alert.last.max(now);
    alert.count += 1;
    alert.raised = alert.raised.or(Some(now));
    alert.details.words = words;
    for one in people {
        name(&mut alert.details, Some(one));
    }
    alert
}

fn begun(topic: Topic, about: About, now: Timestamp) -> Alert {
    Alert {
        id: AlertId(0),
        topic,
        about,
        first: now,
        last: now,
        count: 0,
        details: Details::default(),
        raised: None,
        acknowledged: None,
        closed: None,
    }
}

fn name(details: &mut Details, who: Option<&str>) {
    let Some(who) = who else { return };
    if details.people.iter().any(|known| known == who) {
        return;
    }
    if details.people.len() < MOST_PEOPLE {
        details.people.push(who.to_owned());
    } else {
        details.more = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ProviderId;

    const HOURLY: i64 = 3600;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000 + secs)
    }

    fn hits(code: Code, hits: &[(i64, Option<&str>)]) -> Alert {
        let policy = policy(code).unwrap();
        let refusal = Refusal::new(code).with("provider", "Example SSO");
        let mut alert = None;
        for (secs, who) in hits {
            let about = About::Provider(ProviderId(1));
            alert = Some(hit(alert, (policy, about, &refusal), *who, at(*secs)));
        }
        alert.unwrap()
    }

    #[test]
    fn what_tells_the_helpdesk_is_raised_by_the_first_and_the_rest_by_enough() {
        let (a, b, c) = (Some("a@x.org"), Some("b@x.org"), Some("c@x.org"));
        for (code, met, want) in [
            (Code::NoMapping, vec![(0, a)], true),
            (Code::TemplateGone, vec![(0, a)], true),
            (Code::ClientRejected, vec![(0, None)], true),
            (Code::LinkedElsewhere, vec![(0, a), (1, a), (2, a)], false),
            (Code::LinkedElsewhere, vec![(0, a), (1, b)], false),
            (Code::LinkedElsewhere, vec![(0, a), (1, b), (2, c)], true),
            // Too far apart.
            (
                Code::LinkedElsewhere,
                vec![(0, a), (1, b), (HOURLY + 2, c)],
                false,
            ),
            (Code::ProviderUnreachable, vec![(0, None)], false),
            (Code::ProviderTls, vec![(0, None), (9, None)], true),
        ] {
            let alert = hits(code, &met);
            assert_eq!(alert.raised.is_some(), want, "{code} {met:?}");
        }
        assert_eq!(policy(Code::CodeRejected), None);
        assert_eq!(policy(Code::MailWrong), None);
    }

    #[test]
    fn one_cause_is_one_alert() {
        for code in [Code::NearMapping, Code::TemplateGone] {
            assert_eq!(
                policy(code).unwrap().topic,
                Topic::Refusals(Code::NoMapping)
            );
        }
        let alert = hits(
            Code::NoMapping,
            &[
                (0, Some("a@x.org")),
                (5, Some("a@x.org")),
                (9, Some("b@x.org")),
            ],
        );
        assert_eq!((alert.count, alert.first, alert.last), (3, at(0), at(9)));
        assert_eq!(alert.details.people, ["a@x.org", "b@x.org"]);
        assert!(alert.sentence().starts_with("2 people could not sign in. "));
    }

    #[test]
    fn after_a_quiet_day_the_next_one_begins_anew() {
        let who = Some("a@x.org");
        let (day, still) = (86_400, hits(Code::NoMapping, &[(0, who), (86_400, who)]));
        assert_eq!((still.count, still.first), (2, at(0)));
        let anew = hits(Code::NoMapping, &[(0, who), (day + 1, who)]);
        assert_eq!(
            (anew.count, anew.first, anew.raised),
            (1, at(day + 1), Some(at(day + 1)))
        );
    }

    #[test]
    fn a_crowd_is_counted_and_not_named_without_end() {
        let names: Vec<_> = (0..60).map(|n| format!("p{n}@x.org")).collect();
        let met: Vec<_> = names.iter().map(|who| (1, Some(who.as_str()))).collect();
        let alert = hits(Code::NoMapping, &met);
        assert_eq!(alert.details.people.len(), MOST_PEOPLE);
        assert_eq!((alert.count, alert.details.more), (60, true));
        assert!(alert.sentence().starts_with("more than 50 people"));
    }

    #[test]
    fn a_part_of_gatepost_raises_its_own_at_once() {
        let topic = (Topic::Unconfirmed, About::Provider(ProviderId(1)));
        let one = raised(None, topic.clone(), "one".to_owned(), &[], at(0));
        let two = raised(Some(one), topic, "two".to_owned(), &[], at(1));
        assert_eq!((two.raised, two.count), (Some(at(0)), 2));
        assert_eq!(two.sentence(), "two");
    }
}
