//! What is seen at each gate of one way in.

use super::doors::Door;
use crate::ports::{Account, Standing, StandingQuestion, Unavailable, Wait};
use crate::settings::Records;
use crate::{App, Problem};
use model::address::Address;
use model::attempt::{Attempt, Door as By, StepState};
use model::domain::{DomainUse, MailDomain};
use model::mailbox::Mailbox;
use model::provider::{EmailTrust, Endpoints, EveryoneElse, Provider};
use model::rules::confirmation;
use model::rules::gates::{Gate, Seen};
use model::rules::limits::size;
use model::rules::mapping::brief;
use model::rules::provision::{self, Holder, Place};
use model::time::{DAY, Timestamp};
use std::time::Duration;
use store::Conn;

/// Failures of mail programs that are told.
const FAILURES: usize = 5;
/// Networks of which the standing is asked.
const NETWORKS: usize = 5;

/// Collects what is seen.
struct Gates(Vec<Seen>);

impl Gates {
    fn add(&mut self, gate: Gate, state: StepState, evidence: impl Into<String>) {
        self.add_at(gate, state, evidence, None);
    }

    fn add_at(
        &mut self,
        gate: Gate,
        state: StepState,
        evidence: impl Into<String>,
        at: Option<Timestamp>,
    ) {
        self.0.push(Seen {
            gate,
            state,
            evidence: evidence.into(),
            at,
        });
    }
}

impl App {
    /// What is seen at the gates of a way in; `open` says whether it is.
    pub(super) async fn evidence(
        &self,
        read: &mut Conn,
        address: &Address,
        place: &Place,
        door: Option<&Door>,
        attempts: &[Attempt],
        open: bool,
    ) -> Result<Vec<Seen>, Problem> {
        let mut gates = Gates(Vec::new());
        match door.map(|door| (door, door.provider.as_ref())) {
            Some((door, Some(provider))) => {
                self.of_provider(provider, attempts, &mut gates).await?;
                of_claims(provider, door, &mut gates);
            }
            Some((_, None)) => {
                for gate in Gate::ALL.into_iter().filter(|gate| of_providers(*gate)) {
                    let words = "not asked: the mailbox signs in by its local password";
                    gates.add(gate, StepState::Note, words);
                }
            }
            None => {}
        }
        let kept = self.kept_for(&self.retention().await?, Records::Attempts);
        self.of_attempts(attempts, kept, &mut gates);
        self.throttle(read, address, place, attempts, &mut gates)
            .await?;
        of_place(place, door, &mut gates);
        let sessions = self.config.sessions;
        let words = format!(
            "a session ends after {} without use, and after {} in any case",
            long(sessions.idle),
            long(sessions.absolute),
        );
        gates.add(Gate::Session, StepState::Ok, words);
        if let Holder::Mailbox { mailbox, .. } = &place.holder {
            self.programs(read, mailbox, attempts, open, &mut gates)
                .await?;
        }
        Ok(gates.0)
    }

    async fn of_provider(
        &self,
        provider: &Provider,
        attempts: &[Attempt],
        gates: &mut Gates,
    ) -> Result<(), Problem> {
        let (name, on) = (&provider.settings.name, provider.settings.active);
        let words = format!("{name} is {}", switched(on));
        gates.add(Gate::ProviderOn, state(on), words);
        match self.upstream.last_call(provider.id) {
            None => gates.add(
                Gate::ProviderReachable,
                StepState::Note,
                format!("{name} was not asked anything since this server started"),
            ),
            Some(last) => {
                let (state, words) = match &last.failed {
                    None => (StepState::Ok, format!("answered ({} URL)", last.purpose)),
                    Some(why) => (StepState::Warn, format!("{} URL: {why}", last.purpose)),
                };
                gates.add_at(Gate::ProviderReachable, state, words, Some(last.at));
            }
        }
        let (state, words) = match &provider.settings.endpoints {
            Endpoints::Manual { .. } => (
                StepState::Note,
                "set up by endpoints, so no ID token is checked with keys".to_owned(),
            ),
            Endpoints::Issuer { .. } => {
                let settings = self.call_settings(provider).await?;
                match self.upstream.keys_age(&settings) {
                    Some(age) => (StepState::Ok, format!("fetched {} ago", long(age))),
                    None => (
                        StepState::Note,
                        "fetched when the next person comes".to_owned(),
                    ),
                }
            }
        };
        gates.add(Gate::KeysFresh, state, words);
        let by = |attempt: &&Attempt| attempt.provider == Some(provider.id);
        match attempts.iter().find(by) {
            None => {
                let words = format!("{name} has not sent this person lately");
                gates.add(Gate::LastAnswer, StepState::Note, words);
            }
            Some(attempt) => {
                let (state, words) = answered(attempt);
                gates.add_at(Gate::LastAnswer, state, words, Some(attempt.at));
            }
        }
        Ok(())
    }

    fn of_attempts(&self, attempts: &[Attempt], kept: Duration, gates: &mut Gates) {
        match attempts.first() {
            None => {
                let days = kept.as_secs() / DAY.as_secs();
                let words = format!(
                    "Nothing has reached Gatepost from this person in {days} days. If they fail, it \
                     is before Gatepost: check the address they open and the provider's own log"
                );
                gates.add(Gate::AttemptsSeen, StepState::Note, words);
            }
            Some(last) => {
                let words = match &last.refusal {
                    Some(refusal) => format!("the last was refused: {}", refusal.code),
                    None => "the last succeeded".to_owned(),
                };
                gates.add_at(Gate::AttemptsSeen, StepState::Ok, words, Some(last.at));
            }
        }
    }

    /// Whether passwords of the address are looked at now, from where they were last tried: what is
    /// counted is asked for, not guessed from attempts.
    async fn throttle(
        &self,
        read: &mut Conn,
        address: &Address,
        place: &Place,
        attempts: &[Attempt],
        gates: &mut Gates,
    ) -> Result<(), Problem> {
        let hash = match &place.holder {
            Holder::Mailbox { mailbox, .. } => {
                store::mailboxes::password_hash(read, mailbox.id).await?
            }
            Holder::Alias(_) | Holder::Nobody => None,
        };
        let mut networks = Vec::new();
        for attempt in attempts {
            if !networks.contains(&attempt.ip) && networks.len() < NETWORKS {
                networks.push(attempt.ip);
            }
        }
        if networks.is_empty() {
            networks.push(None);
        }
        let mut held = Vec::new();
        for ip in networks {
            let question = StandingQuestion {
                account: Account::Mailbox(address.to_string()),
                ip,
                hash: hash.clone(),
            };
            let from = ip.map(|ip| format!(" from {ip}")).unwrap_or_default();
            match self.desk.standing(question).await {
                Ok(Standing::Free) => {}
                Ok(Standing::Waits(Wait(wait))) => {
                    // Part of a second is a second.
                    let wait = long(wait + Duration::from_millis(999));
                    held.push(format!("passwords{from} are not looked at for {wait}"));
                }
                Ok(Standing::Stopped) => held.push(format!(
                    "passwords{from} are not looked at after too many wrong ones in a row, until \
                     there is a new one"
                )),
                Err(Unavailable) => {
                    let words = "could not be asked: password checks are not available";
                    gates.add(Gate::Throttle, StepState::Note, words);
                    return Ok(());
                }
            }
        }
        if held.is_empty() {
            gates.add(
                Gate::Throttle,
                StepState::Ok,
                "nobody is kept waiting here now",
            );
        } else {
            let words = format!("{}; by a provider they get in", held.join("; "));
            gates.add(Gate::Throttle, StepState::Warn, words);
        }
        Ok(())
    }

    /// What the mailbox's mail programs may do, and how they fared.
    async fn programs(
        &self,
        read: &mut Conn,
        mailbox: &Mailbox,
        attempts: &[Attempt],
        open: bool,
        gates: &mut Gates,
    ) -> Result<(), Problem> {
        let now = self.clock.now();
        let devices = store::app_passwords::list(read, mailbox.id).await?;
        let good = devices
            .iter()
            .filter(|d| d.revoked.is_none() && d.ends.is_none_or(|ends| now < ends))
            .count();
        let mut words = format!(
            "allowed: {}; {} in use",
            mailbox.protocols,
            counted(good, "app password", "app passwords")
        );
        if mailbox.password_opens_mail(now) {
            words.push_str("; the local password opens them too");
        }
        let failures: Vec<_> = attempts
            .iter()
            .filter_map(|attempt| match (attempt.door, &attempt.refusal) {
                (By::Mail(protocol), Some(refusal)) => Some((attempt, protocol, refusal)),
                _ => None,
            })
            .take(FAILURES)
            .collect();
        for (attempt, protocol, refusal) in &failures {
            let from = attempt
                .ip
                .map(|ip| format!(" from {ip}"))
                .unwrap_or_default();
            words.push_str(&format!(
                "; {protocol}{from}: {} ({} ago)",
                refusal.code,
                long(now.since(attempt.at))
            ));
        }
        let standing = store::confirmation::of(read, mailbox.id).await?;
        let stand = standing.as_ref().map(|it| confirmation::stands(it, now));
        match (&stand, standing.as_ref()) {
            (Some(Err(refusal)), _) => {
                let refusal = refusal.clone().with("address", &mailbox.address);
                words.push_str(&format!("; {refusal}"));
            }
            (Some(Ok(())), Some(standing)) => {
                if let Some(end) = standing.deadline() {
                    words.push_str(&format!(
                        "; confirmed {}, they stop on {}",
                        standing.confirmed.date(),
                        end.date()
                    ));
                }
            }
            _ => {}
        }
        if let Some(told) = standing.and_then(|standing| standing.told()) {
            words.push_str(&format!("; warned by mail {}", told.date()));
        }
        let stands = stand.is_none_or(|stand| stand.is_ok());
        let fine = mailbox.active && open && failures.is_empty() && stands;
        let at = failures.first().map(|(attempt, ..)| attempt.at);
        gates.add_at(Gate::MailPrograms, state(fine), words, at);
        Ok(())
    }
}

/// Gates that only somebody meets who comes by a provider.
fn of_providers(gate: Gate) -> bool {
    matches!(
        gate,
        Gate::ProviderOn
            | Gate::ProviderReachable
            | Gate::KeysFresh
            | Gate::LastAnswer
            | Gate::AddressClaim
            | Gate::AddressVerified
            | Gate::DomainOfProvider
            | Gate::RuleMatch
    )
}

/// How the provider's part of an attempt ended.
fn answered(attempt: &Attempt) -> (StepState, String) {
    let Some(refusal) = &attempt.refusal else {
        return (StepState::Ok, "vouched for the person".to_owned());
    };
    match Gate::shut_by(refusal.code) {
        Some(gate) if gate.is_decided_here() => {
            (StepState::Ok, "vouched for the person".to_owned())
        }
        _ => (StepState::Warn, refusal.to_string()),
    }
}

/// What hangs on the claims: known from what the provider last said, or not before the person comes.
fn of_claims(provider: &Provider, door: &Door, gates: &mut Gates) {
    let settings = &provider.settings;
    let claim = &settings.address_claim;
    let Some(kept) = &door.kept else {
        let words = format!("read from the claim {claim} when the person comes");
        gates.add(Gate::AddressClaim, StepState::Note, words);
        let words = policy(settings.email_trust);
        gates.add(Gate::AddressVerified, StepState::Note, words);
        let words = rules(settings.rules.len(), settings.everyone_else);
        gates.add(Gate::RuleMatch, StepState::Note, words);
        return;
    };
    let at = Some(kept.at);
    let (state, words) = match provision::claimed_address(provider, &kept.claims) {
        Ok(address) => (StepState::Ok, format!("{claim} is {address}")),
        Err(refusal) => (StepState::Warn, refusal.admin()),
    };
    gates.add_at(Gate::AddressClaim, state, words, at);
    let said = kept.claims.get("email_verified");
    let said = said.map_or_else(|| "absent".to_owned(), brief);
    let words = if kept.linked {
        format!("email_verified is {said}; not asked of a person who is linked")
    } else {
        format!("email_verified is {said}; {}", policy(settings.email_trust))
    };
    gates.add_at(Gate::AddressVerified, StepState::Ok, words, at);
    let words: Vec<_> = kept
        .rules
        .iter()
        .map(|step| step.evidence.as_str())
        .collect();
    let words = if words.is_empty() {
        rules(settings.rules.len(), settings.everyone_else)
    } else {
        words.join("; ")
    };
    gates.add_at(Gate::RuleMatch, StepState::Ok, words, at);
}

fn of_place(place: &Place, door: Option<&Door>, gates: &mut Gates) {
    let Some((domain, used)) = &place.domain else {
        return;
    };
    let words = format!("{} is served and {}", domain.name, switched(domain.active));
    gates.add(Gate::Domain, state(domain.active), words);
    if let Some(provider) = door.and_then(|door| door.provider.as_ref()) {
        let elsewhere = domain.provider.is_some_and(|bound| bound != provider.id);
        let may = provider.settings.domains.contains(&domain.id) && !elsewhere;
        let name = &provider.settings.name;
        let words = match (elsewhere, may) {
            (true, _) => format!("{} is bound to another provider than {name}", domain.name),
            (false, true) => format!("{name} may sign in people of {}", domain.name),
            (false, false) => format!("{name} may not sign in people of {}", domain.name),
        };
        gates.add(Gate::DomainOfProvider, state(may), words);
    }
    let way = match door.map(|door| (door, &door.outcome)) {
        Some((door, Ok((state, words)))) => Some((*state, format!("{}: {words}", door.name()))),
        _ => None,
    };
    match &place.holder {
        Holder::Mailbox { mailbox, .. } => {
            let words = format!("{} exists", mailbox.address);
            gates.add(Gate::Mailbox, StepState::Ok, words);
            let active = mailbox.active;
            gates.add(Gate::MailboxActive, state(active), switched(active));
            let (state, words) = way.unwrap_or_else(|| (StepState::Ok, String::new()));
            let methods = mailbox.methods.label();
            let words = match words.as_str() {
                "" => methods.to_owned(),
                words => format!("{methods}; {words}"),
            };
            gates.add(Gate::SignInMethod, state, words);
        }
        Holder::Alias(_) => gates.add(Gate::Mailbox, StepState::Warn, "an alias stands here"),
        Holder::Nobody => {
            let words = format!("does not exist yet; {}", room(domain, *used));
            gates.add(Gate::Mailbox, StepState::Ok, words);
            let words = "set by the template when the mailbox is made";
            gates.add(Gate::MailboxActive, StepState::Note, words);
            if let Some((state, words)) = way {
                gates.add(Gate::SignInMethod, state, words);
            }
        }
    }
}

fn policy(trust: EmailTrust) -> &'static str {
    match trust {
        EmailTrust::RequireTrue => "it must be true",
        EmailTrust::AcceptAbsent => "absent is accepted, false is not",
        EmailTrust::Believe => "every address of this provider is believed",
    }
}

fn rules(count: usize, everyone_else: EveryoneElse) -> String {
    let rest = match everyone_else {
        EveryoneElse::Refuse => "everyone else is refused",
        EveryoneElse::Template(_) => "everyone else gets a template",
    };
    format!("{}; {rest}", counted(count, "rule", "rules"))
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

/// How many mailboxes a domain has, and may have; 0 is no limit.
fn mailboxes(have: i64, limit: i64) -> String {
    if limit == 0 {
        let have = usize::try_from(have).unwrap_or_default();
        format!("{} (no limit)", counted(have, "mailbox", "mailboxes"))
    } else {
        format!("{have} of {limit} mailboxes")
    }
}

/// A time in round words.
fn long(time: Duration) -> String {
    let secs = usize::try_from(time.as_secs()).unwrap_or(usize::MAX);
    match secs {
        0..120 => counted(secs, "second", "seconds"),
        120..7200 => counted(secs / 60, "minute", "minutes"),
        7200..172_800 => counted(secs / 3600, "hour", "hours"),
        _ => counted(secs / 86_400, "day", "days"),
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
        for (secs, words) in [
            (1, "1 second"),
            (120, "2 minutes"),
            (7200, "2 hours"),
            (604_800, "7 days"),
        ] {
            assert_eq!(long(Duration::from_secs(secs)), words);
        }
    }
}
