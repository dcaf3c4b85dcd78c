//! From what a test sign-in found to what its page shows.

use super::{Found, KEPT_FOR, TestClaim, TestId, TestIdentity, TestMailbox, TestRoom, TestSignIn};
use crate::explain::{command, command_apart, room};
use crate::provider_calls::Identity;
use crate::sign_in::Known;
use model::address::Address;
use model::attempt::{Step, StepState, Trace};
use model::foreign::printable;
use model::mailbox::{Mailbox, NewMailbox};
use model::outcome::{Code, Refusal};
use model::provider::Provider;
use model::rules::difference;
use model::rules::outcomes::outcomes;
use model::rules::provision::{self, Changes, Verdict};
use model::time::Timestamp;
use serde_json::Value;

/// Most claims kept.
const MOST_CLAIMS: usize = 200;
/// Most bytes of a claim's JSON text.
const MOST_OF_ONE: usize = 4096;
/// Most bytes of all claims together.
const MOST_OF_ALL: usize = 64 * 1024;

/// Somebody who came back from the provider, with the verdict on them.
pub(crate) struct Came {
    pub(crate) identity: Identity,
    pub(crate) known: Known,
    pub(crate) verdict: Verdict,
}

/// When, and by which administrator.
pub(crate) struct Ran {
    pub(crate) id: TestId,
    pub(crate) at: Timestamp,
    pub(crate) by: String,
}

/// What became of somebody.
struct Judged {
    passed: bool,
    sentence: String,
    mailbox: TestMailbox,
    refusal: Option<Refusal>,
    notice: Option<Refusal>,
}

impl TestSignIn {
    /// Of somebody whom the provider vouched for.
    pub(crate) fn of(ran: Ran, provider: &Provider, steps: Vec<Step>, came: &Came) -> Self {
        let Came {
            identity,
            known,
            verdict,
        } = came;
        let address = provision::claimed_address(provider, &identity.claims).ok();
        let name = identity.claims.get("name").and_then(Value::as_str);
        let judged = judged(known, identity, verdict);
        let steps = with_outcome(steps, &judged);
        let settings = &provider.settings;
        let found = Found {
            identity: Some(TestIdentity {
                subject: printable(&identity.subject, 255),
                namespace: identity.namespace.to_string(),
                address: address.as_ref().map(ToString::to_string),
                name: name.map(|name| printable(name, 200)),
                scopes_granted: identity.scopes.clone(),
                proof: identity.evidence.clone(),
            }),
            claims: claims(identity),
            rules: outcomes(
                &settings.rules,
                settings.everyone_else,
                &identity.claims,
                &known.templates,
            ),
            mailbox: judged.mailbox,
            room: room_of(known, verdict),
            ..Found::nothing(provider, steps)
        };
        Self {
            passed: judged.passed,
            sentence: judged.sentence,
            notice: judged.notice,
            ..Self::without(ran, found).refused(judged.refusal, provider, address)
        }
    }

    /// Of a test that ended before anybody was proven.
    pub(crate) fn nobody(
        ran: Ran,
        provider: &Provider,
        steps: Vec<Step>,
        refusal: Refusal,
    ) -> Self {
        let sentence = refused_sentence(&refusal);
        let found = Found::nothing(provider, steps);
        Self {
            sentence,
            ..Self::without(ran, found).refused(Some(refusal), provider, None)
        }
    }

    fn without(ran: Ran, found: Found) -> Self {
        Self {
            id: ran.id,
            at: ran.at,
            ends: ran.at.plus(KEPT_FOR),
            by: ran.by,
            passed: false,
            sentence: String::new(),
            refusal: None,
            notice: None,
            found,
        }
    }

    fn refused(
        mut self,
        refusal: Option<Refusal>,
        provider: &Provider,
        address: Option<Address>,
    ) -> Self {
        self.found.fix = refusal
            .as_ref()
            .and_then(|refusal| fix(refusal, provider, address));
        self.refusal = refusal;
        self
    }
}

impl Found {
    /// As long as nobody is proven.
    fn nothing(provider: &Provider, steps: Vec<Step>) -> Self {
        Self {
            fix: None,
            scopes_asked: provider.settings.scopes.clone(),
            identity: None,
            claims: Vec::new(),
            rules: Vec::new(),
            mailbox: nothing(),
            room: None,
            steps,
        }
    }
}

/// The verdict itself notes only why it refuses.
fn with_outcome(mut steps: Vec<Step>, judged: &Judged) -> Vec<Step> {
    let mut last = Trace::default();
    match &judged.refusal {
        _ if steps.last().is_some_and(|step| step.gate == "outcome") => {}
        Some(refusal) => last.push("outcome", StepState::Blocked, refusal.to_string()),
        None => last.push("outcome", StepState::Ok, "would be signed in"),
    }
    steps.append(&mut last.steps);
    steps
}

fn refused_sentence(refusal: &Refusal) -> String {
    format!("The sign-in would be refused ({}).", refusal.code)
}

fn nothing() -> TestMailbox {
    TestMailbox {
        sentence: "No mailbox would be made or changed.".to_owned(),
        fields: Vec::new(),
    }
}

/// The command that mends it, where it can be named in full.
fn fix(refusal: &Refusal, provider: &Provider, address: Option<Address>) -> Option<String> {
    let apart = command_apart(refusal.code.entry().fix, &provider.slug);
    apart.or_else(|| Some(command(&address?, refusal).replace("SLUG", &provider.slug)))
}

fn judged(known: &Known, identity: &Identity, verdict: &Verdict) -> Judged {
    let passed = |sentence: String, mailbox: TestMailbox, notice: Option<Refusal>| Judged {
        passed: true,
        sentence,
        mailbox,
        refusal: None,
        notice,
    };
    let refused = |refusal: &Refusal, mailbox: TestMailbox| Judged {
        passed: false,
        sentence: refused_sentence(refusal),
        mailbox,
        refusal: Some(refusal.clone()),
        notice: None,
    };
    match verdict {
        Verdict::SignIn { changes, renamed } => {
            let mailbox = known.linked.as_ref().map(|(_, mailbox, ..)| mailbox);
            let Some(mailbox) = mailbox else {
                return passed(String::new(), nothing(), None);
            };
            let notice = renamed.as_ref().map(|(claimed, address)| {
                Refusal::new(Code::AddressChanged)
                    .with("claimed", claimed)
                    .with("address", address)
            });
            let sentence = format!("They would be signed in to {}.", mailbox.address);
            let words = changed_words("It", changes);
            passed(sentence, changed(known, mailbox, changes, words), notice)
        }
        Verdict::Link {
            mailbox,
            changes,
            relink,
            ..
        } => {
            let sentence = match relink {
                None => format!(
                    "{} waits for them: it would be linked to them, and they would be signed in.",
                    mailbox.address
                ),
                Some(campaign) => format!(
                    "Relink campaign {campaign} would take {} over for them, and they would be \
                     signed in.",
                    mailbox.address
                ),
            };
            let words = format!(
                "It would be linked to {} at {}, and to nobody else any more. {}",
                printable(&identity.subject, 255),
                identity.namespace,
                changed_words("Else it", changes),
            );
            passed(sentence, changed(known, mailbox, changes, words), None)
        }
        Verdict::Create(new) if new.active => {
            let sentence = format!(
                "The mailbox {} would be made, and they would be signed in to it.",
                new.address
            );
            passed(sentence, made(known, new), None)
        }
        Verdict::Create(new) => refused(&provision::made_inactive(&new.address), made(known, new)),
        Verdict::ProveLocal { mailbox, refusal } => {
            let sentence = format!(
                "{} is linked to nobody yet: they would be signed in to it once they type its \
                 local password.",
                mailbox.address
            );
            let words = "It would be linked to them by that password, once.".to_owned();
            let kept = changed(known, mailbox, &Changes::default(), words);
            passed(sentence, kept, Some(refusal.clone()))
        }
        Verdict::SwitchOff { changes, refusal } => {
            let mailbox = known.linked.as_ref().map(|(_, mailbox, ..)| mailbox);
            let words = "Its template would switch it off.".to_owned();
            let after = mailbox.map_or_else(nothing, |m| changed(known, m, changes, words));
            refused(refusal, after)
        }
        Verdict::Refuse(refusal) => refused(refusal, nothing()),
    }
}

fn changed_words(it: &str, changes: &Changes) -> String {
    match changes.not_applied() {
        Some(words) => format!("The template of {it} would not fit. {words}"),
        None if changes.is_empty() => format!("{it} would stay as it is."),
        None => format!("{it} would take what its template says."),
    }
}

fn changed(known: &Known, mailbox: &Mailbox, changes: &Changes, sentence: String) -> TestMailbox {
    TestMailbox {
        sentence,
        fields: difference::changed(mailbox, changes, &known.templates),
    }
}

fn made(known: &Known, new: &NewMailbox) -> TestMailbox {
    TestMailbox {
        sentence: "A new mailbox.".to_owned(),
        fields: difference::made(new, &known.templates),
    }
}

/// How full the domain is, and would be.
fn room_of(known: &Known, verdict: &Verdict) -> Option<TestRoom> {
    let (domain, used) = known.domain()?;
    let mut then = used;
    match verdict {
        Verdict::Create(new) => {
            then.mailboxes += 1;
            then.quota = then.quota.saturating_add(new.quota);
        }
        Verdict::SignIn { changes, .. } | Verdict::SwitchOff { changes, .. } => {
            let held = known.linked.as_ref().map_or(0, |(_, m, ..)| m.quota);
            then.quota += changes.quota.unwrap_or(held) - held;
        }
        Verdict::Link {
            mailbox, changes, ..
        } => then.quota += changes.quota.unwrap_or(mailbox.quota) - mailbox.quota,
        Verdict::ProveLocal { .. } | Verdict::Refuse(_) => {}
    }
    Some(TestRoom {
        domain: domain.name.to_string(),
        now: room(domain, used),
        then: (then != used).then(|| room(domain, then)),
    })
}

/// The claims, each whole as far as memory may be given to them.
fn claims(identity: &Identity) -> Vec<TestClaim> {
    let mut left = MOST_OF_ALL;
    let told = identity.told.iter().take(MOST_CLAIMS);
    told.map(|(name, claim)| {
        let text = match &claim.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let cut = text.len() > MOST_OF_ONE.min(left);
        let value = if cut {
            Value::String(printable(&text, 120))
        } else {
            left -= text.len();
            claim.value.clone()
        };
        TestClaim {
            name: printable(name, 100),
            value,
            origin: claim.origin.name().to_owned(),
            cut,
        }
    })
    .collect()
}
