//! Whether an address counts as its person's own.

use super::relink::VERIFIED_CLAIM;
use super::{Facts, brief, named};
use crate::address::Address;
use crate::attempt::{StepState, Trace};
use crate::outcome::{Code, Refusal};
use crate::provider::EmailTrust;
use serde_json::Value;

/// Whether the provider vouches for the address, as far as it is trusted to.
pub(super) fn gate(facts: &Facts<'_>, address: &Address, trace: &mut Trace) -> Result<(), Refusal> {
    let claim = &facts.provider.settings.address_claim;
    let said = facts.claims.get("email_verified");
    // True is said of the claim `email`. About another claim it tells nothing; whatever else is
    // said there is no good sign for either.
    let foreign = said == Some(&Value::Bool(true)) && !is_in_email(facts, address);
    let tells_nothing =
        || format!("email_verified is about the claim email and tells nothing of {claim}");
    let refuse = |code| Err(named(facts, code).with("address", address));
    let (state, words) = match (facts.provider.settings.email_trust, said) {
        (_, Some(Value::Bool(true))) if !foreign => {
            (StepState::Ok, "email_verified is true".to_owned())
        }
        (EmailTrust::Believe, other) => {
            let said = other.map_or_else(|| "absent".to_owned(), brief);
            let words =
                format!("email_verified is {said}; every address of this provider is believed");
            (StepState::Warn, words)
        }
        (EmailTrust::AcceptAbsent, None) => {
            let words = "email_verified is absent, which is accepted";
            (StepState::Ok, words.to_owned())
        }
        (EmailTrust::AcceptAbsent, _) if foreign => (
            StepState::Warn,
            format!("{}, which is accepted", tells_nothing()),
        ),
        (EmailTrust::RequireTrue, None) => return refuse(Code::EmailVerifiedAbsent),
        (EmailTrust::RequireTrue, _) if foreign => {
            trace.push("address verified", StepState::Warn, tells_nothing());
            return refuse(Code::EmailVerifiedAbsent);
        }
        // Anything else, the text "false" or "true" included, is not the value true.
        (_, Some(_)) => return refuse(Code::EmailUnverified),
    };
    trace.push("address verified", state, words);
    Ok(())
}

/// Whether `address` is that of the claim `email`, which `email_verified` is about.
fn is_in_email(facts: &Facts<'_>, address: &Address) -> bool {
    let email = facts.claims.get(VERIFIED_CLAIM);
    facts.provider.settings.address_claim == VERIFIED_CLAIM
        || email
            .and_then(Value::as_str)
            .and_then(|text| Address::parse(text).ok())
            .is_some_and(|email| email == *address)
}
