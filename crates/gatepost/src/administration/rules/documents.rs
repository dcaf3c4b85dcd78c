//! What is printed of rules, their trial, their preview and their history.

use app::Problem;
use app::rules::{Survey, SurveyRow, Trial};
use model::ids::TemplateId;
use model::provider::EveryoneElse;
use model::rule::{Rule, Test};
use model::rules::fields::FieldLine;
use model::rules::lint::{Finding, Kind, Severity};
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

/// Something that looks wrong with rules.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FindingDocument {
    /// The rule's number; nothing for everyone else.
    pub number: Option<usize>,
    /// What it is.
    pub kind: Kind,
    /// How bad it is.
    pub severity: Severity,
    /// In a sentence.
    pub words: String,
}

impl From<Finding> for FindingDocument {
    fn from(finding: Finding) -> Self {
        Self {
            number: finding.position.map(|at| at + 1),
            severity: finding.kind.severity(),
            kind: finding.kind,
            words: finding.words,
        }
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
    pub findings: Vec<FindingDocument>,
}

/// What a draft would change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PreviewDocument {
    /// The provider's slug.
    pub provider: String,
    /// People who were looked at.
    pub people: u32,
    /// Whether these are all.
    pub complete: bool,
    /// Nothing changes for them.
    pub unchanged: u32,
    /// They get another template.
    pub changed: u32,
    /// They would get a template that does not fit, and keep what they have.
    pub not_applied: u32,
    /// No rule matches them any more; they keep what they have.
    pub unmatched: u32,
    /// They would be refused at their next sign-in.
    pub refused: u32,
    /// Their claims are not known.
    pub unknown: u32,
    /// Person by person, at most 200.
    pub rows: Vec<SurveyRow>,
    /// There are more.
    pub more_rows: bool,
    /// What looks wrong with the draft.
    pub findings: Vec<FindingDocument>,
}

impl PreviewDocument {
    pub(super) fn of(provider: String, survey: Survey) -> Self {
        Self {
            provider,
            people: survey.people,
            complete: survey.complete,
            unchanged: survey.unchanged,
            changed: survey.changed,
            not_applied: survey.not_applied,
            unmatched: survey.unmatched,
            refused: survey.refused,
            unknown: survey.unknown,
            rows: survey.rows,
            more_rows: survey.more_rows,
            findings: survey.findings.into_iter().map(Into::into).collect(),
        }
    }
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
                    words: verdict.words,
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
