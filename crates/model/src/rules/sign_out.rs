//! Signing out at an app's word, and for how long an app is told that somebody signed out.

use crate::time::DAY;
use std::time::Duration;

/// What an app shows of the person whom it signs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// No ID token of ours.
    Nothing,
    /// One of the session that is here, and of its person.
    Them,
    /// One of that person, of a session elsewhere, or of one that is gone.
    ThemElsewhere,
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

/// Whether a session ends at once. Only an app that this very person signed in to, in this very
/// session, holds an ID token of it, so nobody else can sign people out without their word. One of
/// another session is suspect (OpenID Connect RP-Initiated Logout 1.0): ID tokens travel in
/// URLs, and whoever finds one in a log months later could sign its person out at will.
#[must_use]
pub const fn sign_out(signed_in: bool, shown: Shown, said_yes: bool) -> SignOut {
    match (signed_in, shown, said_yes) {
        (false, _, _) => SignOut::NothingToEnd,
        (true, Shown::Them, _) | (true, _, true) => SignOut::End,
        (true, Shown::Nothing | Shown::ThemElsewhere | Shown::SomebodyElse, false) => SignOut::Ask,
    }
}

/// After the first failure; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// Between two tries at most. One call asks for all that waits, so it may ask often: people who signed
/// out stay signed in at the app until it hears.
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// For how long an app is told of a session, from the first failure on. After that most apps have ended
/// it by themselves.
pub const TOLD_FOR: Duration = DAY;

/// How long nothing is tried after a further try failed, `before` of which had failed before.
#[must_use]
pub fn told_again_after(before: i64) -> Duration {
    let doubled = u32::try_from(before.clamp(0, 20)).unwrap_or_default();
    FIRST_WAIT.saturating_mul(1 << doubled).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_was_signed_in_by_the_app_is_signed_out_unasked() {
        use Shown::{Nothing, SomebodyElse, Them, ThemElsewhere};
        for (signed_in, shown, said_yes, becomes) in [
            (false, Nothing, false, SignOut::NothingToEnd),
            (false, Them, false, SignOut::NothingToEnd),
            (false, SomebodyElse, true, SignOut::NothingToEnd),
            (true, Nothing, false, SignOut::Ask),
            (true, SomebodyElse, false, SignOut::Ask),
            (true, ThemElsewhere, false, SignOut::Ask),
            (true, ThemElsewhere, true, SignOut::End),
            (true, Them, false, SignOut::End),
            (true, Nothing, true, SignOut::End),
            (true, SomebodyElse, true, SignOut::End),
        ] {
            let found = sign_out(signed_in, shown, said_yes);
            assert_eq!(found, becomes, "{signed_in} {shown:?} {said_yes}");
        }
    }

    #[test]
    fn waits_grow_up_to_ten_minutes() {
        let waits: Vec<_> = (0..30).map(|n| told_again_after(n).as_secs()).collect();
        assert_eq!(waits[..8], [5, 10, 20, 40, 80, 160, 320, 600]);
        assert!(waits[8..].iter().all(|wait| *wait == 600));
        assert_eq!(told_again_after(-1), FIRST_WAIT);
        assert_eq!(told_again_after(i64::MAX), LONGEST_WAIT);
    }
}
