//! The ways in at an address: the local password, and each provider by which the person might come.

use super::no_door;
use crate::foresight::{self, Dry, Presented};
use crate::{App, Problem, facts};
use model::address::Address;
use model::attempt::{Attempt, Step, StepState, Trace};
use model::domain::MailDomain;
use model::outcome::{Code, Refusal};
use model::provider::Provider;
use model::rules::gates::Seen;
use model::rules::mapping::Claims;
use model::rules::provision::{self, Foreseen, Foresight, Holder, Place, Verdict};
use model::time::Timestamp;
use store::Conn;

/// What was found at the gates of the likeliest way in.
pub(super) struct Walked {
    /// The slug of its provider.
    pub(super) provider: Option<String>,
    /// What was seen at its gates.
    pub(super) seen: Vec<Seen>,
    /// What shuts it.
    pub(super) refusal: Option<Refusal>,
    /// The other ways in.
    pub(super) others: Vec<Step>,
    /// When the attempt was with whose claims it was decided; `None` if it was decided without.
    pub(super) by_claims: Option<Timestamp>,
}

/// A way in.
pub(super) struct Door {
    /// Of which provider; `None` for the local password.
    pub(super) provider: Option<Provider>,
    /// Whether it is open, and how it stands.
    pub(super) outcome: Result<(StepState, String), Refusal>,
    /// What the provider last said of this person, with the rules that were looked at.
    pub(super) kept: Option<Kept>,
}

/// What a provider last said of a person.
pub(super) struct Kept {
    pub(super) at: Timestamp,
    pub(super) claims: Claims,
    pub(super) rules: Vec<Step>,
    /// The person has a link, so that the address is not asked for any more.
    pub(super) linked: bool,
}

impl Door {
    pub(super) fn name(&self) -> &str {
        self.provider
            .as_ref()
            .map_or("local password", |provider| &provider.settings.name)
    }

    fn as_step(&self) -> Step {
        let mut trace = Trace::default();
        match &self.outcome {
            Ok((state, words)) => {
                trace.push("another way", *state, format!("{}: {words}", self.name()));
            }
            Err(refusal) => {
                let words = format!("{}: {refusal}", self.name());
                trace.push("also shut", StepState::Warn, words);
            }
        }
        trace.steps.remove(0)
    }
}

impl App {
    /// Asks the gates of every way in at the address: the first open one counts, else the one by
    /// which the person would most likely come.
    pub(super) async fn walk(
        &self,
        read: &mut Conn,
        address: &Address,
        attempts: &[Attempt],
    ) -> Result<Walked, Problem> {
        let place = facts::place(read, address).await?;
        let mut doors = match &place.domain {
            Some((domain, _)) => self.doors(read, address, &place, domain, attempts).await?,
            None => Vec::new(),
        };
        let open = doors.iter().position(|door| door.outcome.is_ok());
        let main = (!doors.is_empty()).then(|| doors.remove(open.unwrap_or(0)));
        let refusal = match (&main, &place.domain) {
            (_, None) => Some(Refusal::new(Code::DomainUnknown).with("domain", address.domain())),
            (Some(door), _) => door.outcome.as_ref().err().cloned(),
            (None, _) => Some(no_door(address, &place.holder)),
        };
        let seen = self
            .evidence(
                read,
                address,
                &place,
                main.as_ref(),
                attempts,
                refusal.is_none(),
            )
            .await?;
        let provider = main.as_ref().and_then(|door| door.provider.as_ref());
        Ok(Walked {
            provider: provider.map(|provider| provider.slug.clone()),
            seen,
            refusal,
            by_claims: main.as_ref().and_then(|door| Some(door.kept.as_ref()?.at)),
            others: doors.iter().map(Door::as_step).collect(),
        })
    }

    /// The local password, and each provider by which the person might come, the likeliest first.
    async fn doors(
        &self,
        read: &mut Conn,
        address: &Address,
        place: &Place,
        domain: &MailDomain,
        attempts: &[Attempt],
    ) -> Result<Vec<Door>, Problem> {
        let mut doors = Vec::new();
        if let Holder::Mailbox { mailbox, .. } = &place.holder
            && mailbox.methods.local
            && mailbox.has_password
        {
            let open = provision::by_local_password(mailbox, domain);
            doors.push(Door {
                provider: None,
                outcome: open.map(|()| (StepState::Ok, "signs in by it".to_owned())),
                kept: None,
            });
        }
        let all = store::providers::all(read).await?;
        let likely = |provider: &Provider| likely(provider, place, domain);
        let mut providers = all.clone();
        providers.retain(|provider| likely(provider) < Likely::Hardly);
        if providers.is_empty() && doors.is_empty() {
            providers = all;
        }
        providers.sort_by_key(likely);
        for provider in providers {
            let door = self.door(read, address, place, provider, attempts).await?;
            doors.push(door);
        }
        Ok(doors)
    }

    /// How a provider's door stands: decided with what the provider last said of this person, or
    /// foreseen where that is not known.
    async fn door(
        &self,
        read: &mut Conn,
        address: &Address,
        place: &Place,
        provider: Provider,
        attempts: &[Attempt],
    ) -> Result<Door, Problem> {
        if let Some((at, presented)) = last_word(&provider, attempts) {
            let dry = foresight::decide_dry(read, self.clock.now(), &provider, &presented).await?;
            if dry.address.as_ref() == Some(address) {
                return Ok(decided(provider, at, presented, dry));
            }
        }
        let domain = place.domain.as_ref().map(|(domain, _)| domain);
        let names = facts::domains_to_name(read, &provider, domain).await?;
        let bound = facts::bound_elsewhere(read, &provider, domain).await?;
        let templates = store::templates::all(read).await?;
        let now = self.clock.now();
        let known = Foresight {
            now,
            provider: &provider,
            provider_domains: &names,
            bound: bound.as_ref(),
            relinks: &store::relinks::open_to(read, provider.id, now).await?,
            address,
            place,
            templates: &templates,
            blocks: &facts::blocks(read, address, place).await?,
        };
        let foreseen = provision::foresee(&known, &mut Trace::default());
        Ok(Door {
            outcome: foreseen.map(|foreseen| told(&foreseen)),
            provider: Some(provider),
            kept: None,
        })
    }
}

/// What the provider last said, if it has not moved since.
fn last_word(provider: &Provider, attempts: &[Attempt]) -> Option<(Timestamp, Presented)> {
    let by = |attempt: &&Attempt| attempt.provider == Some(provider.id);
    attempts.iter().filter(by).find_map(|attempt| {
        let identity = attempt.trace.identity.as_ref()?;
        let (claims, cut) = attempt.trace.kept_claims();
        let usable = identity.namespace == provider.namespace && cut.is_empty();
        usable.then(|| {
            let presented = Presented {
                namespace: identity.namespace.clone(),
                subject: identity.subject.clone(),
                claims,
            };
            (attempt.at, presented)
        })
    })
}

fn decided(provider: Provider, at: Timestamp, presented: Presented, dry: Dry) -> Door {
    let outcome = match dry.verdict {
        Verdict::SignIn { .. } => Ok((StepState::Ok, "signs in".to_owned())),
        Verdict::Link {
            relink: Some(id), ..
        } => Ok(told(&Foreseen::Relink(id))),
        Verdict::Link { relink: None, .. } => {
            Ok((StepState::Ok, "is linked and signs in".to_owned()))
        }
        Verdict::Create(new) if new.active => {
            Ok((StepState::Ok, "makes the mailbox and signs in".to_owned()))
        }
        Verdict::Create(new) => {
            Err(Refusal::new(Code::MailboxInactive).with("address", &new.address))
        }
        Verdict::ProveLocal { .. } => Ok(told(&Foreseen::ProveLocal)),
        Verdict::SwitchOff { refusal, .. } | Verdict::Refuse(refusal) => Err(refusal),
    };
    let rules = dry.trace.steps.into_iter();
    Door {
        provider: Some(provider),
        outcome,
        kept: Some(Kept {
            at,
            claims: presented.claims,
            rules: rules.filter(|step| step.gate == "rule").collect(),
            linked: dry.known.linked.is_some(),
        }),
    }
}

/// How likely a person comes by a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Likely {
    /// The mailbox waits for its person there: the administrator's latest word.
    Awaited,
    /// The mailbox is linked there.
    Linked,
    /// It may sign in people of the domain.
    Allowed,
    /// It might be tried, and refuses.
    Hardly,
}

fn likely(provider: &Provider, place: &Place, domain: &MailDomain) -> Likely {
    if let Holder::Mailbox { links, pending, .. } = &place.holder {
        if pending.as_ref().is_some_and(|p| p.provider == provider.id) {
            return Likely::Awaited;
        }
        if links.iter().any(|link| link.provider == provider.id) {
            return Likely::Linked;
        }
    }
    let bound = domain.provider == Some(provider.id);
    if bound || provider.settings.active && provider.settings.domains.contains(&domain.id) {
        Likely::Allowed
    } else {
        Likely::Hardly
    }
}

fn told(foreseen: &Foreseen) -> (StepState, String) {
    match foreseen {
        Foreseen::SignIn(link) => (
            StepState::Ok,
            format!("linked to {} at {}", link.subject, link.namespace),
        ),
        Foreseen::Link(pending) => {
            let who = match &pending.expected_subject {
                Some(subject) => subject.as_str(),
                None => "its person",
            };
            let words = format!("waits for {who} until {}", pending.ends.date());
            (StepState::Warn, words)
        }
        Foreseen::Relink(id) => (
            StepState::Warn,
            format!("relink campaign {id} takes over who comes with this address verified"),
        ),
        Foreseen::ProveLocal => (
            StepState::Warn,
            "linked to nobody; the person would have to prove the local password".to_owned(),
        ),
        Foreseen::Create(words) => (StepState::Ok, format!("makes the mailbox; {words}")),
    }
}
