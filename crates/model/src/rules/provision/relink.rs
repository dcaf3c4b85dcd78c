//! Whether a relink campaign takes a person over from another provider.
//!
//! Two halves: what must be true of the mailbox, which can be told before anybody comes, and what
//! the person must prove. Both shut by default; a mailbox that is linked to anybody beside the
//! provider left behind is nobody's to take over.

use super::Facts;
use crate::address::Address;
use crate::attempt::{StepState, Trace};
use crate::ids::ProviderId;
use crate::link::{Link, Namespace, PendingLink};
use crate::mailbox::Mailbox;
use crate::relink::Relink;
use crate::time::Timestamp;
use serde_json::Value;

/// The claim whose truth `email_verified` vouches for, and no other.
pub const VERIFIED_CLAIM: &str = "email";

/// Why a campaign leaves a mailbox as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LeftAlone {
    /// It is over, of another provider, or of other domains.
    #[error("the campaign is not about it")]
    NotAbout,
    /// Nobody is linked to it, or somebody of the other provider already.
    #[error("nobody of the provider left behind is linked to it")]
    NotLinked,
    /// People of more than the provider left behind are linked.
    #[error("it is linked to people of other providers too")]
    LinkedToOthers,
    /// It waits for a person named by an administrator.
    #[error("it waits for a person already")]
    Pending,
    /// It does not sign in by a provider.
    #[error("it does not sign in by a provider")]
    NotByProvider,
    /// It is switched off.
    #[error("it is switched off")]
    SwitchedOff,
}

/// Whether `relink` is about a mailbox, for whoever comes by `to` in `namespace`.
///
/// # Errors
/// What leaves the mailbox out.
pub fn about(
    relink: &Relink,
    (to, namespace): (ProviderId, &Namespace),
    mailbox: &Mailbox,
    links: &[Link],
    pending: Option<&PendingLink>,
    now: Timestamp,
) -> Result<(), LeftAlone> {
    let of_provider = relink.to == to && relink.namespace == *namespace && relink.from != to;
    if !relink.is_open(now) || !of_provider || !relink.domains.contains(&mailbox.domain) {
        return Err(LeftAlone::NotAbout);
    }
    if !links.iter().any(|link| link.provider == relink.from) {
        return Err(LeftAlone::NotLinked);
    }
    if links.iter().any(|link| link.provider != relink.from) {
        return Err(LeftAlone::LinkedToOthers);
    }
    if pending.is_some_and(|pending| now < pending.ends) {
        return Err(LeftAlone::Pending);
    }
    if !mailbox.methods.provider {
        return Err(LeftAlone::NotByProvider);
    }
    if !mailbox.active {
        return Err(LeftAlone::SwitchedOff);
    }
    Ok(())
}

/// The campaign by which the person who came takes a mailbox over, if there is one. What kept one
/// that is about the mailbox from it is noted.
pub(super) fn takes_over<'a>(
    facts: &Facts<'a>,
    address: &Address,
    mailbox: &Mailbox,
    links: &[Link],
    trace: &mut Trace,
) -> Option<&'a Relink> {
    let here = (facts.provider.id, facts.namespace);
    let relink = facts
        .relinks
        .iter()
        .find(|relink| about(relink, here, mailbox, links, None, facts.now).is_ok())?;
    let left = match proven(facts, address, mailbox) {
        Ok(()) => {
            let former: Vec<_> = links.iter().map(|l| l.subject.as_str()).collect();
            let words = format!(
                "number {}: taken over from {}, who was linked before",
                relink.id,
                former.join(", ")
            );
            trace.push(GATE, StepState::Ok, words);
            return Some(relink);
        }
        Err(left) => left,
    };
    let words = format!("number {} does not apply: {left}", relink.id);
    trace.push(GATE, StepState::Warn, words);
    None
}

const GATE: &str = "relink campaign";

/// The person's own side: the provider vouches for this very address, whatever it is trusted with
/// otherwise.
fn proven(facts: &Facts<'_>, address: &Address, mailbox: &Mailbox) -> Result<(), &'static str> {
    if facts.provider.settings.address_claim != VERIFIED_CLAIM {
        return Err("the address is not taken from the claim email, which email_verified is about");
    }
    if facts.claims.get("email_verified") != Some(&Value::Bool(true)) {
        return Err("email_verified is not true");
    }
    if *address != mailbox.address {
        return Err("the address is another one");
    }
    Ok(())
}
