//! Signing out at an app's word, and for how long an app is told that somebody signed out.

use crate::time::{DAY, Timestamp};
use std::time::Duration;

/// What an app shows of the person whom it signs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// No ID token of ours.
    Nothing,
    /// One of the person who is signed in here.
    Them,
    /// One of somebody else.
    SomebodyElse,
}

/// What becomes of a request to sign out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignOut {
    /// Nobody is signed in.
    NothingToEnd,
    /// The session ends.
    End,
    /// The person is asked: anybody's page can send a browser here.
    Ask,
}

/// Whether a session ends at once. Only an app that signed this very person in holds an ID token of
/// theirs, so nobody else can sign people out without their word.
#[must_use]
pub const fn sign_out(signed_in: bool, shown: Shown, said_yes: bool) -> SignOut {
    match (signed_in, shown, said_yes) {
        (false, _, _) => SignOut::NothingToEnd,
        (true, Shown::Them, _) | (true, _, true) => SignOut::End,
        (true, Shown::Nothing | Shown::SomebodyElse, false) => SignOut::Ask,
    }
}

/// After the first failure; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// Between two tries at most.
const LONGEST_WAIT: Duration = Duration::from_secs(2 * 3600);
/// From the first failure on. After that most apps have ended the session by themselves.
const TRIED_FOR: Duration = DAY;

/// When an app is told again after a further try failed, `before` of which had failed before, the
/// first one at `since`; `None` when it is given up.
#[must_use]
pub fn told_again(before: i64, since: Timestamp, now: Timestamp) -> Option<Timestamp> {
    if now.since(since) >= TRIED_FOR {
        return None;
    }
    let doubled = u32::try_from(before.clamp(0, 20)).unwrap_or_default();
    let wait = FIRST_WAIT.saturating_mul(1 << doubled).min(LONGEST_WAIT);
    Some(now.plus(wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_was_signed_in_by_the_app_is_signed_out_unasked() {
        use Shown::{Nothing, SomebodyElse, Them};
        for (signed_in, shown, said_yes, becomes) in [
            (false, Nothing, false, SignOut::NothingToEnd),
            (false, Them, false, SignOut::NothingToEnd),
            (false, SomebodyElse, true, SignOut::NothingToEnd),
            (true, Nothing, false, SignOut::Ask),
            (true, SomebodyElse, false, SignOut::Ask),
            (true, Them, false, SignOut::End),
            (true, Nothing, true, SignOut::End),
            (true, SomebodyElse, true, SignOut::End),
        ] {
            let found = sign_out(signed_in, shown, said_yes);
            assert_eq!(found, becomes, "{signed_in} {shown:?} {said_yes}");
        }
    }

    #[test]
    fn waits_grow_and_end_after_a_day() {
        let at = Timestamp::from_secs;
        let mut now = at(0);
        let (mut waits, mut before) = (Vec::new(), 0);
        while let Some(again) = told_again(before, at(0), now) {
            waits.push(again.since(now).as_secs());
            (now, before) = (again, before + 1);
        }
        assert_eq!(waits[..4], [5, 10, 20, 40]);
        assert!(waits.is_sorted() && *waits.last().unwrap() == 7200);
        assert_eq!(waits.len(), 22, "as many tries follow the first");
        assert_eq!(told_again(3, at(0), at(86_400)), None);
    }
}
