//! The gates of a sign-in in the order in which a helpdesk reads them, each with what was seen
//! there; which of them a refusal shuts.

use crate::attempt::{Step, StepState};
use crate::outcome::{Code, Refusal};
use crate::time::Timestamp;

/// A gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gate {
    /// The provider is switched on.
    ProviderOn,
    /// The provider answers.
    ProviderReachable,
    /// Its signing keys are at hand.
    KeysFresh,
    /// Something of this person has reached us.
    AttemptsSeen,
    /// What the provider last said.
    LastAnswer,
    /// The claims hold an address.
    AddressClaim,
    /// The address is verified as far as the provider's policy wants it.
    AddressVerified,
    /// The domain is served and switched on.
    Domain,
    /// The provider may sign people of the domain in.
    DomainOfProvider,
    /// A rule gives a template.
    RuleMatch,
    /// The mailbox exists, or there is room for it.
    Mailbox,
    /// The mailbox is switched on.
    MailboxActive,
    /// The mailbox signs in this way, and belongs to this person, who is not blocked.
    SignInMethod,
    /// Nobody has tried too often.
    Throttle,
    /// How long a session lasts.
    Session,
    /// What mail programs may do, and how they fared.
    MailPrograms,
}

impl Gate {
    /// All of them, in order.
    pub const ALL: [Self; 16] = [
        Self::ProviderOn,
        Self::ProviderReachable,
        Self::KeysFresh,
        Self::AttemptsSeen,
        Self::LastAnswer,
        Self::AddressClaim,
        Self::AddressVerified,
        Self::Domain,
        Self::DomainOfProvider,
        Self::RuleMatch,
        Self::Mailbox,
        Self::MailboxActive,
        Self::SignInMethod,
        Self::Throttle,
        Self::Session,
        Self::MailPrograms,
    ];

    /// Its name on pages, on the command line and in JSON.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::ProviderOn => "provider on",
            Self::ProviderReachable => "provider reachable",
            Self::KeysFresh => "keys fresh",
            Self::AttemptsSeen => "attempts seen",
            Self::LastAnswer => "last provider answer",
            Self::AddressClaim => "address claim",
            Self::AddressVerified => "address verified",
            Self::Domain => "domain",
            Self::DomainOfProvider => "domain of this provider",
            Self::RuleMatch => "rule match",
            Self::Mailbox => "mailbox",
            Self::MailboxActive => "mailbox active",
            Self::SignInMethod => "sign-in method",
            Self::Throttle => "not throttled",
            Self::Session => "session",
            Self::MailPrograms => "mail programs",
        }
    }

    /// The gate that a code shuts; `None` for a notice, for a fault of ours, and for what only apps
    /// and their people meet.
    #[must_use]
    pub const fn shut_by(code: Code) -> Option<Self> {
        Some(match code {
            Code::ProviderOff => Self::ProviderOn,
            Code::ProviderUnreachable
            | Code::ProviderTls
            | Code::DiscoveryFailed
            | Code::EndpointOnOwnHost
            | Code::InternalAddress => Self::ProviderReachable,
            Code::KeysUnavailable => Self::KeysFresh,
            Code::ClockSkew
            | Code::ClientRejected
            | Code::RedirectRefused
            | Code::ScopeRefused
            | Code::CodeRejected
            | Code::ProviderSaidNo
            | Code::ForeignState
            | Code::TokenRejected
            | Code::ProviderError => Self::LastAnswer,
            Code::EmailMissing | Code::AddressUnusable => Self::AddressClaim,
            Code::EmailUnverified | Code::EmailVerifiedAbsent => Self::AddressVerified,
            Code::DomainUnknown | Code::DomainInactive => Self::Domain,
            Code::DomainNotOfProvider | Code::DomainBound => Self::DomainOfProvider,
            Code::NoMapping | Code::NearMapping | Code::TemplateGone | Code::ClaimWithheld => {
                Self::RuleMatch
            }
            Code::DomainFull
            | Code::DomainQuotaFull
            | Code::CreationOff
            | Code::AddressIsAlias
            | Code::AddressReserved
            | Code::ProvisioningFailed => Self::Mailbox,
            Code::MailboxInactive => Self::MailboxActive,
            Code::WrongMethod
            | Code::LinkedElsewhere
            | Code::PersonBlocked
            | Code::ProveLocalPassword
            | Code::WrongPassword => Self::SignInMethod,
            Code::TooManyTries => Self::Throttle,
            Code::MailWrong
            | Code::MailEnded
            | Code::MailProtocol
            | Code::MailEncryption
            | Code::MailInactive
            | Code::MailThrottled
            | Code::MailUnconfirmed
            | Code::MailSignedOut => Self::MailPrograms,
            _ => return None,
        })
    }

    /// Whether what stands there depends on the person and on our settings alone, so that the same
    /// claims pass it again or are refused again.
    #[must_use]
    pub fn is_decided_here(self) -> bool {
        self >= Self::AddressClaim || self == Self::ProviderOn
    }
}

/// What was seen at a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Where.
    pub gate: Gate,
    /// How it stands, by itself.
    pub state: StepState,
    /// In words.
    pub evidence: String,
    /// When it was seen, if not now.
    pub at: Option<Timestamp>,
}

/// All gates in order: the one that `refusal` shuts is blocked, those behind it are not reached.
/// Mail programs have a way of their own, past the gates of the web.
#[must_use]
pub fn arrange(mut seen: Vec<Seen>, refusal: Option<&Refusal>) -> Vec<Step> {
    let shut = refusal.and_then(|refusal| Gate::shut_by(refusal.code));
    Gate::ALL
        .into_iter()
        .map(|gate| {
            let found = seen.iter().position(|one| one.gate == gate);
            let found = found.map(|at| seen.swap_remove(at));
            let behind = shut.is_some_and(|shut| gate > shut) && gate != Gate::MailPrograms;
            let (state, evidence, at) = match (refusal, found) {
                (Some(refusal), found) if shut == Some(gate) => (
                    StepState::Blocked,
                    refusal.to_string(),
                    found.and_then(|found| found.at),
                ),
                (_, Some(found)) if !behind => (found.state, found.evidence, found.at),
                _ => (StepState::NotReached, String::new(), None),
            };
            Step {
                gate: gate.label().to_owned(),
                state,
                evidence,
                took_ms: None,
                ms: None,
                at,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_shuts_a_gate_or_says_why_not() {
        for code in Code::ALL {
            let of_app = code.id().starts_with("OAUTH-");
            let none = of_app || matches!(code, Code::OwnFault | Code::AddressChanged);
            assert_eq!(Gate::shut_by(*code).is_none(), none, "{code}");
        }
        assert!(Gate::ALL.is_sorted());
    }

    #[test]
    fn behind_a_shut_gate_nothing_is_reached_but_mail_programs() {
        let seen = |gate| Seen {
            gate,
            state: StepState::Ok,
            evidence: "seen".to_owned(),
            at: Some(Timestamp(7)),
        };
        let all = || Gate::ALL.into_iter().map(seen).collect::<Vec<_>>();
        let states = |steps: &[Step], at: usize| {
            let step = &steps[at];
            (step.gate.clone(), step.state, step.evidence.clone())
        };
        let open = arrange(all(), None);
        assert!(open.iter().all(|step| step.state == StepState::Ok));
        assert_eq!(open.len(), 16);

        let refusal = Refusal::new(Code::NoMapping);
        let shut = arrange(all(), Some(&refusal));
        assert_eq!(states(&shut, 8).1, StepState::Ok);
        assert_eq!(
            states(&shut, 9),
            (
                "rule match".to_owned(),
                StepState::Blocked,
                refusal.to_string()
            )
        );
        assert_eq!(
            states(&shut, 10),
            ("mailbox".to_owned(), StepState::NotReached, String::new())
        );
        assert_eq!(states(&shut, 15).1, StepState::Ok);
        // Nothing is known of a gate that nobody looked at.
        let some = arrange(vec![seen(Gate::Domain)], None);
        assert_eq!(some[7].state, StepState::Ok);
        assert_eq!(some[0].state, StepState::NotReached);
    }
}
