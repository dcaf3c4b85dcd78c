//! Attempts: what happened when somebody tried to sign in (design decision 21).

use crate::ids::{AttemptId, MailboxId, ProviderId};
use crate::outcome::{Code, Refusal};
use crate::protocol::Protocol;
use crate::random::{self, Random};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A short name of an attempt that can be read over the phone: `7K4Q-M2XD`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reference(String);

/// Crockford's base 32: no I, L, O, U.
const REFERENCE_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl Reference {
    /// A fresh reference of 40 random bits: unique enough to be found, useless as a secret.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        let chars = random::bytes::<8>(random)
            .map(|byte| char::from(REFERENCE_ALPHABET[usize::from(byte & 31)]));
        let (left, right) = chars.split_at(4);
        Self(left.iter().chain(['-'].iter()).chain(right).collect())
    }

    /// Reads a reference as typed or spoken: case, hyphen and spaces do not count; I and L are 1,
    /// O is 0.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > 40 {
            return None;
        }
        let chars: String = typed
            .chars()
            .filter(|c| !matches!(c, ' ' | '-'))
            .map(|c| match c.to_ascii_uppercase() {
                'I' | 'L' => '1',
                'O' => '0',
                c => c,
            })
            .collect();
        let fits = chars.len() == 8 && chars.bytes().all(|b| REFERENCE_ALPHABET.contains(&b));
        fits.then(|| Self(format!("{}-{}", &chars[..4], &chars[4..])))
    }

    /// The text with its hyphen.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Through which door an attempt came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// By a provider, on the web.
    Provider,
    /// By a local password, on the web.
    Local,
    /// By a mail program.
    Mail(Protocol),
}

/// One recorded attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its id; `AttemptId(0)` before it is stored.
    pub id: AttemptId,
    /// Its reference.
    pub reference: Reference,
    /// When it ended.
    pub at: Timestamp,
    /// Through which door.
    pub door: Door,
    /// By which provider.
    pub provider: Option<ProviderId>,
    /// The mailbox it led to, when that became known.
    pub mailbox: Option<MailboxId>,
    /// The address it was about, canonical where it parsed, else as far as it can be shown.
    pub address: Option<String>,
    /// From where.
    pub ip: Option<IpAddr>,
    /// The browser's own words, cut to 200 characters.
    pub user_agent: String,
    /// Why it was refused, or `None` when it succeeded.
    pub refusal: Option<Refusal>,
    /// A code to notice although it succeeded (SSO-412).
    pub notice: Option<Code>,
    /// What was done and found, in order.
    pub trace: Trace,
    /// How many like attempts this row stands for: mail attempts are aggregated by the minute.
    pub count: i64,
}

impl Attempt {
    /// Whether the provider's certificate was not checked: somebody in between may have answered.
    #[must_use]
    pub fn ignored_tls(&self) -> bool {
        self.trace
            .steps
            .iter()
            .any(|step| step.gate == Trace::IGNORED_TLS)
    }
}

/// What was done and found, in order: the reasons behind a decision.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Trace {
    /// The steps.
    pub steps: Vec<Step>,
    /// Each claim received: name, value, and whether it came from the ID token or userinfo.
    pub claims: Vec<SeenClaim>,
}

impl Trace {
    /// The gate that is noted when the provider's certificate is not checked.
    pub const IGNORED_TLS: &'static str = "certificate";

    /// Adds a step.
    pub fn push(&mut self, gate: &'static str, state: StepState, evidence: impl Into<String>) {
        self.steps.push(Step {
            gate: gate.to_owned(),
            state,
            evidence: evidence.into(),
            took_ms: None,
        });
    }

    /// Adds a step that took a while.
    pub fn push_timed(
        &mut self,
        gate: &'static str,
        state: StepState,
        evidence: impl Into<String>,
        took_ms: u64,
    ) {
        self.push(gate, state, evidence);
        if let Some(step) = self.steps.last_mut() {
            step.took_ms = Some(took_ms);
        }
    }
}

/// One step of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which gate was passed or shut: "domain known", "rule match".
    pub gate: String,
    /// How it stood.
    pub state: StepState,
    /// What was seen, for administrators.
    pub evidence: String,
    /// How long it took, in milliseconds, where somebody else was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
}

/// How a gate stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Open.
    Ok,
    /// Shut: here the attempt ended.
    Blocked,
    /// Open, with something to look at.
    Warn,
    /// Looked at, and it decided nothing: a rule that did not match.
    Note,
    /// Not looked at, because an earlier gate was shut.
    NotReached,
}

/// A claim as it was received, as far as it can be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenClaim {
    /// Its name, cut to 100 characters.
    pub name: String,
    /// Its text, or its value as JSON text: cut to 120 characters, as
    /// [`brief`](crate::rules::mapping::brief) does.
    pub value: String,
    /// `id_token` or `userinfo`.
    pub origin: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;
    impl Random for Counting {
        fn fill(&self, out: &mut [u8]) {
            for (n, byte) in out.iter_mut().enumerate() {
                *byte = u8::try_from(n * 37 % 256).unwrap();
            }
        }
    }

    #[test]
    fn a_reference_survives_the_phone() {
        let reference = Reference::generate(&Counting);
        let spoken = reference.as_str().replace('-', " ").to_lowercase();
        assert_eq!(Reference::parse(&spoken), Some(reference));
        assert_eq!(Reference::parse("7k4q m2xd").unwrap().as_str(), "7K4Q-M2XD");
        assert_eq!(Reference::parse("Oi4q-m2xd").unwrap().as_str(), "014Q-M2XD");
        for bad in ["", "7K4Q", "7K4Q-M2XU", "7K4Q-M2XD-9", "7K4Q-M2X\u{e4}"] {
            assert_eq!(Reference::parse(bad), None, "{bad}");
        }
    }
}
