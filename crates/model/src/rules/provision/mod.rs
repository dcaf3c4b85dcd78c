//! What a proven identity leads to: its mailbox, a new one, a proof to give, or a refusal.
//!
//! Asked inside the transaction that carries the answer out, so that limits are exact and an
//! address is never given out twice. A person is known by (namespace, subject); the address claim
//! chooses a mailbox at first sign-in only (design decision 1).

use crate::address::{Address, AddressError, DomainName};
use crate::alias::Alias;
use crate::attempt::{StepState, Trace};
use crate::block::Block;
use crate::domain::{DomainUse, MailDomain};
use crate::foreign::{plain, printable};
use crate::ids::{RelinkId, TemplateId};
use crate::link::{Link, LinkOrigin, Namespace, PendingLink};
use crate::mailbox::{Mailbox, NewMailbox, SignInMethods};
use crate::outcome::{Code, Refusal};
use crate::protocol::Protocol;
use crate::provider::Provider;
use crate::relink::Relink;
use crate::rule::Rule;
use crate::rules::limits::{self, Ask, size};
use crate::rules::mapping::{self, Claims, Mapped, RuleVerdict, brief};
use crate::rules::suggest;
use crate::template::{Template, TemplateFields};
use crate::time::Timestamp;
use serde_json::Value;

mod changes;
mod doors;
mod email;
mod foresee;
pub mod relink;

pub use changes::{Changes, apply_template};
use doors::domain_gates;
pub use doors::{BOUND_SLUG, blocked, by_local_password, switched_on};
pub use foresee::{Foreseen, Foresight, foresee};

/// Everything the verdict rests on, read in one transaction.
#[derive(Debug)]
pub struct Facts<'a> {
    /// Now.
    pub now: Timestamp,
    /// The provider, switched on.
    pub provider: &'a Provider,
    /// Names of the domains it may sign people in for, for the administrator's words: asked for
    /// only when the mailbox's domain is none of them.
    pub provider_domains: &'a [DomainName],
    /// The provider that the domain is bound to, for the words: asked for only when it is another.
    pub bound: Option<&'a Provider>,
    /// Where the subject is unique.
    pub namespace: &'a Namespace,
    /// The person's stable name there.
    pub subject: &'a str,
    /// Claims of ID token and userinfo together. Empty while nobody has come with any: no template
    /// is applied then.
    pub claims: &'a Claims,
    /// The mailbox this person is linked to, with its domain.
    pub linked: Option<&'a (Link, Mailbox, MailDomain, DomainUse)>,
    /// What the address of the claim is here; looked up only for people without a link.
    pub place: Option<&'a Place>,
    /// All templates that the provider's rules may name.
    pub templates: &'a [Template],
    /// Relink campaigns to the provider; looked up only for people without a link.
    pub relinks: &'a [Relink],
    /// The block of this person.
    pub blocked: Option<&'a Block>,
}

/// What an address is on this server.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its domain, if served.
    pub domain: Option<(MailDomain, DomainUse)>,
    /// What stands at the address.
    pub holder: Holder,
    /// Whether the address has a `+` extension, and a mailbox or an alias stands at it without:
    /// mail for it goes there.
    pub extends: bool,
}

/// What stands at an address.
#[derive(Debug, Clone)]
pub enum Holder {
    /// Nothing.
    Nobody,
    /// An alias.
    Alias(Alias),
    /// A mailbox, its links and its pending link.
    Mailbox {
        /// The mailbox.
        mailbox: Box<Mailbox>,
        /// The people linked to it.
        links: Vec<Link>,
        /// A link that waits for its person.
        pending: Option<PendingLink>,
    },
}

/// The verdict.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// Into the mailbox the person is linked to.
    SignIn {
        /// What its template changes.
        changes: Changes,
        /// The address at the provider differs now: (theirs, ours).
        renamed: Option<(String, Address)>,
    },
    /// Into a mailbox that waited for this person, which is linked now.
    Link {
        /// How the link comes about.
        origin: LinkOrigin,
        /// The campaign that takes it over.
        relink: Option<RelinkId>,
        /// The mailbox.
        mailbox: Box<Mailbox>,
        /// What its template changes.
        changes: Changes,
    },
    /// A new mailbox.
    Create(Box<NewMailbox>),
    /// The person must prove the mailbox's local password first.
    ProveLocal {
        /// The mailbox.
        mailbox: Box<Mailbox>,
        /// Why, for the record.
        refusal: Refusal,
    },
    /// Nothing, and the linked mailbox is switched off: so says the template the person has now.
    SwitchOff {
        /// What the template changes.
        changes: Changes,
        /// Why, for the person.
        refusal: Refusal,
    },
    /// Nothing.
    Refuse(Refusal),
}

/// The address claim of a person, canonical.
///
/// # Errors
/// [`Code::EmailMissing`] or [`Code::AddressUnusable`].
pub fn claimed_address(provider: &Provider, claims: &Claims) -> Result<Address, Refusal> {
    let claim = &provider.settings.address_claim;
    match mapping::claim_at(claims, claim) {
        Some(Value::String(text)) if !text.trim().is_empty() => {
            Address::parse(text).map_err(|e: AddressError| {
                Refusal::new(Code::AddressUnusable)
                    .with("claim", claim)
                    .with("address", brief(&Value::String(text.clone())))
                    .with("detail", e)
            })
        }
        other => Err(Refusal::new(Code::EmailMissing).with("claim", claim).with(
            "received",
            match other {
                Some(value) => format!("{claim} = {}", brief(value)),
                None => names(claims),
            },
        )),
    }
}

/// Decides, and writes each gate into `trace`.
pub fn decide(facts: &Facts<'_>, trace: &mut Trace) -> Verdict {
    let verdict = match (facts.blocked, facts.linked) {
        (Some(block), _) => Verdict::Refuse(blocked(block)),
        (None, Some((_, mailbox, domain, used))) => returning(facts, mailbox, domain, *used, trace),
        (None, None) => first_time(facts, trace),
    };
    if let Verdict::Refuse(refusal)
    | Verdict::SwitchOff { refusal, .. }
    | Verdict::ProveLocal { refusal, .. } = &verdict
    {
        trace.push("outcome", StepState::Blocked, refusal.to_string());
    }
    verdict
}

fn returning(
    facts: &Facts<'_>,
    mailbox: &Mailbox,
    domain: &MailDomain,
    used: DomainUse,
    trace: &mut Trace,
) -> Verdict {
    trace.push(
        "known person",
        StepState::Ok,
        format!("linked to {}", mailbox.address),
    );
    if let Err(refusal) = domain_gates(facts, domain, &mailbox.address, trace) {
        return Verdict::Refuse(refusal);
    }
    if !mailbox.methods.provider {
        return Verdict::Refuse(wrong_method(facts, mailbox));
    }
    let changes = template_changes(facts, mailbox, domain, used, trace);
    if let Err(refusal) = active_gate(facts, mailbox, &changes, trace) {
        return match changes.active {
            Some(false) => Verdict::SwitchOff { changes, refusal },
            _ => Verdict::Refuse(refusal),
        };
    }
    let renamed = claimed_address(facts.provider, facts.claims)
        .ok()
        .filter(|claimed| *claimed != mailbox.address)
        .map(|claimed| (claimed.to_string(), mailbox.address.clone()));
    Verdict::SignIn { changes, renamed }
}

fn first_time(facts: &Facts<'_>, trace: &mut Trace) -> Verdict {
    match first_time_gates(facts, trace) {
        Ok(verdict) => verdict,
        Err(refusal) => Verdict::Refuse(refusal),
    }
}

fn first_time_gates(facts: &Facts<'_>, trace: &mut Trace) -> Result<Verdict, Refusal> {
    let address = claimed_address(facts.provider, facts.claims)?;
    trace.push("address claim", StepState::Ok, address.to_string());
    email::gate(facts, &address, trace)?;

    let place = facts.place.ok_or_else(|| domain_unknown(&address))?;
    at_place(facts, place, address, trace)
}

fn at_place(
    facts: &Facts<'_>,
    place: &Place,
    address: Address,
    trace: &mut Trace,
) -> Result<Verdict, Refusal> {
    let (domain, used) = place
        .domain
        .as_ref()
        .ok_or_else(|| domain_unknown(&address))?;
    domain_gates(facts, domain, &address, trace)?;
    match &place.holder {
        Holder::Alias(alias) => Err(is_alias(&address, alias)),
        Holder::Mailbox {
            mailbox,
            links,
            pending,
        } => existing(
            facts,
            &address,
            mailbox,
            links,
            pending.as_ref(),
            (domain, *used),
            trace,
        ),
        Holder::Nobody => {
            free_gates(facts, place, &address)?;
            create(facts, address, domain, *used, trace).map(|new| Verdict::Create(Box::new(new)))
        }
    }
}

/// Whether the provider makes mailboxes at all, and at this address.
fn free_gates(facts: &Facts<'_>, place: &Place, address: &Address) -> Result<(), Refusal> {
    if !facts.provider.settings.create {
        return Err(named(facts, Code::CreationOff).with("address", address));
    }
    if place.extends || address.is_role() {
        return Err(Refusal::new(Code::AddressReserved).with("address", address));
    }
    Ok(())
}

fn existing(
    facts: &Facts<'_>,
    address: &Address,
    mailbox: &Mailbox,
    links: &[Link],
    pending: Option<&PendingLink>,
    (domain, used): (&MailDomain, DomainUse),
    trace: &mut Trace,
) -> Result<Verdict, Refusal> {
    trace.push(
        "mailbox",
        StepState::Ok,
        format!("{} exists", mailbox.address),
    );
    let elsewhere = |linked: String| {
        Refusal::new(Code::LinkedElsewhere)
            .with("address", &mailbox.address)
            .with("linked", linked)
            .with("subject", facts.subject)
    };
    let taken = |link: &Link| elsewhere(format!("{} at {}", link.subject, link.namespace));
    let here =
        |link: &&Link| link.provider == facts.provider.id && link.namespace == *facts.namespace;
    if let Some(link) = links.iter().find(here) {
        return Err(taken(link));
    }
    // Before links of other providers and of this one before it moved: a pending link is the
    // administrator's latest word about whose mailbox this is.
    if let Some(pending) = pending.filter(|p| facts.now < p.ends) {
        if pending.provider != facts.provider.id {
            return Err(wrong_method(facts, mailbox));
        }
        if pending
            .expected_subject
            .as_deref()
            .is_some_and(|want| want != facts.subject)
        {
            return Err(elsewhere(
                "waits for another subject of this provider".to_owned(),
            ));
        }
        let changes = template_changes(facts, mailbox, domain, used, trace);
        // A template that says off refuses the person, and nothing of it is applied: until
        // somebody is linked, the mailbox is as its administrator made it, and receives mail.
        active_gate(facts, mailbox, &changes, trace)?;
        return Ok(Verdict::Link {
            origin: LinkOrigin::Pending,
            relink: None,
            mailbox: Box::new(mailbox.clone()),
            changes,
        });
    }
    if let Some(link) = links.first() {
        let Some(relink) = relink::takes_over(facts, address, mailbox, links, trace) else {
            return Err(taken(link));
        };
        let changes = template_changes(facts, mailbox, domain, used, trace);
        active_gate(facts, mailbox, &changes, trace)?;
        return Ok(Verdict::Link {
            origin: LinkOrigin::Relink,
            relink: Some(relink.id),
            mailbox: Box::new(mailbox.clone()),
            changes,
        });
    }
    active_gate(facts, mailbox, &Changes::default(), trace)?;
    let refusal = named(facts, Code::ProveLocalPassword).with("address", &mailbox.address);
    if mailbox.has_password {
        Ok(Verdict::ProveLocal {
            mailbox: Box::new(mailbox.clone()),
            refusal,
        })
    } else {
        Err(refusal)
    }
}

fn create(
    facts: &Facts<'_>,
    address: Address,
    domain: &MailDomain,
    used: DomainUse,
    trace: &mut Trace,
) -> Result<NewMailbox, Refusal> {
    let (mapped, verdicts) = map(facts, trace);
    let template = template_for(facts, mapped, &verdicts)?;
    let settings = &template.settings;
    let quota = room_for(template, domain, used)?;
    trace.push(
        "room",
        StepState::Ok,
        format!("template {}, quota {}", template.name, size(quota)),
    );
    Ok(NewMailbox {
        domain: domain.id,
        name: person_name(facts.claims),
        address,
        quota,
        protocols: Protocol::ALL
            .into_iter()
            .filter(|p| settings.protocol(*p).value)
            .collect(),
        active: settings.active.value,
        methods: SignInMethods::PROVIDER,
        template: Some((template.id, template.modified)),
        overrides: TemplateFields::NONE,
        tags: settings.tags.value.clone(),
    })
}

/// The template of a new mailbox.
fn template_for<'a>(
    facts: &Facts<'a>,
    mapped: Mapped,
    verdicts: &[RuleVerdict],
) -> Result<&'a Template, Refusal> {
    let gone = |rule| Refusal::new(Code::TemplateGone).with("rule", rule);
    let rules = &facts.provider.settings.rules;
    match mapped {
        Mapped::Rule { position, template } => {
            find(facts, template).ok_or_else(|| gone(rules[position].words()))
        }
        Mapped::Withheld { position, pointer } => {
            Err(withheld(&rules[position], pointer).with("provider", &facts.provider.settings.name))
        }
        Mapped::EveryoneElse(template) => {
            find(facts, template).ok_or_else(|| gone("everyone else".to_owned()))
        }
        Mapped::Refused {
            near: Some((position, nearest, value)),
        } => Err(Refusal::new(Code::NearMapping)
            .with("claim", &rules[position].claim)
            .with("value", value)
            .with("nearest", nearest)),
        Mapped::Refused { near: None } => {
            let detail = join(verdicts.iter().map(RuleVerdict::words));
            let detail = if detail.is_empty() {
                "There are no rules".to_owned()
            } else {
                detail
            };
            Err(Refusal::new(Code::NoMapping)
                .with("detail", detail)
                .with("received", names(facts.claims))
                .with_some("claim", suggest::telling_claim(rules, facts.claims)))
        }
    }
}

/// The refusal of a person whose claim was not sent, but pointed at, and whom no rule matches.
#[must_use]
pub fn withheld(rule: &Rule, pointer: &str) -> Refusal {
    Refusal::new(Code::ClaimWithheld)
        .with("claim", &rule.claim)
        .with("pointer", pointer)
        .with("rule", rule.words())
}

/// The quota that a template gives a new mailbox in a domain, if it fits.
fn room_for(template: &Template, domain: &MailDomain, used: DomainUse) -> Result<i64, Refusal> {
    let quota = limits::effective_quota(template.settings.quota.value, &domain.limits);
    limits::check(&domain.limits, used, Ask { quota, held: None }).map_err(|r| {
        r.with("domain", &domain.name)
            .with("template", &template.name)
    })?;
    Ok(quota)
}

/// What decides whether a person who proved a mailbox's password may be linked to it.
#[derive(Debug)]
pub struct LinkFacts<'a> {
    /// Now.
    pub now: Timestamp,
    /// The provider that vouched for the person, switched on.
    pub provider: &'a Provider,
    /// Names of its domains, for the administrator's words.
    pub provider_domains: &'a [DomainName],
    /// As [`Facts::bound`].
    pub bound: Option<&'a Provider>,
    /// The person's stable name there.
    pub subject: &'a str,
    /// The mailbox's domain.
    pub domain: &'a MailDomain,
    /// The mailbox.
    pub mailbox: &'a Mailbox,
    /// Its links.
    pub links: &'a [Link],
    /// Its pending link.
    pub pending: Option<&'a PendingLink>,
    /// The block of the person.
    pub blocked: Option<&'a Block>,
}

/// Asks once more, when the password is proven, what was asked before it was demanded.
///
/// # Errors
/// The first gate that is shut.
pub fn may_link(link: &LinkFacts<'_>) -> Result<(), Refusal> {
    let facts = Facts {
        now: link.now,
        provider: link.provider,
        provider_domains: link.provider_domains,
        bound: link.bound,
        namespace: &link.provider.namespace,
        subject: link.subject,
        claims: &Claims::new(),
        linked: None,
        place: None,
        templates: &[],
        // A password proves a mailbox that nobody is linked to; campaigns are about the others.
        relinks: &[],
        blocked: link.blocked,
    };
    if let Some(block) = facts.blocked {
        return Err(blocked(block));
    }
    let mut trace = Trace::default();
    domain_gates(&facts, link.domain, &link.mailbox.address, &mut trace)?;
    let used = DomainUse::default();
    let (mailbox, pending) = (link.mailbox, link.pending);
    match existing(
        &facts,
        &mailbox.address,
        mailbox,
        link.links,
        pending,
        (link.domain, used),
        &mut trace,
    )? {
        Verdict::Refuse(refusal) | Verdict::SwitchOff { refusal, .. } => Err(refusal),
        _ => Ok(()),
    }
}

/// What the mapped template changes in an existing mailbox. "Everyone else" is for new mailboxes
/// only, as mailcow's default template is.
fn template_changes(
    facts: &Facts<'_>,
    mailbox: &Mailbox,
    domain: &MailDomain,
    used: DomainUse,
    trace: &mut Trace,
) -> Changes {
    if facts.claims.is_empty() {
        return Changes::default();
    }
    let (mapped, _) = map(facts, trace);
    let Mapped::Rule { template, .. } = mapped else {
        return Changes::default();
    };
    let Some(template) = find(facts, template) else {
        trace.push(
            "template",
            StepState::Warn,
            "the rule's template was deleted; nothing changed",
        );
        return Changes::default();
    };
    let changes = apply_template(mailbox, template, domain, used);
    match changes.not_applied() {
        Some(words) => trace.push(
            "template",
            StepState::Warn,
            format!("{} does not fit. {words}", template.name),
        ),
        None if changes.is_empty() => {
            trace.push(
                "template",
                StepState::Ok,
                format!("{}, nothing to change", template.name),
            );
        }
        None => trace.push(
            "template",
            StepState::Ok,
            format!("{} applied", template.name),
        ),
    }
    changes
}

fn active_gate(
    facts: &Facts<'_>,
    mailbox: &Mailbox,
    changes: &Changes,
    trace: &mut Trace,
) -> Result<(), Refusal> {
    if changes.active.unwrap_or(mailbox.active) {
        trace.push("mailbox active", StepState::Ok, "switched on");
        return Ok(());
    }
    Err(inactive(mailbox).with("provider", &facts.provider.settings.name))
}

/// The refusal of an address that is an alias.
#[must_use]
pub fn is_alias(address: &Address, alias: &Alias) -> Refusal {
    Refusal::new(Code::AddressIsAlias)
        .with("address", address)
        .with("targets", join(alias.targets.iter().map(|(_, a)| a)))
}

fn domain_unknown(address: &Address) -> Refusal {
    Refusal::new(Code::DomainUnknown).with("domain", address.domain())
}

/// The refusal of a switched-off mailbox.
#[must_use]
pub fn inactive(mailbox: &Mailbox) -> Refusal {
    let refusal = Refusal::new(Code::MailboxInactive).with("address", &mailbox.address);
    match &mailbox.disabled {
        Some(disabled) => refusal
            .with("when", disabled.at.date())
            .with("who", &disabled.by)
            .with(
                "reason",
                if disabled.reason.is_empty() {
                    "none given"
                } else {
                    &disabled.reason
                },
            ),
        None => made_inactive(&mailbox.address),
    }
}

/// The refusal of a mailbox that its template made switched off.
#[must_use]
pub fn made_inactive(address: &Address) -> Refusal {
    Refusal::new(Code::MailboxInactive)
        .with("address", address)
        .with("when", "creation")
        .with("who", "its template")
        .with("reason", "none given")
}

fn wrong_method(facts: &Facts<'_>, mailbox: &Mailbox) -> Refusal {
    named(facts, Code::WrongMethod)
        .with("address", &mailbox.address)
        .with(
            "use",
            if mailbox.methods.local {
                "your password"
            } else {
                "another provider"
            },
        )
        .with("methods", mailbox.methods.label())
        .with("came", &facts.provider.settings.name)
}

fn named(facts: &Facts<'_>, code: Code) -> Refusal {
    Refusal::new(code).with("provider", &facts.provider.settings.name)
}

fn map(facts: &Facts<'_>, trace: &mut Trace) -> (Mapped, Vec<RuleVerdict>) {
    let settings = &facts.provider.settings;
    let (mapped, verdicts) = mapping::map(&settings.rules, settings.everyone_else, facts.claims);
    for verdict in &verdicts {
        let words = format!("{}. {}", verdict.position + 1, verdict.words());
        let state = if verdict.matched {
            StepState::Ok
        } else {
            StepState::Note
        };
        trace.push("rule", state, words);
    }
    (mapped, verdicts)
}

fn find<'a>(facts: &Facts<'a>, id: TemplateId) -> Option<&'a Template> {
    facts.templates.iter().find(|t| t.id == id)
}

fn person_name(claims: &Claims) -> String {
    let name = claims
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    // Without what turns or hides text: lists show names beside addresses.
    plain(name, 200).trim().to_owned()
}

fn names(claims: &Claims) -> String {
    if claims.is_empty() {
        return "none".to_owned();
    }
    join(claims.keys().map(|name| printable(name, 100)))
}

fn join<T: std::fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    items
        .into_iter()
        .map(|i| i.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests;
