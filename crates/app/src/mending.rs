//! What stands in the way of a recorded attempt now, for the form that mends it.

use crate::{App, Problem};
use model::address::Address;
use model::attempt::{Reference, SeenClaim};
use model::ids::ProviderId;
use model::outcome::Refusal;
use model::provider::Provider;
use model::rules::mapping::Claims;
use model::rules::privacy::HIDDEN;
use model::rules::suggest::{self, Suggestion};

/// An attempt that is still refused.
#[derive(Debug, Clone)]
pub struct Mending {
    /// The attempt.
    pub reference: Reference,
    /// Why: decided anew where the person was proven, else as it was recorded.
    pub refusal: Refusal,
    /// By which provider it came.
    pub provider: Option<ProviderId>,
    /// The address it was about.
    pub address: Option<Address>,
    /// What the provider said, without what is private.
    pub claims: Claims,
}

impl App {
    /// What stands in the way of an attempt now; `None` when it was not refused, or would not be
    /// any more. Changes nothing.
    ///
    /// # Errors
    /// [`Problem::NotFound`].
    pub async fn mending(&self, reference: &Reference) -> Result<Option<Mending>, Problem> {
        let attempt = self.attempt(reference).await?;
        let (refusal, address) = match self.replay(reference).await {
            Ok(foretold) => (foretold.refusal, foretold.address),
            // It never got as far as claims.
            Err(Problem::InUse(_)) => (attempt.refusal.clone(), attempt.address.clone()),
            Err(problem) => return Err(problem),
        };
        let mut trace = attempt.trace;
        trace
            .claims
            .retain(|claim: &SeenClaim| claim.value != HIDDEN);
        let (claims, _) = trace.kept_claims();
        let address = address.or(attempt.address);
        Ok(refusal.map(|refusal| Mending {
            reference: attempt.reference,
            refusal,
            provider: attempt.provider,
            address: address.and_then(|address| Address::parse(&address).ok()),
            claims,
        }))
    }

    /// What to change in a provider's rules for an attempt that its mapping refuses; `None` where
    /// nothing in the claims can be gone by.
    ///
    /// # Errors
    /// [`Problem::Unavailable`].
    pub async fn suggested_rule(
        &self,
        provider: &Provider,
        mending: &Mending,
    ) -> Result<Option<Suggestion>, Problem> {
        let listed = self.templates().await?;
        let templates: Vec<_> = listed.iter().map(|(template, _)| template.id).collect();
        let settings = &provider.settings;
        Ok(suggest::suggest(
            &settings.rules,
            settings.everyone_else,
            &templates,
            &mending.claims,
        ))
    }
}
