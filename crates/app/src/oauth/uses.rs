//! What apps did of late, in memory: wrong secrets, and which uses are noted already.

use crate::passwords::Network;
use model::ids::{MailboxId, OauthAppId};
use model::time::Timestamp;
use std::collections::{HashMap, HashSet};

/// Wrong secrets (codes for an app without one) from one network in a minute; none is
/// right because of the limit, so it only keeps guesses from filling records and logs.
const WRONG_A_MINUTE: u32 = 20;
/// Most kinds told apart; beyond it they count as one, or are noted once more.
const MOST: usize = 100_000;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct AppUses {
    minute: i64,
    wrong: HashMap<(Network, Option<OauthAppId>), u32>,
    hour: i64,
    noted: HashSet<(OauthAppId, Used)>,
}

/// What was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Used {
    /// A secret, by its number.
    Secret(model::ids::AppSecretId),
    /// What this person allowed.
    Connection(MailboxId),
}

impl AppUses {
    /// Counts a wrong secret or code, or a client id that nobody has.
    ///
    /// # Errors
    /// The seconds to wait, when there were too many of them in this minute.
    pub(crate) fn wrong(
        &mut self,
        network: Network,
        app: Option<OauthAppId>,
        now: Timestamp,
    ) -> Result<(), u64> {
        let minute = now.secs().div_euclid(60);
        if self.minute != minute {
            self.minute = minute;
            self.wrong.clear();
        }
        let mut who = (network, app);
        if self.wrong.len() >= MOST && !self.wrong.contains_key(&who) {
            who = (Network::Unknown, None);
        }
        let count = self.wrong.entry(who).or_default();
        *count = count.saturating_add(1);
        if *count <= WRONG_A_MINUTE {
            return Ok(());
        }
        Err(60 - now.secs().rem_euclid(60).unsigned_abs())
    }

    /// Whether a use is the first of its hour, and has to be noted.
    pub(crate) fn first_this_hour(&mut self, app: OauthAppId, used: Used, now: Timestamp) -> bool {
        let hour = now.secs().div_euclid(3600);
        if self.hour != hour || self.noted.len() >= MOST {
            self.hour = hour;
            self.noted.clear();
        }
        self.noted.insert((app, used))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(n: u8) -> Network {
        Network::V4([192, 0, 2, n])
    }

    #[test]
    fn the_limit_is_for_one_app_and_network_and_one_minute() {
        let mut uses = AppUses::default();
        let (at, app) = (Timestamp::from_secs, Some(OauthAppId(1)));
        for _ in 0..WRONG_A_MINUTE {
            assert_eq!(uses.wrong(network(1), app, at(125)), Ok(()));
        }
        assert_eq!(uses.wrong(network(1), app, at(125)), Err(55));
        assert_eq!(uses.wrong(network(1), app, at(179)), Err(1));
        assert_eq!(uses.wrong(network(1), None, at(125)), Ok(()));
        assert_eq!(uses.wrong(network(2), app, at(125)), Ok(()));
        assert_eq!(uses.wrong(network(1), app, at(180)), Ok(()));
    }

    #[test]
    fn a_use_is_noted_once_an_hour() {
        let mut uses = AppUses::default();
        let (app, person) = (OauthAppId(1), Used::Connection(MailboxId(7)));
        let at = Timestamp::from_secs;
        assert!(uses.first_this_hour(app, person, at(3600)));
        assert!(!uses.first_this_hour(app, person, at(7199)));
        assert!(uses.first_this_hour(OauthAppId(2), person, at(7199)));
        assert!(uses.first_this_hour(app, person, at(7200)));
    }
}
