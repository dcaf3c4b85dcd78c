//! Why somebody can or cannot sign in: the gates in order, and the last attempts.

use crate::{App, Problem, facts};
use model::address::Address;
use model::attempt::{Attempt, Reference, Step, StepState, Trace};
use model::domain::{DomainUse, MailDomain};
use model::mailbox::Mailbox;
use model::outcome::{Code, Fix, Refusal};
use model::provider::Provider;
use model::rules::limits::size;
use model::rules::provision::{self, Foreseen, Foresight, Holder, Place};
use serde::{Deserialize, Serialize};
use store::Conn;

/// The verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Something stands in the way now.
    BlockedNow,
    /// Nothing known stands in the way.
    WouldWorkNow,
    /// Not enough is known.
    CouldNotTell,
}

/// The explanation of an address.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Explanation {
    /// The canonical address.
    pub address: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The verdict in a sentence.
    pub sentence: String,
    /// What stands in the way, with code and words.
    pub blocked: Option<Refusal>,
    /// Where it is mended, and the command that mends it.
    pub fix: Option<(Fix, String)>,
    /// The gates, in the order in which they are asked.
    pub gates: Vec<Step>,
    /// The last attempts of this address, newest first, at most 10.
    pub attempts: Vec<Attempt>,
}

/// Some words could be either to the eye, so both forms are shown.
const FORMS: &str = "an address looks like alice@example.org, a reference like 7K4Q-M2XD";

/// Attempts shown with an explanation.
const ATTEMPTS: u32 = 10;

impl App {
    /// Explains an address, or the address of the attempt with a reference. A text that is neither
    /// is a problem of the field `who`.
    pub async fn explain(&self, who: &str) -> Result<Explanation, Problem> {
        let mut read = self.store.read()?;
        let address = match Reference::parse(who) {
            Some(reference) => address_of(&mut read, &reference).await?,
            None if !who.contains('@') => return Err(Problem::field("who", FORMS)),
            None => Address::parse(who.trim()).map_err(|error| Problem::field("who", error))?,
        };
        let mut gates = Trace::default();
        let blocked = self.walk(&mut read, &address, &mut gates).await?;
        let attempts = store::attempts::of_address(&mut read, address.as_str(), ATTEMPTS).await?;
        Ok(conclude(address, blocked, gates.steps, attempts))
    }

    /// Asks the gates of every door at the address. `None` if one of them is open; else the refusal
    /// at the door by which the person would most likely come.
    async fn walk(
        &self,
        read: &mut Conn,
        address: &Address,
        gates: &mut Trace,
    ) -> Result<Option<Refusal>, Problem> {
        let place = facts::place(read, address).await?;
        let Some((domain, used)) = &place.domain else {
            return Ok(Some(
                Refusal::new(Code::DomainUnknown).with("domain", address.domain()),
            ));
        };
        gates.push("domain known", StepState::Ok, domain.name.to_string());
        gates.push(
            "domain active",
            state(domain.active),
            switched(domain.active),
        );
        if let Some(bound) = domain.provider
            && let Some(provider) = store::providers::by_id(read, bound).await?
        {
            let words = format!("bound to {}", provider.settings.name);
            gates.push("domain's provider", state(provider.settings.active), words);
        }
        match &place.holder {
            Holder::Mailbox { mailbox, .. } => describe(mailbox, gates),
            Holder::Alias(_) => gates.push("mailbox", StepState::Warn, "an alias stands here"),
            Holder::Nobody => {
                gates.push("mailbox", StepState::Warn, "does not exist yet");
                gates.push("room", StepState::Ok, room(domain, *used));
            }
        }
        let refusal = self.doors(read, address, &place, domain, gates).await?;
        if let (None, Holder::Mailbox { mailbox, .. }) = (&refusal, &place.holder) {
            self.programs(read, mailbox, gates).await?;
        }
        Ok(refusal)
    }

    /// The local password, and each provider by which the person might come.
    async fn doors(
        &self,
        read: &mut Conn,
        address: &Address,
        place: &Place,
        domain: &MailDomain,
        gates: &mut Trace,
    ) -> Result<Option<Refusal>, Problem> {
        let mut shut = Vec::new();
        let mut open = false;
        if let Holder::Mailbox { mailbox, .. } = &place.holder
            && mailbox.methods.local
            && mailbox.has_password
        {
            match provision::by_local_password(mailbox, domain) {
                Ok(()) => {
                    open = true;
                    gates.push("local password", StepState::Ok, "signs in by it");
                }
                Err(refusal) => shut.push(("local password".to_owned(), refusal)),
            }
        }
        let mut providers = store::providers::all(read).await?;
        providers.retain(|provider| likely(provider, place, domain) < Likely::Hardly);
        if providers.is_empty() && shut.is_empty() && !open {
            providers = store::providers::all(read).await?;
        }
        providers.sort_by_key(|provider| likely(provider, place, domain));
        let templates = store::templates::all(read).await?;
        for provider in &providers {
            let names = facts::domains_to_name(read, provider, Some(domain)).await?;
            let bound = facts::bound_elsewhere(read, provider, Some(domain)).await?;
            let known = Foresight {
                now: self.clock.now(),
                provider,
                provider_domains: &names,
                bound: bound.as_ref(),
                relinks: &store::relinks::open_to(read, provider.id, self.clock.now()).await?,
                address,
                place,
                templates: &templates,
            };
            let name = &provider.settings.name;
            match provision::foresee(&known, &mut Trace::default()) {
                Ok(foreseen) => {
                    open = true;
                    let (state, words) = told(&foreseen);
                    gates.push("provider", state, format!("{name}: {words}"));
                }
                Err(refusal) => shut.push((name.clone(), refusal)),
            }
        }
        let mut shut = shut.into_iter();
        let first = if open { None } else { shut.next() };
        for (door, refusal) in shut {
            let words = format!("{door}: {refusal}");
            gates.push("also shut", StepState::Warn, words);
        }
        Ok(match first {
            Some((_, refusal)) => Some(refusal),
            None if open => None,
            None => Some(no_door(address, &place.holder)),
        })
    }

    /// What the mailbox's mail programs may do.
    async fn programs(
        &self,
        read: &mut Conn,
        mailbox: &Mailbox,
        gates: &mut Trace,
    ) -> Result<(), Problem> {
        let now = self.clock.now();
        let devices = store::app_passwords::list(read, mailbox.id).await?;
        let good = devices
            .iter()
            .filter(|d| d.revoked.is_none() && d.ends.is_none_or(|ends| now < ends))
            .count();
        let mut programs = format!(
            "allowed: {}; {} in use",
            mailbox.protocols,
            counted(good, "app password", "app passwords")
        );
        if mailbox.password_opens_mail(now) {
            programs.push_str("; the local password opens them too");
        }
        gates.push("mail programs", StepState::Ok, programs);
        Ok(())
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

/// The refusal where no way to sign in is set up at all.
fn no_door(address: &Address, holder: &Holder) -> Refusal {
    match holder {
        Holder::Mailbox { mailbox, .. } if !mailbox.active => provision::inactive(mailbox),
        Holder::Mailbox { mailbox, .. } => Refusal::new(Code::WrongMethod)
            .with("address", address)
            .with("use", "another way")
            .with("methods", mailbox.methods.label())
            .with("came", "any way that is set up"),
        Holder::Alias(alias) => provision::is_alias(address, alias),
        Holder::Nobody => Refusal::new(Code::CreationOff)
            .with("provider", "any provider of this domain")
            .with("address", address),
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

fn describe(mailbox: &Mailbox, gates: &mut Trace) {
    let words = format!("{} exists", mailbox.address);
    gates.push("mailbox", StepState::Ok, words);
    let active = mailbox.active;
    gates.push("mailbox active", state(active), switched(active));
    gates.push("sign-in method", StepState::Ok, mailbox.methods.label());
}

const fn state(good: bool) -> StepState {
    if good { StepState::Ok } else { StepState::Warn }
}

const fn switched(on: bool) -> &'static str {
    if on { "switched on" } else { "switched off" }
}

/// How full a domain is.
pub(crate) fn room(domain: &MailDomain, used: DomainUse) -> String {
    let given = match used.quota {
        0 => "nothing".to_owned(),
        given => size(given),
    };
    format!(
        "{}, {given} of {} given out",
        mailboxes(used.mailboxes, domain.limits.max_mailboxes),
        size(domain.limits.domain_quota),
    )
}

async fn address_of(read: &mut Conn, reference: &Reference) -> Result<Address, Problem> {
    let attempt = store::attempts::by_reference(read, reference)
        .await?
        .ok_or_else(|| Problem::NotFound(format!("attempt {reference}; {FORMS}")))?;
    attempt
        .address
        .as_deref()
        .and_then(|address| Address::parse(address).ok())
        .ok_or_else(|| Problem::NotFound(format!("address in the attempt {reference}")))
}

/// The verdict: what stands in the way now; else what the last attempt met, if it was refused.
fn conclude(
    address: Address,
    blocked: Option<Refusal>,
    gates: Vec<Step>,
    attempts: Vec<Attempt>,
) -> Explanation {
    let last_refusal = attempts
        .first()
        .and_then(|attempt| attempt.refusal.clone())
        .filter(|refusal| {
            refusal.code != Code::TooManyTries && refusal.code != Code::MailThrottled
        });
    let (verdict, refusal, sentence) = match (blocked, last_refusal) {
        (Some(refusal), _) => {
            let sentence = format!("{address} cannot sign in now. {}", refusal.admin());
            (Verdict::BlockedNow, Some(refusal), sentence)
        }
        (None, Some(refusal)) => {
            let sentence = format!(
                "Nothing in Gatepost stands in the way of {address} now, but the last attempt was refused. {}",
                refusal.admin()
            );
            (Verdict::CouldNotTell, Some(refusal), sentence)
        }
        (None, None) if attempts.is_empty() => {
            let sentence = format!(
                "Nothing stands in the way of {address}, and nothing has reached Gatepost from this \
                 person lately. If they cannot get in, they fail before Gatepost: check the address \
                 they open and the provider's own log."
            );
            (Verdict::CouldNotTell, None, sentence)
        }
        (None, None) => (
            Verdict::WouldWorkNow,
            None,
            format!("Nothing stands in the way of {address}; the last attempt succeeded."),
        ),
    };
    let fix = refusal
        .as_ref()
        .map(|r| (r.code.entry().fix, command(&address, r)));
    Explanation {
        address: address.to_string(),
        verdict,
        sentence,
        blocked: refusal,
        fix,
        gates,
        attempts,
    }
}

/// The command that mends a refusal which met `address`.
#[must_use]
pub fn command(address: &Address, refusal: &Refusal) -> String {
    let domain = address.domain();
    match (refusal.code, refusal.code.entry().fix) {
        (Code::DomainFull, _) => {
            let more = refusal
                .facts
                .get("limit")
                .and_then(|l| l.parse::<i64>().ok())
                .unwrap_or(0)
                + 10;
            format!("gatepost domain edit {domain} --max-mailboxes {more}")
        }
        (Code::DomainInactive, _) => format!("gatepost domain edit {domain} --active yes"),
        (Code::DomainBound, _) => format!("gatepost domain edit {domain} --provider any"),
        (Code::MailboxInactive | Code::MailInactive, _) => {
            format!("gatepost mailbox enable {address}")
        }
        (Code::WrongMethod, _) => format!("gatepost mailbox method {address} provider SLUG"),
        (_, Fix::AddDomain) => format!("gatepost domain add {domain}"),
        (_, Fix::Domain) => format!("gatepost domain edit {domain} --domain-quota SIZE"),
        (_, Fix::AddMailbox) => format!("gatepost mailbox add {address}"),
        (_, Fix::Mailbox) => format!("gatepost mailbox show {address}"),
        (_, Fix::Alias) => format!("gatepost alias show {address}"),
        (
            _,
            fix @ (Fix::Provider | Fix::ProviderCheck | Fix::Rules | Fix::Person | Fix::Server),
        ) => command_apart(fix, "SLUG").unwrap_or_default(),
    }
}

/// The command for what is mended apart from any address.
pub(crate) fn command_apart(fix: Fix, slug: &str) -> Option<String> {
    Some(match fix {
        Fix::Provider | Fix::ProviderCheck => format!("gatepost provider check {slug}"),
        Fix::Rules => format!("gatepost rule list {slug}"),
        Fix::Person => "nothing to change here: the person can do it".to_owned(),
        Fix::Server => "gatepost doctor".to_owned(),
        _ => return None,
    })
}

/// How many mailboxes a domain has, and may have; 0 is no limit.
fn mailboxes(have: i64, limit: i64) -> String {
    if limit == 0 {
        let have = usize::try_from(have).unwrap_or_default();
        format!("{} (no limit)", counted(have, "mailbox", "mailboxes"))
    } else {
        format!("{have} of {limit} mailboxes")
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_as_people_say_them() {
        for (have, limit, words) in [
            (0, 0, "0 mailboxes (no limit)"),
            (1, 0, "1 mailbox (no limit)"),
            (7, 0, "7 mailboxes (no limit)"),
            (7, 10, "7 of 10 mailboxes"),
        ] {
            assert_eq!(mailboxes(have, limit), words);
        }
        assert_eq!(
            counted(1, "app password", "app passwords"),
            "1 app password"
        );
    }
}
