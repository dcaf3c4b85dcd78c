//! What a sign-in at an address would lead to, as far as that can be told before anybody comes:
//! the gates of the sign-in itself, with the claims unknown.

use super::{
    Facts, Holder, Place, Verdict, at_place, blocked, domain_gates, domain_unknown, free_gates,
    relink, returning, room_for, switched_on, template_for,
};
use crate::address::{Address, DomainName};
use crate::attempt::Trace;
use crate::block::Block;
use crate::domain::{DomainUse, MailDomain};
use crate::ids::RelinkId;
use crate::link::{Link, PendingLink};
use crate::mailbox::Mailbox;
use crate::outcome::Refusal;
use crate::provider::{EveryoneElse, Provider};
use crate::relink::Relink;
use crate::rules::limits::size;
use crate::rules::mapping::{Claims, Mapped};
use crate::template::Template;
use crate::time::Timestamp;

/// What is known before anybody comes.
#[derive(Debug)]
pub struct Foresight<'a> {
    /// Now.
    pub now: Timestamp,
    /// The provider by which the person would come.
    pub provider: &'a Provider,
    /// As [`Facts::provider_domains`].
    pub provider_domains: &'a [DomainName],
    /// As [`Facts::bound`].
    pub bound: Option<&'a Provider>,
    /// The address the person would come with.
    pub address: &'a Address,
    /// What it is here.
    pub place: &'a Place,
    /// All templates.
    pub templates: &'a [Template],
    /// Relink campaigns to the provider.
    pub relinks: &'a [Relink],
    /// Blocks of people who are linked there, or had the mailbox of that address.
    pub blocks: &'a [Block],
}

/// Where a sign-in would lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreseen {
    /// The person linked there gets in.
    SignIn(Box<Link>),
    /// The mailbox waits for its person.
    Link(PendingLink),
    /// A relink campaign takes the mailbox over for who comes with its address verified.
    Relink(RelinkId),
    /// The person would have to prove the mailbox's local password.
    ProveLocal,
    /// A mailbox is made: the templates that would fit, in words.
    Create(String),
}

/// Asks the gates of a sign-in by one provider. Whoever comes is taken to be the person that the
/// mailbox is linked to there or waits for, with an address that is verified.
///
/// # Errors
/// What the sign-in would be refused with, whatever the claims are.
pub fn foresee(known: &Foresight<'_>, trace: &mut Trace) -> Result<Foreseen, Refusal> {
    switched_on(known.provider)?;
    let unknown = || domain_unknown(known.address);
    let (domain, used) = known.place.domain.as_ref().ok_or_else(unknown)?;
    let (link, waiting) = match &known.place.holder {
        Holder::Mailbox { links, pending, .. } => {
            let here = |link: &&Link| link.namespace == known.provider.namespace;
            (links.iter().find(here), pending.as_ref())
        }
        Holder::Nobody | Holder::Alias(_) => (None, None),
    };
    let expected = waiting.and_then(|pending| pending.expected_subject.as_deref());
    if let Some(block) = block_of(known, link, expected) {
        return Err(blocked(block));
    }
    let facts = Facts {
        now: known.now,
        provider: known.provider,
        provider_domains: known.provider_domains,
        bound: known.bound,
        namespace: &known.provider.namespace,
        subject: link
            .map(|link| link.subject.as_str())
            .or(expected)
            .unwrap_or("somebody else"),
        claims: &Claims::new(),
        linked: None,
        place: Some(known.place),
        templates: known.templates,
        relinks: &[],
        blocked: None,
    };
    let verdict = match (&known.place.holder, link) {
        (Holder::Nobody, _) => {
            domain_gates(&facts, domain, known.address, trace)?;
            free_gates(&facts, known.place, known.address)?;
            return created(&facts, domain, *used).map(Foreseen::Create);
        }
        (Holder::Mailbox { mailbox, .. }, Some(_)) => {
            returning(&facts, mailbox, domain, *used, trace)
        }
        (
            Holder::Mailbox {
                mailbox,
                links,
                pending,
            },
            None,
        ) => match taken_over(known, mailbox, links, pending.as_ref()) {
            Some(id) => {
                domain_gates(&facts, domain, known.address, trace)?;
                return Ok(Foreseen::Relink(id));
            }
            None => at_place(&facts, known.place, known.address.clone(), trace)?,
        },
        (Holder::Alias(_), _) => at_place(&facts, known.place, known.address.clone(), trace)?,
    };
    match (verdict, link, waiting) {
        (Verdict::Refuse(refusal) | Verdict::SwitchOff { refusal, .. }, ..) => Err(refusal),
        (Verdict::SignIn { .. }, Some(link), _) => Ok(Foreseen::SignIn(Box::new(link.clone()))),
        (Verdict::Link { .. }, _, Some(pending)) => Ok(Foreseen::Link(pending.clone())),
        _ => Ok(Foreseen::ProveLocal),
    }
}

/// The block of whoever would come: the linked person, or the one who is waited for. Where there is
/// no mailbox, whoever had one at the address.
fn block_of<'a>(
    known: &Foresight<'a>,
    link: Option<&Link>,
    expected: Option<&str>,
) -> Option<&'a Block> {
    let here = &known.provider.namespace;
    let nobody = matches!(known.place.holder, Holder::Nobody);
    known.blocks.iter().find(|block| {
        let subject = link.map(|link| link.subject.as_str()).or(expected);
        match subject {
            Some(subject) => block.is_of(here, subject),
            None => nobody && block.namespace == *here && block.address == known.address.as_str(),
        }
    })
}

/// The campaign that would take the mailbox over for whoever comes.
fn taken_over(
    known: &Foresight<'_>,
    mailbox: &Mailbox,
    links: &[Link],
    pending: Option<&PendingLink>,
) -> Option<RelinkId> {
    let here = (known.provider.id, &known.provider.namespace);
    let about = |r: &&Relink| relink::about(r, here, mailbox, links, pending, known.now).is_ok();
    known.relinks.iter().find(about).map(|relink| relink.id)
}

/// The templates of which one would be taken; if none of them can be, the first one's refusal.
fn created(facts: &Facts<'_>, domain: &MailDomain, used: DomainUse) -> Result<String, Refusal> {
    let settings = &facts.provider.settings;
    let rules = settings.rules.iter().enumerate();
    let rules = rules.map(|(position, rule)| Mapped::Rule {
        position,
        template: rule.template,
    });
    let everyone_else = match settings.everyone_else {
        EveryoneElse::Template(template) => Mapped::EveryoneElse(template),
        EveryoneElse::Refuse => Mapped::Refused { near: None },
    };
    let (mut fitting, mut first) = (Vec::new(), None);
    for mapped in rules.chain([everyone_else]) {
        let room = template_for(facts, mapped, &[])
            .and_then(|template| Ok((template, room_for(template, domain, used)?)));
        match room {
            Ok((template, quota)) => {
                let words = format!("template {}, quota {}", template.name, size(quota));
                if !fitting.contains(&words) {
                    fitting.push(words);
                }
            }
            Err(refusal) => first = first.or(Some(refusal)),
        }
    }
    match first {
        Some(refusal) if fitting.is_empty() => Err(refusal),
        _ => Ok(fitting.join("; ")),
    }
}
