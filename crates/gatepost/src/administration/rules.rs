//! The rules of a provider: which template people get.

mod documents;

pub use documents::{
    HistoryDocument, LineDocument, LintDocument, PreviewDocument, RuleDocument, RuleFile, RuleList,
    StateDocument, TrialDocument, VerdictDocument,
};

use app::rules::{Reach, Saving, Tried, pasted, set_of};
use app::{App, Problem};
use documents::{everyone_else, refusing};
use model::address::Address;
use model::audit::Actor;
use model::ids::{RuleVersionId, TemplateId};
use model::provider::EveryoneElse;
use model::rule::{Rule, Test};
use model::rules::versions::{RuleSet, difference};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(super) use documents::rule_documents;

use super::{document, moment, templates};

/// What is asked about the rules of a provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RuleRequest {
    /// The provider's slug.
    pub provider: String,
    /// What to do.
    pub verb: RuleVerb,
    /// How a change is done.
    #[serde(default)]
    pub how: How,
}

/// How a change is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct How {
    /// Not at all: the answer says what it would change for everybody.
    pub dry_run: bool,
    /// Also when people who get in now would be refused.
    pub yes: bool,
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
    /// Changes one; what is not given stays.
    Edit {
        /// Its number, from 1.
        number: usize,
        /// The claim's path.
        claim: Option<String>,
        /// What its value must be.
        test: Option<Test>,
        /// The template's name.
        template: Option<String>,
    },
    /// Gives one another number.
    Move {
        /// Its number, from 1.
        number: usize,
        /// The number it gets; the last one if there are not so many.
        to: usize,
    },
    /// Removes one by its number, from 1.
    Remove(usize),
    /// Decides for everyone else: a template's name, or nothing to refuse them.
    EveryoneElse(Option<String>),
    /// Puts all of them in place of those in force.
    Set(RuleFile),
    /// Puts an earlier state in force again.
    Restore(i64),
    /// Says what rules would change for everybody; those in force without any.
    Preview(Option<RuleFile>),
    /// Says what looks wrong with those in force.
    Lint,
    /// Says what those in force do with one set of claims.
    Try {
        /// Whose claims.
        on: TryOn,
        /// With the values of private claims, which is put on record.
        open: bool,
    },
    /// Shows the states before.
    History,
}

/// Whose claims rules are tried on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TryOn {
    /// Those of the last sign-in of the person of this mailbox.
    Address(String),
    /// Those of the newest test sign-in.
    LastTest,
    /// Claims as JSON text.
    Claims(String),
}

pub(super) async fn answer(
    app: &App,
    actor: &Actor,
    request: RuleRequest,
) -> Result<Value, Problem> {
    let RuleRequest {
        provider,
        verb,
        how,
    } = request;
    let in_force = app.rules(&provider).await?;
    let now = set_of(&in_force.provider.settings);
    let changed = match verb {
        RuleVerb::List => return list(app, provider).await,
        RuleVerb::History => return history(app, provider).await,
        RuleVerb::Lint => return lint(app, provider, &now).await,
        RuleVerb::Try { on, open } => {
            return tried(app, open.then_some(actor), provider, &now, on).await;
        }
        RuleVerb::Preview(file) => {
            let set = match file {
                Some(file) => set(app, file).await?,
                None => now,
            };
            return preview(app, provider, &set).await;
        }
        RuleVerb::Set(file) => set(app, file).await?,
        RuleVerb::Restore(id) => app.rule_version(&provider, RuleVersionId(id)).await?.set,
        other => edited(app, &provider, now, other).await?,
    };
    if how.dry_run {
        return preview(app, provider, &changed).await;
    }
    let seen = Some(in_force.version.id);
    let saving = app.save_asking(actor, &provider, changed, seen, how.yes);
    match saving.await? {
        Saving::Saved(_) => list(app, provider).await,
        Saving::Asks(survey) => Err(refusing(survey.refused)),
    }
}

/// The rules after a change of one of them.
async fn edited(
    app: &App,
    provider: &str,
    mut set: RuleSet,
    verb: RuleVerb,
) -> Result<RuleSet, Problem> {
    let place = |number: usize, rules: &[Rule]| {
        let at = number.checked_sub(1).filter(|at| *at < rules.len());
        at.ok_or_else(|| Problem::NotFound(format!("rule {number} of the provider {provider}")))
    };
    match verb {
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
            let end = set.rules.len();
            let at = number.map_or(end, |number| number.saturating_sub(1).min(end));
            set.rules.insert(at, rule);
        }
        RuleVerb::Edit {
            number,
            claim,
            test,
            template,
        } => {
            let at = place(number, &set.rules)?;
            let template = match template {
                Some(name) => Some(app.template(&name).await?.id),
                None => None,
            };
            let rule = &mut set.rules[at];
            rule.claim = claim.unwrap_or_else(|| rule.claim.clone());
            rule.test = test.unwrap_or_else(|| rule.test.clone());
            rule.template = template.unwrap_or(rule.template);
        }
        RuleVerb::Move { number, to } => {
            let at = place(number, &set.rules)?;
            let rule = set.rules.remove(at);
            let to = to.saturating_sub(1).min(set.rules.len());
            set.rules.insert(to, rule);
        }
        RuleVerb::Remove(number) => {
            let at = place(number, &set.rules)?;
            set.rules.remove(at);
        }
        RuleVerb::EveryoneElse(template) => {
            set.everyone_else = everyone(app, template).await?;
        }
        // Answered before.
        RuleVerb::List
        | RuleVerb::History
        | RuleVerb::Lint
        | RuleVerb::Try { .. }
        | RuleVerb::Preview(_)
        | RuleVerb::Set(_)
        | RuleVerb::Restore(_) => {}
    }
    Ok(set)
}

async fn everyone(app: &App, template: Option<String>) -> Result<EveryoneElse, Problem> {
    Ok(match template {
        Some(name) => EveryoneElse::Template(app.template(&name).await?.id),
        None => EveryoneElse::Refuse,
    })
}

/// The rules of a file.
async fn set(app: &App, file: RuleFile) -> Result<RuleSet, Problem> {
    let mut rules = Vec::with_capacity(file.rules.len());
    for (at, rule) in file.rules.into_iter().enumerate() {
        let name = rule.template.ok_or_else(|| {
            Problem::field(&format!("rules.{}", at + 1), "name the template it gives")
        })?;
        rules.push(Rule {
            claim: rule.claim,
            test: rule.test,
            template: app.template(&name).await?.id,
        });
    }
    Ok(RuleSet {
        rules,
        everyone_else: everyone(app, file.everyone_else).await?,
    })
}

async fn list(app: &App, provider: String) -> Result<Value, Problem> {
    let templates = templates::names(app).await?;
    let set = set_of(&app.provider(&provider).await?.settings);
    document(RuleList {
        provider,
        rules: rule_documents(&set.rules, &templates),
        everyone_else: everyone_else(&set, &templates),
    })
}

async fn lint(app: &App, provider: String, set: &RuleSet) -> Result<Value, Problem> {
    let reach = Reach {
        rows: 0,
        ..Reach::PAGE
    };
    let survey = app.survey_rules(&provider, set, reach).await?;
    document(LintDocument {
        provider,
        people_known: survey.seen.people(),
        findings: survey.findings,
    })
}

async fn preview(app: &App, provider: String, set: &RuleSet) -> Result<Value, Problem> {
    app::rules::check(set)?;
    let survey = app.survey_rules(&provider, set, Reach::PAGE).await?;
    document(PreviewDocument { provider, survey })
}

async fn tried(
    app: &App,
    opened_by: Option<&Actor>,
    provider: String,
    set: &RuleSet,
    on: TryOn,
) -> Result<Value, Problem> {
    // Options of the command line have names of their own.
    let named = |problem: Problem| match problem {
        Problem::Invalid(mut fields) => {
            for field in &mut fields {
                field.field = field.field.replace("try_json", "claims");
                field.field = field.field.replace("try_address", "address");
                field.field = field.field.replace("try_from", "last_test");
            }
            Problem::Invalid(fields)
        }
        other => other,
    };
    let tried = match on {
        TryOn::Claims(text) => Tried::Claims(pasted(&text).map_err(named)?),
        TryOn::LastTest => Tried::LastTest,
        TryOn::Address(text) => Tried::Person(
            Address::parse(text.trim()).map_err(|error| Problem::field("address", error))?,
        ),
    };
    let trial = match opened_by {
        None => app.try_rules(&provider, set, tried).await,
        Some(actor) => app.open_trial(actor, &provider, set, tried).await,
    };
    let trial = trial.map_err(named)?;
    document(TrialDocument::of(provider, trial))
}

async fn history(app: &App, provider: String) -> Result<Value, Problem> {
    let templates = templates::names(app).await?;
    let versions = app.rule_history(&provider).await?;
    let named = |id: TemplateId| templates.get(&id).cloned();
    let lines: Vec<_> = versions.iter().map(|v| v.set.lines(named)).collect();
    let nothing = Vec::new();
    let states = versions.iter().enumerate().map(|(at, version)| {
        let before = lines.get(at + 1).unwrap_or(&nothing);
        StateDocument {
            id: version.id.0,
            at: moment(version.at),
            by: version.actor.name().to_owned(),
            rules: rule_documents(&version.set.rules, &templates),
            everyone_else: everyone_else(&version.set, &templates),
            changes: difference(before, &lines[at])
                .into_iter()
                .map(|(mark, line)| LineDocument { mark, line })
                .collect(),
        }
    });
    let states = states.collect();
    document(HistoryDocument { provider, states })
}
