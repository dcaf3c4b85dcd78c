//! Whether a door is open at all, whoever comes.

use super::{Facts, inactive, join, named};
use crate::address::Address;
use crate::attempt::{StepState, Trace};
use crate::block::Block;
use crate::domain::MailDomain;
use crate::mailbox::Mailbox;
use crate::outcome::{Code, Refusal};
use crate::provider::Provider;

/// The value of [`Code::DomainBound`] that names the provider to go on to, by its slug.
pub const BOUND_SLUG: &str = "bound_slug";

/// A provider that is switched off is refused at every step, also one that was switched off while
/// the person was there.
///
/// # Errors
/// [`Code::ProviderOff`].
pub fn switched_on(provider: &Provider) -> Result<(), Refusal> {
    if provider.settings.active {
        return Ok(());
    }
    Err(Refusal::new(Code::ProviderOff).with("provider", &provider.settings.name))
}

/// The refusal of a person who is blocked: asked before anything else, so that nothing is made or
/// changed for them.
#[must_use]
pub fn blocked(block: &Block) -> Refusal {
    let reason = if block.reason.is_empty() {
        "none given"
    } else {
        &block.reason
    };
    Refusal::new(Code::PersonBlocked)
        .with("when", block.at.date())
        .with("who", &block.by)
        .with("reason", reason)
        .with("subject", &block.subject)
        .with("namespace", &block.namespace)
        .with("address", &block.address)
}

/// Whether a mailbox may be signed in to by its local password, once that is right.
///
/// # Errors
/// The first gate that is shut.
pub fn by_local_password(mailbox: &Mailbox, domain: &MailDomain) -> Result<(), Refusal> {
    if !mailbox.methods.local {
        return Err(Refusal::new(Code::WrongMethod)
            .with("address", &mailbox.address)
            .with("use", "your provider's button")
            .with("methods", mailbox.methods.label())
            .with("came", "local password"));
    }
    if !domain.active {
        return Err(Refusal::new(Code::DomainInactive).with("domain", &domain.name));
    }
    if !mailbox.active {
        return Err(inactive(mailbox));
    }
    Ok(())
}

/// Whether a provider is the one, or one of those, by which people of a domain sign in, and whether
/// the domain is switched on. Asked of those who come first and of those who return alike.
pub(super) fn domain_gates(
    facts: &Facts<'_>,
    domain: &MailDomain,
    address: &Address,
    trace: &mut Trace,
) -> Result<(), Refusal> {
    if domain
        .provider
        .is_some_and(|bound| bound != facts.provider.id)
    {
        return Err(bound_elsewhere(facts, domain, address));
    }
    if !facts.provider.settings.domains.contains(&domain.id) {
        let domains = join(facts.provider_domains);
        return Err(named(facts, Code::DomainNotOfProvider)
            .with("domain", &domain.name)
            .with("address", address)
            .with(
                "domains",
                if domains.is_empty() {
                    "no domain yet".to_owned()
                } else {
                    domains
                },
            ));
    }
    if !domain.active {
        return Err(Refusal::new(Code::DomainInactive).with("domain", &domain.name));
    }
    trace.push(
        "domain",
        StepState::Ok,
        format!("{} is served and switched on", domain.name),
    );
    Ok(())
}

/// Names where to go on; only while that leads anywhere.
fn bound_elsewhere(facts: &Facts<'_>, domain: &MailDomain, address: &Address) -> Refusal {
    let name = facts.bound.map(|bound| bound.settings.name.as_str());
    let refusal = named(facts, Code::DomainBound)
        .with("domain", &domain.name)
        .with("address", address)
        .with("bound", name.unwrap_or("another provider"));
    match facts.bound {
        Some(bound) if bound.settings.active => refusal.with(BOUND_SLUG, &bound.slug),
        _ => refusal,
    }
}
