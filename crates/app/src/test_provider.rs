//! The connection test: the login's own code, step by step.

use crate::{App, Problem, provider_calls};
use model::outcome::Code;
use serde::{Deserialize, Serialize};
use upstream::probe::{Step, StepState};

/// One line of the connection test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckLine {
    /// What was looked at.
    pub name: String,
    /// How it stands.
    pub state: CheckState,
    /// What was seen. Never a secret.
    pub evidence: String,
    /// What to do, when something is to be done; else empty.
    pub fix: String,
    /// How long it took.
    pub millis: u64,
    /// The code a sign-in would end with because of this.
    pub code: Option<Code>,
}

/// How a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// Good.
    Ok,
    /// Works, with something to look at; or could not tell.
    Warn,
    /// A sign-in would fail here.
    Failed,
    /// Not tried, because an earlier line failed.
    Skipped,
}

impl App {
    /// Tests a stored provider, switched on or off; lines arrive one by one at `each`, and all of
    /// them are returned. At most 15 seconds.
    pub async fn test_provider(
        &self,
        slug: &str,
        each: &mut (dyn FnMut(&CheckLine) + Send),
    ) -> Result<Vec<CheckLine>, Problem> {
        let provider = self.provider(slug).await?;
        let settings = match self.secret_settings(&provider, None).await? {
            Ok(settings) => settings,
            // Its document cannot be read: the test says so itself, and has no use for the secret.
            Err(_) => self.call_settings(&provider).await?,
        };
        let redirect = provider_calls::redirect(&self.redirect_url(&provider))?;
        let report = self
            .upstream
            .probe(&settings, &redirect, |step| each(&CheckLine::from(step)))
            .await;
        Ok(report.steps.iter().map(CheckLine::from).collect())
    }
}

/// What `fix` says beyond `evidence`: the words of some codes begin with what was seen, while the
/// evidence has the call in front of it.
fn news<'a>(fix: &'a str, evidence: &str) -> &'a str {
    let seen = evidence.split_once(": ").map_or(evidence, |(_, seen)| seen);
    let rest = fix.strip_prefix(seen).filter(|_| !seen.is_empty());
    rest.map_or(fix, |rest| rest.trim_start_matches(['.', ' ']))
}

impl From<&Step> for CheckLine {
    fn from(step: &Step) -> Self {
        Self {
            name: step.name.label().to_owned(),
            state: match step.state {
                StepState::Ok => CheckState::Ok,
                StepState::Warn => CheckState::Warn,
                StepState::Failed => CheckState::Failed,
                StepState::Skipped => CheckState::Skipped,
            },
            evidence: step.evidence.clone(),
            fix: news(step.fix.as_deref().unwrap_or_default(), &step.evidence).to_owned(),
            millis: step.ms,
            code: step.code,
        }
    }
}
