//! Refusals that are alike share a row beyond some a minute: a flood fills no disk.

use crate::passwords::Network;
use model::attempt::{Attempt, Reference};
use model::ids::{OauthAppId, ProviderId};
use model::outcome::Code;
use model::time::Timestamp;
use std::collections::HashMap;

/// Refusals of one kind that get rows of their own in a minute: what a helpdesk can still look at.
const EACH: u32 = 30;
/// Most kinds told apart in a minute; all beyond are one network.
const MOST: usize = 10_000;

/// What refusals have in common that share a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Alike {
    network: Network,
    code: Option<Code>,
    provider: Option<ProviderId>,
    app: Option<OauthAppId>,
}

/// Where a refusal is recorded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a row of its own.
    Row,
    /// In a row that those after it share.
    FirstOfMany,
    /// In the row of this reference.
    OneMore(Reference),
}

/// The refusals of this minute.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    minute: i64,
    seen: HashMap<Alike, Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    count: u32,
    row: Option<Reference>,
}

impl Alike {
    pub(super) fn of(attempt: &Attempt) -> Self {
        Self {
            network: Network::from(attempt.ip),
            code: attempt.refusal.as_ref().map(|refusal| refusal.code),
            provider: attempt.provider,
            app: attempt.app,
        }
    }
}

impl Refusals {
    /// Counts one, and tells where it belongs.
    pub(super) fn place(&mut self, at: Timestamp, alike: Alike) -> Place {
        let seen = self.seen(at, alike);
        seen.count = seen.count.saturating_add(1);
        match &seen.row {
            Some(row) => Place::OneMore(row.clone()),
            None if seen.count > EACH => Place::FirstOfMany,
            None => Place::Row,
        }
    }

    /// The first of many is stored under this reference.
    pub(super) fn placed(&mut self, at: Timestamp, alike: Alike, row: Reference) {
        self.seen(at, alike).row = Some(row);
    }

    fn seen(&mut self, at: Timestamp, alike: Alike) -> &mut Seen {
        let minute = at.secs().div_euclid(60);
        if self.minute != minute {
            self.minute = minute;
            self.seen.clear();
        }
        let alike = if self.seen.len() < MOST || self.seen.contains_key(&alike) {
            alike
        } else {
            let network = Network::Unknown;
            Alike { network, ..alike }
        };
        self.seen.entry(alike).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn alike(n: u32) -> Alike {
        Alike {
            network: Network::from(Some(Ipv4Addr::from(n).into())),
            code: Some(Code::ProviderOff),
            provider: None,
            app: None,
        }
    }

    #[test]
    fn beyond_some_a_minute_one_row_takes_all_of_a_kind() {
        let mut refusals = Refusals::default();
        let at = Timestamp::from_secs;
        for _ in 0..EACH {
            assert_eq!(refusals.place(at(60), alike(1)), Place::Row);
        }
        assert_eq!(refusals.place(at(61), alike(1)), Place::FirstOfMany);
        let row = Reference::parse("7K4Q-M2XD").unwrap();
        refusals.placed(at(61), alike(1), row.clone());
        let shared = Place::OneMore(row);
        assert_eq!(refusals.place(at(119), alike(1)), shared);
        assert_eq!(refusals.place(at(119), alike(2)), Place::Row);
        assert_eq!(refusals.place(at(120), alike(1)), Place::Row);
    }

    #[test]
    fn kinds_without_number_are_one() {
        let mut refusals = Refusals::default();
        let at = Timestamp::from_secs(60);
        for n in 0..2 * MOST as u32 {
            refusals.place(at, alike(n));
        }
        assert_eq!(refusals.seen.len(), MOST + 1);
        assert_eq!(refusals.place(at, alike(u32::MAX)), Place::FirstOfMany);
    }
}
