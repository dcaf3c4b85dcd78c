//! Why somebody can or cannot sign in: the gates in order, and the last attempts.

use crate::{App, Problem};
use model::address::Address;
use model::attempt::{Attempt, Reference, Step, StepState, Trace};
use model::mailbox::Mailbox;
use model::outcome::{Code, Fix, Refusal};
use model::provider::Provider;
use model::rules::limits::size;
use model::rules::provision;
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

    /// Asks the gates in order; the first that is shut ends the walk.
    async fn walk(
        &self,
        read: &mut Conn,
        address: &Address,
        gates: &mut Trace,
    ) -> Result<Option<Refusal>, Problem> {
        let now = self.clock.now();
        let Some((domain, used)) = store::domains::with_use(read, &address.domain()).await? else {
            return Ok(Some(
                Refusal::new(Code::DomainUnknown).with("domain", address.domain()),
            ));
        };
        gates.push("domain known", StepState::Ok, domain.name.to_string());
        if !domain.active {
            return Ok(Some(
                Refusal::new(Code::DomainInactive).with("domain", &domain.name),
            ));
        }
        gates.push("domain active", StepState::Ok, "switched on");
        let providers = store::providers::all(read).await?;
        let allowed: Vec<&Provider> = providers
            .iter()
            .filter(|p| p.settings.active && p.settings.domains.contains(&domain.id))
            .collect();
        let names = allowed
            .iter()
            .map(|p| p.settings.name.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        if let Some(mailbox) = store::mailboxes::by_address(read, address).await? {
            return self.walk_mailbox(read, &mailbox, &names, gates, now).await;
        }
        if let Some(alias) = store::aliases::by_address(read, address).await? {
            let targets = alias
                .targets
                .iter()
                .map(|(_, a)| a.as_str())
                .collect::<Vec<_>>()
                .join(", ");
            return Ok(Some(
                Refusal::new(Code::AddressIsAlias)
                    .with("address", address)
                    .with("targets", targets),
            ));
        }
        gates.push("mailbox", StepState::Warn, "does not exist yet");
        if address.is_role() {
            return Ok(Some(
                Refusal::new(Code::AddressReserved).with("address", address),
            ));
        }
        let Some(creator) = allowed.iter().find(|p| p.settings.create) else {
            let who = if names.is_empty() {
                "any provider of this domain".to_owned()
            } else {
                names
            };
            return Ok(Some(
                Refusal::new(Code::CreationOff)
                    .with("provider", who)
                    .with("address", address),
            ));
        };
        gates.push(
            "provider",
            StepState::Ok,
            format!("{} creates mailboxes here", creator.settings.name),
        );
        if domain.limits.max_mailboxes > 0 && used.mailboxes >= domain.limits.max_mailboxes {
            return Ok(Some(
                Refusal::new(Code::DomainFull)
                    .with("domain", &domain.name)
                    .with("have", used.mailboxes)
                    .with("limit", domain.limits.max_mailboxes),
            ));
        }
        let room = format!(
            "{}, {} of {} given out",
            mailboxes(used.mailboxes, domain.limits.max_mailboxes),
            if used.quota == 0 {
                "nothing".to_owned()
            } else {
                size(used.quota)
            },
            size(domain.limits.domain_quota),
        );
        gates.push("room", StepState::Ok, room);
        Ok(None)
    }

    async fn walk_mailbox(
        &self,
        read: &mut Conn,
        mailbox: &Mailbox,
        providers: &str,
        gates: &mut Trace,
        now: model::time::Timestamp,
    ) -> Result<Option<Refusal>, Problem> {
        gates.push(
            "mailbox",
            StepState::Ok,
            format!("{} exists", mailbox.address),
        );
        if !mailbox.active {
            return Ok(Some(provision::inactive(mailbox)));
        }
        gates.push("mailbox active", StepState::Ok, "switched on");
        gates.push("sign-in method", StepState::Ok, mailbox.methods.label());
        let links = store::links::of_mailbox(read, mailbox.id).await?;
        let pending = store::links::pending_of(read, mailbox.id)
            .await?
            .filter(|p| now < p.ends);
        if mailbox.methods.provider {
            match (links.first(), pending) {
                (Some(link), _) => {
                    let words = format!("linked to {} at {}", link.subject, link.namespace);
                    gates.push("link", StepState::Ok, words);
                }
                (None, Some(pending)) => {
                    let words = format!("waits for its person until {}", pending.ends.date());
                    gates.push("link", StepState::Warn, words);
                }
                (None, None) => gates.push(
                    "link",
                    StepState::Warn,
                    "linked to nobody, and waits for nobody",
                ),
            }
            let state = if providers.is_empty() {
                StepState::Warn
            } else {
                StepState::Ok
            };
            let words = if providers.is_empty() {
                "none is switched on for this domain"
            } else {
                providers
            };
            gates.push("providers", state, words);
        }
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
        Ok(None)
    }
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
        (Code::MailboxInactive | Code::MailInactive, _) => {
            format!("gatepost mailbox enable {address}")
        }
        (Code::WrongMethod, _) => format!("gatepost mailbox method {address} provider SLUG"),
        (_, Fix::AddDomain) => format!("gatepost domain add {domain}"),
        (_, Fix::Domain) => format!("gatepost domain edit {domain} --domain-quota SIZE"),
        (_, Fix::AddMailbox) => format!("gatepost mailbox add {address}"),
        (_, Fix::Mailbox) => format!("gatepost mailbox show {address}"),
        (_, Fix::Alias) => format!("gatepost alias show {address}"),
        (_, Fix::Provider | Fix::ProviderCheck) => "gatepost provider check SLUG".to_owned(),
        (_, Fix::Rules) => "gatepost rule list SLUG".to_owned(),
        (_, Fix::Person) => "nothing to change here: the person can do it".to_owned(),
        (_, Fix::Server) => "gatepost doctor".to_owned(),
    }
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
