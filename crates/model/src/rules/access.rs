//! Whether a mail program may in: the decision after a credential was found right.

use crate::outcome::{Code, Refusal};
use crate::protocol::{Protocol, Protocols};
use crate::rules::confirmation::{self, Standing};
use crate::time::Timestamp;

/// What is known once a presented secret matched an app password.
#[derive(Debug, Clone, Copy)]
pub struct AppPasswordFacts<'a> {
    /// The person's name for the device.
    pub device: &'a str,
    /// The protocols of the app password.
    pub allowed: Protocols,
    /// The end date, if any.
    pub ends: Option<Timestamp>,
    /// When it was revoked, if it was.
    pub revoked: Option<Timestamp>,
    /// Whether the mailbox and its domain are switched on.
    pub active: bool,
    /// The protocols the mailbox allows.
    pub mailbox_allows: Protocols,
    /// Whether a provider stands by the mailbox's person.
    pub standing: Standing,
}

/// Whether a matching app password opens `protocol` at `now`.
///
/// # Errors
/// The reason, which may be told: whoever asks holds a right secret.
pub fn app_password(
    facts: &AppPasswordFacts<'_>,
    protocol: Protocol,
    now: Timestamp,
) -> Result<(), Refusal> {
    if let Some(when) = facts.revoked.or(facts.ends.filter(|end| *end <= now)) {
        return Err(Refusal::new(Code::MailEnded)
            .with("device", facts.device)
            .with("when", when.date()));
    }
    if !facts.active {
        return Err(Refusal::new(Code::MailInactive));
    }
    confirmation::stands(&facts.standing, now)?;
    protocol_allowed(facts.mailbox_allows, protocol, "the mailbox")?;
    protocol_allowed(facts.allowed, protocol, "this app password")
}

/// Whether `protocol` is in the set named `place`.
///
/// # Errors
/// [`Code::MailProtocol`] naming where it is off.
pub fn protocol_allowed(set: Protocols, protocol: Protocol, place: &str) -> Result<(), Refusal> {
    if set.contains(protocol) {
        Ok(())
    } else {
        Err(Refusal::new(Code::MailProtocol)
            .with("protocol", protocol)
            .with("where", place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> AppPasswordFacts<'static> {
        AppPasswordFacts {
            device: "phone",
            allowed: Protocols::ALL,
            ends: None,
            revoked: None,
            active: true,
            mailbox_allows: Protocols::ALL,
            standing: Standing {
                by_provider: true,
                confirmed: Timestamp(0),
                signed_out: None,
                warned: None,
                policy: None,
            },
        }
    }

    fn code(facts: &AppPasswordFacts<'_>) -> Option<Code> {
        app_password(facts, Protocol::Pop3, Timestamp(100))
            .err()
            .map(|r| r.code)
    }

    #[test]
    fn each_switch_shuts_its_own_door() {
        let no_pop3 = Protocols::ALL.with(Protocol::Pop3, false);
        assert_eq!(code(&facts()), None);
        for (facts, want) in [
            (
                AppPasswordFacts {
                    ends: Some(Timestamp(100)),
                    ..facts()
                },
                Some(Code::MailEnded),
            ),
            (
                AppPasswordFacts {
                    ends: Some(Timestamp(101)),
                    ..facts()
                },
                None,
            ),
            (
                AppPasswordFacts {
                    revoked: Some(Timestamp(1)),
                    ..facts()
                },
                Some(Code::MailEnded),
            ),
            (
                AppPasswordFacts {
                    active: false,
                    ..facts()
                },
                Some(Code::MailInactive),
            ),
            (
                AppPasswordFacts {
                    standing: Standing {
                        signed_out: Some(Timestamp(1)),
                        ..facts().standing
                    },
                    ..facts()
                },
                Some(Code::MailSignedOut),
            ),
            (
                AppPasswordFacts {
                    mailbox_allows: no_pop3,
                    ..facts()
                },
                Some(Code::MailProtocol),
            ),
            (
                AppPasswordFacts {
                    allowed: no_pop3,
                    ..facts()
                },
                Some(Code::MailProtocol),
            ),
        ] {
            assert_eq!(code(&facts), want, "{facts:?}");
        }
    }
}
