//! Why somebody can or cannot sign in: the gates in order, and the last attempts.

mod doors;
mod evidence;
mod reach;

pub(crate) use evidence::room;
pub use reach::Reached;

use crate::{App, Problem};
use doors::Walked;
use model::address::Address;
use model::attempt::{Attempt, Reference, Step, Trace};
use model::domain::GIB;
use model::outcome::{APP_ID, Code, Fix, Refusal, Remedy};
use model::rules::gates::{self, Gate};
use model::rules::privacy::{self, Viewer};
use model::rules::provision::{self, Holder};
use model::time::Timestamp;
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
    /// The slug of the provider by which the person most likely comes.
    pub provider: Option<String>,
    /// The gates of that way in, in order: `model::rules::gates`.
    pub gates: Vec<Step>,
    /// Other ways in, each with how it stands.
    pub others: Vec<Step>,
    /// The last attempts of this address, newest first, at most 10.
    pub attempts: Vec<Attempt>,
    /// The attempt whose reference was asked for.
    #[serde(default)]
    pub asked: Option<Asked>,
}

/// One attempt, as it was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Asked {
    /// The attempt.
    pub attempt: Attempt,
    /// Where what it met is mended, and the command that mends it; `None` if it succeeded.
    pub fix: Option<(Fix, String)>,
}

/// Some words could be either to the eye, so both forms are shown.
const FORMS: &str = "an address looks like alice@example.org, a reference like 7K4Q-M2XD";

/// Attempts shown with an explanation.
const ATTEMPTS: usize = 10;
/// Attempts looked at for it.
const LOOKED_AT: u32 = 60;

impl App {
    /// Explains an address, or an attempt by its reference and the address that it was about, if it
    /// got as far as one: then the address of the explanation is empty. A text that is neither is a
    /// problem of the field `who`. Asks nobody outside: see [`App::reach`].
    pub async fn explain(&self, who: &str) -> Result<Explanation, Problem> {
        let private = self.private_claims().await?;
        let mut read = self.store.read()?;
        let mut asked = None;
        let address = match Reference::parse(who) {
            Some(reference) => {
                let attempt = store::attempts::by_reference(&mut read, &reference).await?;
                let unknown = || Problem::NotFound(format!("attempt {reference}; {FORMS}"));
                let attempt = attempt.ok_or_else(unknown)?;
                let named = attempt.address.as_deref();
                let address = named.and_then(|address| Address::parse(address).ok());
                let (found, slug) =
                    asked_for(&mut read, attempt, address.as_ref(), &private).await?;
                match address {
                    None => return Ok(of_nobody(found, slug)),
                    Some(address) => {
                        asked = Some(found);
                        address
                    }
                }
            }
            None if !who.contains('@') => return Err(Problem::field("who", FORMS)),
            None => Address::parse(who.trim()).map_err(|error| Problem::field("who", error))?,
        };
        let attempts = store::attempts::of_address(&mut read, address.as_str(), LOOKED_AT).await?;
        let walked = self.walk(&mut read, &address, &attempts).await?;
        Ok(Explanation {
            asked,
            ..conclude(&address, walked, attempts, &private)
        })
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

/// What an attempt met, and where that is mended; with the slug of its provider.
async fn asked_for(
    read: &mut Conn,
    attempt: Attempt,
    address: Option<&Address>,
    private: &[String],
) -> Result<(Asked, Option<String>), Problem> {
    let provider = match attempt.provider {
        Some(id) => store::providers::by_id(read, id).await?,
        None => None,
    };
    let slug = provider.map(|provider| provider.slug);
    let attempt = crate::privacy::masked(attempt, private);
    let fix = attempt.refusal.as_ref().and_then(|refusal| {
        let fix = refusal.code.entry().fix;
        let command = match address {
            Some(address) => command(address, refusal),
            None if fix == Fix::App => app_command(refusal),
            None => command_apart(fix, "SLUG")?,
        };
        let command = match &slug {
            Some(slug) => command.replace("SLUG", slug),
            // Of a provider that is gone, or never was.
            None if command.contains("SLUG") => "gatepost provider list".to_owned(),
            None => command,
        };
        Some((fix, command))
    });
    Ok((Asked { attempt, fix }, slug))
}

/// An attempt that ended before anybody was named.
fn of_nobody(asked: Asked, provider: Option<String>) -> Explanation {
    let refusal = asked.attempt.refusal.clone();
    let why = refusal.as_ref().map(Refusal::admin).unwrap_or_default();
    Explanation {
        address: String::new(),
        verdict: Verdict::CouldNotTell,
        sentence: format!("The attempt ended before anybody was named. {why}"),
        blocked: refusal,
        fix: asked.fix.clone(),
        provider,
        gates: Vec::new(),
        others: Vec::new(),
        attempts: vec![asked.attempt.clone()],
        asked: Some(asked),
    }
}

/// The verdict: what stands in the way now; else what the last attempt met, if it was refused at a
/// gate that cannot be looked at from here.
fn conclude(
    address: &Address,
    walked: Walked,
    mut attempts: Vec<Attempt>,
    private: &[String],
) -> Explanation {
    let Walked {
        provider,
        seen,
        mut refusal,
        others,
        by_claims,
    } = walked;
    let mut gates = gates::arrange(seen, refusal.as_ref());
    let count = gates.len();
    gates.extend(others);
    // A decision on the claims of an attempt quotes them, and is as private as they are.
    let claims = attempts
        .iter()
        .flat_map(|attempt| attempt.trace.claims.clone());
    let mut quoted = Trace {
        claims: claims.collect(),
        steps: gates,
        identity: None,
    };
    privacy::hide(
        Viewer::Administrator,
        private,
        &mut quoted,
        refusal.as_mut(),
    );
    let mut gates = quoted.steps;
    let others = gates.split_off(count);
    attempts.truncate(ATTEMPTS);
    let attempts: Vec<_> = attempts
        .into_iter()
        .map(|attempt| crate::privacy::masked(attempt, private))
        .collect();
    let last = attempts.first();
    let last_refusal = last
        .and_then(|attempt| Some((attempt.at, attempt.refusal.clone()?)))
        .filter(|(_, refusal)| {
            refusal.code != Code::TooManyTries && refusal.code != Code::MailThrottled
        });
    let (verdict, refusal, sentence) = match (refusal, last_refusal) {
        (Some(refusal), _) => {
            let sentence = format!("{address} cannot sign in now. {}", refusal.admin());
            (Verdict::BlockedNow, Some(refusal), sentence)
        }
        (None, Some((at, last))) if mended(&last, by_claims, at) => {
            let sentence = format!(
                "{address} would get in now. The last attempt was refused ({}), and what it met \
                 has been mended since.",
                last.code
            );
            (Verdict::WouldWorkNow, None, sentence)
        }
        (None, Some((_, refusal))) => {
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
    let slug = provider.clone();
    let fix = refusal.as_ref().map(|refusal| {
        let command = command(address, refusal);
        let command = match &slug {
            Some(slug) => command.replace("SLUG", slug),
            None => command,
        };
        (refusal.code.entry().fix, command)
    });
    Explanation {
        address: address.to_string(),
        verdict,
        sentence,
        blocked: refusal,
        fix,
        provider,
        gates,
        others,
        attempts,
        asked: None,
    }
}

/// Whether the claims that were refused at `at` were decided about again, and passed.
fn mended(last: &Refusal, by_claims: Option<Timestamp>, at: Timestamp) -> bool {
    Gate::shut_by(last.code).is_some_and(Gate::is_decided_here) && by_claims == Some(at)
}

/// The command that mends a refusal which met `address`.
#[must_use]
pub fn command(address: &Address, refusal: &Refusal) -> String {
    let domain = address.domain();
    let edit =
        |flag: &str, value: String| format!("gatepost domain edit {domain} --{flag} {value}");
    // Sizes are whole GiB here.
    let gib = |bytes: i64| format!("{}G", bytes / GIB);
    match refusal.remedy() {
        Some(Remedy::Mailboxes(most)) => return edit("max-mailboxes", most.to_string()),
        Some(Remedy::DomainQuota(bytes)) => return edit("domain-quota", gib(bytes)),
        Some(Remedy::LargestQuota(bytes)) => return edit("max-quota", gib(bytes)),
        _ => {}
    }
    match (refusal.code, refusal.code.entry().fix) {
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
        (_, Fix::Block) => {
            // By the mailbox the person had, whatever they are called now.
            let had = refusal.facts.get("address");
            let who = had.map_or(address.as_str(), String::as_str);
            format!("gatepost mailbox unblock {who}")
        }
        (_, Fix::App) => app_command(refusal),
        (_, Fix::Alias) => format!("gatepost alias show {address}"),
        (
            _,
            fix @ (Fix::Provider | Fix::ProviderCheck | Fix::Rules | Fix::Person | Fix::Server),
        ) => command_apart(fix, "SLUG").unwrap_or_default(),
    }
}

/// The command that shows the app a refusal is about; all of them where it names none.
fn app_command(refusal: &Refusal) -> String {
    match refusal.facts.get(APP_ID) {
        Some(id) => format!("gatepost app show {id}"),
        None => "gatepost app list".to_owned(),
    }
}

/// The command for what is mended apart from any address.
#[must_use]
pub fn command_apart(fix: Fix, slug: &str) -> Option<String> {
    Some(match fix {
        Fix::Provider | Fix::ProviderCheck => format!("gatepost provider check {slug}"),
        Fix::Rules => format!("gatepost rule list {slug}"),
        Fix::Person => "nothing to change here: the person can do it".to_owned(),
        Fix::Server => "gatepost doctor".to_owned(),
        _ => return None,
    })
}
