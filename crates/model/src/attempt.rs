//! Attempts: what happened when somebody tried to sign in (design decision 21).

use crate::foreign::printable;
use crate::ids::{AttemptId, MailboxId, OauthAppId, ProviderId};
use crate::link::Namespace;
use crate::outcome::{Code, Refusal};
use crate::protocol::Protocol;
use crate::random::{self, Random};
use crate::rules::mapping::{Claims, brief};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
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
    /// By an app that asks for a person, or shows what it was given.
    App,
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
    /// The app it was for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<OauthAppId>,
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
    /// Who came, once that was proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<SeenIdentity>,
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
            ms: None,
            at: None,
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

    /// The claims as they were received, for another decision on them, and the names of those that
    /// were too large to be kept whole.
    #[must_use]
    pub fn kept_claims(&self) -> (Claims, Vec<String>) {
        let mut cut = Vec::new();
        let mut claims = Claims::new();
        for claim in &self.claims {
            match (&claim.exact, claim.cut) {
                (_, true) => cut.push(claim.name.clone()),
                (Some(value), false) => {
                    claims.insert(claim.name.clone(), value.clone());
                }
                (None, false) => {
                    claims.insert(claim.name.clone(), Value::String(claim.value.clone()));
                }
            }
        }
        (claims, cut)
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
    /// When it was over, in milliseconds since the attempt began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// When what it tells of was seen, if that was another time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// A proven identity, as the provider names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenIdentity {
    /// Where the subject is unique.
    pub namespace: Namespace,
    /// The person's stable name there.
    pub subject: String,
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
    /// [`brief`] does.
    pub value: String,
    /// `id_token` or `userinfo`.
    pub origin: String,
    /// The value itself, where `value` does not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact: Option<Value>,
    /// The value was too large to be kept whole.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

/// Largest value kept whole, in bytes of JSON: some hundred groups.
const LARGEST: usize = 8 * 1024;

impl SeenClaim {
    /// A claim as it was received; `left` is how many bytes may still be kept of this attempt's
    /// claims together, and is used up.
    #[must_use]
    pub fn of(name: &str, value: &Value, origin: &str, left: &mut usize) -> Self {
        let (shown, mut exact, mut cut) = (brief(value), None, false);
        let tells = value.as_str() == Some(shown.as_str()) && !shown.ends_with('…');
        if !tells {
            let size = value.to_string().len();
            if size <= LARGEST.min(*left) {
                *left -= size;
                exact = Some(value.clone());
            } else {
                cut = true;
            }
        }
        Self {
            name: printable(name, 100),
            value: shown,
            origin: origin.to_owned(),
            exact,
            cut,
        }
    }
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
    fn claims_come_back_as_they_were_or_are_told_to_be_cut() {
        let large = "x".repeat(LARGEST);
        let sent = serde_json::json!({
            "email": "a@example.org",
            "email_verified": true,
            "said": "true",
            "groups": ["staff", "all of the third floor"],
            "long": "y".repeat(200),
            "ends": "as if cut…",
            "large": large,
        });
        let sent = sent.as_object().unwrap();
        let mut left = 4096;
        let claims = sent
            .iter()
            .map(|(name, value)| SeenClaim::of(name, value, "userinfo", &mut left))
            .collect();
        let trace = Trace {
            claims,
            ..Trace::default()
        };
        // Over the disk and back.
        let text = serde_json::to_string(&trace).unwrap();
        let trace: Trace = serde_json::from_str(&text).unwrap();
        let (kept, cut) = trace.kept_claims();
        assert_eq!(cut, ["large"]);
        for (name, value) in &kept {
            assert_eq!(value, &sent[name], "{name}");
        }
        assert_eq!(kept.len(), sent.len() - 1);
        // All of them together are bounded too.
        let mut left = 10;
        let many = SeenClaim::of("groups", &sent["groups"], "userinfo", &mut left);
        assert!(many.cut && many.exact.is_none());
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
