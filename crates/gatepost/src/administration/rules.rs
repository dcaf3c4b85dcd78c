//! The rules of a provider: which template people get.

use app::providers::SecretChange;
use app::{App, Problem};
use model::audit::Actor;
use model::ids::TemplateId;
use model::provider::EveryoneElse;
use model::rule::{Rule, Test};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;

use super::{document, templates};

/// What is asked about the rules of a provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RuleRequest {
    /// The provider's slug.
    pub provider: String,
    /// What to do.
    pub verb: RuleVerb,
}

/// What to do with the rules.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleVerb {
    /// Shows them.
    List,
    /// Adds one.
    Add {
        /// The claim's path.
        claim: String,
        /// What its value must be.
        test: Test,
        /// The template's name.
        template: String,
        /// The number it gets, from 1; the last by default.
        number: Option<usize>,
    },
    /// Removes one by its number, from 1.
    Remove(usize),
    /// Decides for everyone else: a template's name, or nothing to refuse them.
    EveryoneElse(Option<String>),
}

/// A rule.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RuleDocument {
    /// Its place, from 1; the first that matches wins.
    pub number: usize,
    /// The claim's path.
    pub claim: String,
    /// What its value must be.
    #[serde(flatten)]
    pub test: Test,
    /// The template people get; nothing if it was deleted.
    pub template: Option<String>,
}

/// The rules of a provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RuleList {
    /// The provider's slug.
    pub provider: String,
    /// First match wins.
    pub rules: Vec<RuleDocument>,
    /// The template of everyone else; nothing if they are refused.
    pub everyone_else: Option<String>,
}

/// The rules as they are printed.
pub(super) fn rule_documents(
    rules: &[Rule],
    templates: &HashMap<TemplateId, String>,
) -> Vec<RuleDocument> {
    let numbered = rules.iter().enumerate();
    numbered
        .map(|(at, rule)| RuleDocument {
            number: at + 1,
            claim: rule.claim.clone(),
            test: rule.test.clone(),
            template: templates.get(&rule.template).cloned(),
        })
        .collect()
}

pub(super) async fn answer(
    app: &App,
    actor: &Actor,
    request: RuleRequest,
) -> Result<Value, Problem> {
    let RuleRequest { provider, verb } = request;
    let before = app.provider(&provider).await?;
    let mut settings = before.settings;
    match verb {
        RuleVerb::List => return list(app, provider).await,
        RuleVerb::Add {
            claim,
            test,
            template,
            number,
        } => {
            let rule = Rule {
                claim,
                test,
                template: app.template(&template).await?.id,
            };
            let end = settings.rules.len();
            let at = number.map_or(end, |number| number.saturating_sub(1).min(end));
            settings.rules.insert(at, rule);
        }
        RuleVerb::Remove(number) => {
            let at = number
                .checked_sub(1)
                .filter(|at| *at < settings.rules.len());
            let at = at.ok_or_else(|| {
                Problem::NotFound(format!("rule {number} of the provider {provider}"))
            })?;
            settings.rules.remove(at);
        }
        RuleVerb::EveryoneElse(template) => {
            settings.everyone_else = match template {
                Some(name) => EveryoneElse::Template(app.template(&name).await?.id),
                None => EveryoneElse::Refuse,
            };
        }
    }
    let seen = Some(before.modified);
    app.edit_provider(actor, &provider, settings, SecretChange::Keep, seen)
        .await?;
    list(app, provider).await
}

async fn list(app: &App, provider: String) -> Result<Value, Problem> {
    let templates = templates::names(app).await?;
    let settings = app.provider(&provider).await?.settings;
    document(RuleList {
        provider,
        rules: rule_documents(&settings.rules, &templates),
        everyone_else: match settings.everyone_else {
            EveryoneElse::Refuse => None,
            EveryoneElse::Template(id) => templates.get(&id).cloned(),
        },
    })
}
