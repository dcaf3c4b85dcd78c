//! The rules of a provider: saving them with their history, and what they would do.

mod kept;
mod survey;
mod tried;

pub(crate) use kept::{Kept, kept};
pub use survey::{EffectKind, Reach, Survey, SurveyRow};
pub(crate) use tried::claims_in;
pub use tried::{MOST_PASTED, Trial, Tried, pasted};

use crate::providers::{by_slug, form};
use crate::{App, Problem, audit};
use model::audit::Actor;
use model::ids::{ProviderId, RuleVersionId};
use model::provider::{Provider, ProviderSettings};
use model::rules::versions::{RuleSet, RuleVersion};
use model::time::Timestamp;
use serde_json::json;
use store::{Conn, StoreError};

/// A provider with its rules in force.
#[derive(Debug, Clone)]
pub struct RulesInForce {
    /// The provider.
    pub provider: Provider,
    /// When they were saved, and by whom.
    pub version: RuleVersion,
}

/// What became of rules that were to be saved.
#[derive(Debug)]
pub enum Saving {
    /// They are in force.
    Saved(Box<Provider>),
    /// Nothing was saved: somebody who gets in now would be refused at the next sign-in. This is
    /// what they would change.
    Asks(Box<Survey>),
}

impl App {
    /// Saves rules as [`App::save_rules`] does, unless they would refuse somebody who gets in now;
    /// `anyway` saves them even then.
    pub async fn save_asking(
        &self,
        actor: &Actor,
        slug: &str,
        set: RuleSet,
        seen: Option<RuleVersionId>,
        anyway: bool,
    ) -> Result<Saving, Problem> {
        check(&set)?;
        if !anyway {
            let survey = self.survey_rules(slug, &set, Reach::PAGE).await?;
            if survey.refused > 0 {
                return Ok(Saving::Asks(Box::new(survey)));
            }
        }
        let saved = self.save_rules(actor, slug, set, seen).await?;
        Ok(Saving::Saved(Box::new(saved)))
    }

    /// The rules of a provider.
    pub async fn rules(&self, slug: &str) -> Result<RulesInForce, Problem> {
        let mut read = self.store.read()?;
        let provider = by_slug(&mut read, slug).await?;
        let version = in_force(&mut read, &provider).await?;
        Ok(RulesInForce { provider, version })
    }

    /// Saves rules in place of those that were in force. `seen` is the state that the draft was
    /// made from; `None` skips the check. The same rules again are no new state.
    pub async fn save_rules(
        &self,
        actor: &Actor,
        slug: &str,
        set: RuleSet,
        seen: Option<RuleVersionId>,
    ) -> Result<Provider, Problem> {
        form::check_rules(&set.rules)?;
        let (now, actor, slug) = (self.clock.now(), actor.clone(), slug.to_owned());
        self.store
            .write(async move |tx: &mut Conn| {
                let before = by_slug(tx, &slug).await?;
                if let Some(seen) = seen
                    && in_force(tx, &before).await?.id != seen
                {
                    return Err(Problem::Stale);
                }
                let mut after = before.clone();
                after.settings.rules.clone_from(&set.rules);
                after.settings.everyone_else = set.everyone_else;
                if after.settings == before.settings {
                    return Ok(before);
                }
                form::check_references(tx, &after.settings).await?;
                let key = form::redirect_key(after.settings.redirect, &slug);
                if !store::providers::update(tx, &after, &key, None, now).await? {
                    return Err(Problem::Stale);
                }
                note_version(tx, &actor, &before, &after.settings, now).await?;
                let details = json!({ "before": set_of(&before.settings), "after": set });
                audit::note(tx, now, &actor, "provider.rules", &slug, details).await?;
                by_slug(tx, &slug).await
            })
            .await
    }

    /// The states in which the rules of a provider were saved, the one in force first.
    pub async fn rule_history(&self, slug: &str) -> Result<Vec<RuleVersion>, Problem> {
        let mut read = self.store.read()?;
        let provider = by_slug(&mut read, slug).await?;
        let most = store::rule_versions::KEPT;
        Ok(store::rule_versions::newest(&mut read, provider.id, most).await?)
    }

    /// One of them.
    pub async fn rule_version(
        &self,
        slug: &str,
        id: RuleVersionId,
    ) -> Result<RuleVersion, Problem> {
        let mut read = self.store.read()?;
        let provider = by_slug(&mut read, slug).await?;
        store::rule_versions::by_id(&mut read, provider.id, id)
            .await?
            .ok_or_else(|| Problem::NotFound(format!("state {id} of these rules")))
    }
}

/// Checks rules by themselves: what each asks, not whether its template exists.
///
/// # Errors
/// [`Problem::Invalid`], with the fields `rules.1`, `rules.2` …
pub fn check(set: &RuleSet) -> Result<(), Problem> {
    form::check_rules(&set.rules)
}

/// The rules of settings.
#[must_use]
pub fn set_of(settings: &ProviderSettings) -> RuleSet {
    RuleSet {
        rules: settings.rules.clone(),
        everyone_else: settings.everyone_else,
    }
}

/// Writes down the first state of a new provider's rules.
pub(crate) async fn note_first_version(
    tx: &mut Conn,
    actor: &Actor,
    id: ProviderId,
    settings: &ProviderSettings,
    now: Timestamp,
) -> Result<(), StoreError> {
    store::rule_versions::insert(tx, id, actor, &set_of(settings), now).await?;
    Ok(())
}

/// Writes down a new state if the rules changed, in the transaction that changes them.
pub(crate) async fn note_version(
    tx: &mut Conn,
    actor: &Actor,
    before: &Provider,
    after: &ProviderSettings,
    now: Timestamp,
) -> Result<(), StoreError> {
    if set_of(&before.settings) == set_of(after) {
        return Ok(());
    }
    note_first_version(tx, actor, before.id, after, now).await
}

async fn in_force(conn: &mut Conn, provider: &Provider) -> Result<RuleVersion, Problem> {
    let newest = store::rule_versions::newest(conn, provider.id, 1).await?;
    newest.into_iter().next().ok_or_else(|| {
        Problem::Unavailable(format!("the rules of {} have no state", provider.slug))
    })
}
