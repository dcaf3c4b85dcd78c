//! What other rules would change for a person who is linked already, at the next sign-in.

use crate::attempt::Trace;
use crate::domain::{DomainUse, MailDomain};
use crate::ids::TemplateId;
use crate::link::Link;
use crate::mailbox::Mailbox;
use crate::outcome::Refusal;
use crate::provider::Provider;
use crate::rules::fields::{self, FieldLine};
use crate::rules::mapping::{Claims, first_match};
use crate::rules::provision::{self, Facts, Verdict};
use crate::template::Template;
use crate::time::Timestamp;

/// Two states of a provider's rules.
#[derive(Debug)]
pub struct Change<'a> {
    /// Now.
    pub now: Timestamp,
    /// The provider as it is.
    pub before: &'a Provider,
    /// The provider with the rules to judge; the same in everything else.
    pub after: &'a Provider,
    /// All templates.
    pub templates: &'a [Template],
}

/// What the other rules change for one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Nothing; the person may be refused either way.
    Unchanged,
    /// No rule matches any more. The mailbox keeps what it has and follows no template: "everyone
    /// else" is for new mailboxes only.
    Unmatched,
    /// Another template decides.
    Changed(Box<Changed>),
    /// The person gets in now and would be refused.
    Refused(Box<Refusal>),
    /// The claims of the last sign-in are not known, or not all that the rules ask for.
    Unknown,
}

/// Another template decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The template that decides.
    pub template: TemplateId,
    /// All fields: what they are, what they become, what the template says.
    pub fields: Vec<FieldLine>,
    /// The template does not fit: what becomes of the mailbox meanwhile, and why.
    pub not_applied: Option<String>,
    /// The mailbox afterwards.
    pub after: Mailbox,
}

/// A linked person: the link, the mailbox, its domain and what the domain's mailboxes take.
pub type Linked = (Link, Mailbox, MailDomain, DomainUse);

/// The claims a person came with last.
#[derive(Debug, Clone, Copy)]
pub struct LastClaims<'a> {
    /// The claims.
    pub claims: &'a Claims,
    /// Names of claims that were too large to be kept, or only [`EVERYTHING`].
    pub left_out: &'a [String],
}

/// Stands for all names where too many claims were left out to name them. No claim that a rule can
/// sensibly ask for has this name.
pub const EVERYTHING: &str = "*";

/// Judges one person by both states of the rules.
#[must_use]
pub fn effect(change: &Change<'_>, person: &Linked, last: Option<LastClaims<'_>>) -> Effect {
    let rules = &change.after.settings.rules;
    let decides = last.and_then(|last| first_match(rules, last.claims));
    effect_where(change, person, last, decides)
}

/// The same where it is known already which of the other rules decides, by its position.
#[must_use]
pub fn effect_where(
    change: &Change<'_>,
    person: &Linked,
    last: Option<LastClaims<'_>>,
    decides: Option<usize>,
) -> Effect {
    let Some(last) = last else {
        return Effect::Unknown;
    };
    let (before, after) = (change.before, change.after);
    let unsure = |provider: &Provider| asks_for(provider, last.left_out);
    if unsure(before) || unsure(after) {
        return Effect::Unknown;
    }
    let template = |provider: &Provider, at: Option<usize>| {
        let rule = at.and_then(|at| provider.settings.rules.get(at));
        rule.map(|rule| rule.template)
    };
    let was = template(before, first_match(&before.settings.rules, last.claims));
    let becomes = template(after, decides);
    if was == becomes {
        return Effect::Unchanged;
    }
    let Some(becomes) = becomes else {
        return Effect::Unmatched;
    };
    match decide(change, after, person, last.claims) {
        Verdict::SignIn { changes, .. } => {
            let (_, mailbox, domain, _) = person;
            if changes.is_empty() && changes.refused.is_none() {
                return Effect::Unchanged;
            }
            let Some(template) = change.templates.iter().find(|t| t.id == becomes) else {
                return Effect::Unchanged;
            };
            let mailbox_after = changes.applied(mailbox);
            Effect::Changed(Box::new(Changed {
                template: becomes,
                fields: fields::lines(mailbox, &mailbox_after, template, &domain.limits),
                not_applied: changes.not_applied(),
                after: mailbox_after,
            }))
        }
        Verdict::Refuse(refusal) | Verdict::SwitchOff { refusal, .. } => {
            match decide(change, before, person, last.claims) {
                Verdict::SignIn { .. } => Effect::Refused(Box::new(refusal)),
                _ => Effect::Unchanged,
            }
        }
        // Only people without a link meet these.
        Verdict::Link { .. } | Verdict::Create(_) | Verdict::ProveLocal { .. } => Effect::Unchanged,
    }
}

fn decide(change: &Change<'_>, provider: &Provider, person: &Linked, claims: &Claims) -> Verdict {
    let facts = Facts {
        now: change.now,
        provider,
        provider_domains: &[],
        bound: None,
        namespace: &person.0.namespace,
        subject: &person.0.subject,
        claims,
        linked: Some(person),
        place: None,
        templates: change.templates,
        relinks: &[],
        // Refused by any rules: they change nothing.
        blocked: None,
    };
    provision::decide(&facts, &mut Trace::default())
}

/// Whether a rule asks for a claim, or a part of one, that was left out.
fn asks_for(provider: &Provider, left_out: &[String]) -> bool {
    let mut rules = provider.settings.rules.iter();
    let within = |claim: &str, name: &String| {
        let part = claim
            .strip_prefix(name.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        part || name == EVERYTHING
    };
    !left_out.is_empty() && rules.any(|rule| left_out.iter().any(|name| within(&rule.claim, name)))
}

#[cfg(test)]
mod tests;
