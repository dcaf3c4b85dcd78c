//! Helpdesk notices: people who were refused for a reason that an administrator mends, told to the
//! contact of their domain in one mail.

use crate::attempt::Reference;
use crate::outcome::Code;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// People named in a notice; beyond them there is only a number.
pub const MOST_NAMED: usize = 20;
/// How long a first refusal waits for others, so that they come in one mail.
const GATHER: Duration = Duration::from_secs(60);
/// Pause between two mails about the same reason at the same domain.
const PAUSE: Duration = Duration::from_secs(60 * 60);

/// What one domain's contact is to be told about one code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Why they were refused.
    pub code: Code,
    /// Who was, each once, in the order of their first refusal: [`MOST_NAMED`] at most.
    pub people: Vec<TurnedAway>,
    /// Refusals beyond those, some of them perhaps of the same people.
    pub more: i64,
    /// When the last mail about this was sent.
    pub sent: Option<Timestamp>,
}

/// Somebody who was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnedAway {
    /// The address.
    pub address: String,
    /// The reference of the first attempt.
    pub reference: Reference,
    /// When.
    pub at: Timestamp,
}

impl Notice {
    /// About nobody yet.
    #[must_use]
    pub const fn new(code: Code) -> Self {
        Self {
            code,
            people: Vec::new(),
            more: 0,
            sent: None,
        }
    }

    /// Adds somebody. Returns when the mail is due if this is what makes one necessary: a minute
    /// from now, so that others join, and no sooner than an hour after the last.
    pub fn add(&mut self, person: TurnedAway) -> Option<Timestamp> {
        let now = person.at;
        let first = self.people.is_empty();
        if self
            .people
            .iter()
            .any(|known| known.address == person.address)
        {
            return None;
        }
        if self.people.len() < MOST_NAMED {
            self.people.push(person);
        } else {
            self.more += 1;
        }
        let rested = self.sent.map(|sent| sent.plus(PAUSE));
        first.then(|| now.plus(GATHER).max(rested.unwrap_or(now)))
    }

    /// The same after its mail was sent at `now`.
    #[must_use]
    pub const fn told(code: Code, now: Timestamp) -> Self {
        Self {
            code,
            people: Vec::new(),
            more: 0,
            sent: Some(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str, at: i64) -> TurnedAway {
        TurnedAway {
            address: format!("{name}@example.org"),
            reference: Reference::parse("7K4Q-M2XD").unwrap(),
            at: Timestamp::from_secs(at),
        }
    }

    #[test]
    fn the_first_one_makes_a_mail_due_and_others_join_it() {
        let mut notice = Notice::new(Code::DomainFull);
        assert_eq!(
            notice.add(person("a", 100)),
            Some(Timestamp::from_secs(160))
        );
        assert_eq!(notice.add(person("b", 110)), None);
        assert_eq!(notice.add(person("a", 120)), None);
        assert_eq!((notice.people.len(), notice.more), (2, 0));
    }

    #[test]
    fn the_next_mail_waits_for_an_hour_after_the_last() {
        let mut notice = Notice::told(Code::DomainFull, Timestamp::from_secs(1000));
        assert_eq!(
            notice.add(person("a", 1100)),
            Some(Timestamp::from_secs(4600))
        );
        let mut later = Notice::told(Code::DomainFull, Timestamp::from_secs(1000));
        assert_eq!(
            later.add(person("a", 9000)),
            Some(Timestamp::from_secs(9060))
        );
    }

    #[test]
    fn a_crowd_is_a_number() {
        let mut notice = Notice::new(Code::NoMapping);
        for n in 0..50 {
            notice.add(person(&n.to_string(), n));
        }
        assert_eq!((notice.people.len(), notice.more), (MOST_NAMED, 30));
    }
}
