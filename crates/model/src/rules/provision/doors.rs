//! Whether a door is open at all: asked before it is known who comes.

use super::inactive;
use crate::domain::MailDomain;
use crate::mailbox::Mailbox;
use crate::outcome::{Code, Refusal};
use crate::provider::Provider;

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
