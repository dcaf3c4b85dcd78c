//! What is printed of rules, their trial, their preview and their history.

use app::Problem;
use app::rules::{Survey, Trial};
use model::ids::TemplateId;
use model::provider::EveryoneElse;
use model::rule::{Rule, Test};
use model::rules::fields::FieldLine;
use model::rules::lint::Finding;
use model::rules::versions::{Mark, RuleSet};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

use super::super::moment;

/// A rule.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RuleDocument {
    /// Its place, from 1; the first that matches wins. In a file it may be left out: there the
    /// order counts.
    #[serde(default)]
    pub number: usize,
    /// The claim's path.
    pub claim: String,
    /// What its value must be.
    #[serde(flatten)]
    pub test: Test,
    /// The template people get; nothing if it was deleted.
    pub template: Option<String>,
}

/// Rules as a file holds them: what `rule list --json` prints.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RuleFile {
    /// First match wins.
    pub rules: Vec<RuleDocument>,
    /// The template of everyone else; nothing if they are refused.
    #[serde(default)]
    pub everyone_else: Option<String>,
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
pub(crate) fn rule_documents(
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

pub(super) fn everyone_else(
    set: &RuleSet,
    templates: &HashMap<TemplateId, String>,
) -> Option<String> {
    match set.everyone_else {
        EveryoneElse::Refuse => None,
        EveryoneElse::Template(id) => templates.get(&id).cloned(),
    }
}

/// What looks wrong.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LintDocument {
    /// The provider's slug.
    pub provider: String,
    /// How many people's claims the rules were held against.
    pub people_known: u32,
    /// In the order of the rules.
    pub findings: Vec<Finding>,
}

/// What a draft would change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PreviewDocument {
    /// The provider's slug.
    pub provider: String,
    /// Everybody who was looked at, at most 200 of them person by person.
    #[serde(flatten)]
    pub survey: Survey,
}

/// What one rule said to claims.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VerdictDocument {
    /// The rule's number.
    pub number: usize,
    /// Whether its own test is met.
    pub matched: bool,
    /// Whether it decides.
    pub decides: bool,
    /// Why.
    pub words: String,
}

/// What rules do with one set of claims.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrialDocument {
    /// The provider's slug.
    pub provider: String,
    /// The mailbox whose person came with the claims, if they are somebody's.
    pub address: Option<String>,
    /// When the person first came with just these.
    pub since: Option<String>,
    /// What comes of it.
    pub outcome: String,
    /// The code that would be met.
    pub code: Option<String>,
    /// The number of the rule that decides.
    pub decides: Option<usize>,
    /// Every rule.
    pub verdicts: Vec<VerdictDocument>,
    /// The mailbox's fields: what they are, what they become, what the template says.
    pub fields: Vec<FieldLine>,
    /// The claims, each in one line.
    pub claims: BTreeMap<String, String>,
    /// Claims that were too large to be kept.
    pub left_out: Vec<String>,
}

impl TrialDocument {
    pub(super) fn of(provider: String, trial: Trial) -> Self {
        let (address, since) = trial.person.unzip();
        Self {
            provider,
            address: address.map(|address| address.to_string()),
            since: since.map(moment),
            outcome: trial.outcome,
            code: trial.refusal.map(|refusal| refusal.code.to_string()),
            decides: trial.decides.map(|at| at + 1),
            verdicts: trial
                .verdicts
                .into_iter()
                .map(|verdict| VerdictDocument {
                    number: verdict.position + 1,
                    matched: verdict.matched,
                    decides: verdict.decides,
                    words: verdict.words(),
                })
                .collect(),
            fields: trial.fields,
            claims: trial.claims.into_iter().collect(),
            left_out: trial.left_out,
        }
    }
}

/// A line of what changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LineDocument {
    /// Whether it is new, gone or the same.
    pub mark: Mark,
    /// The line.
    pub line: String,
}

/// A state of rules.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StateDocument {
    /// Its id, for `rule restore`.
    pub id: i64,
    /// When it was saved.
    pub at: String,
    /// By whom.
    pub by: String,
    /// The rules.
    pub rules: Vec<RuleDocument>,
    /// The template of everyone else; nothing if they are refused.
    pub everyone_else: Option<String>,
    /// What it changed.
    pub changes: Vec<LineDocument>,
}

/// The states of a provider's rules.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HistoryDocument {
    /// The provider's slug.
    pub provider: String,
    /// The one in force first.
    pub states: Vec<StateDocument>,
}

/// What stands in the way of a change that would refuse people.
pub(super) fn refusing(refused: u32) -> Problem {
    let who = match refused {
        1 => "1 person who gets in now".to_owned(),
        many => format!("{many} people who get in now"),
    };
    Problem::InUse(format!(
        "{who} would be refused at the next sign-in; look with --dry-run, or say --yes"
    ))
}
