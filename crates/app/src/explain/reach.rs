//! Asking a provider now whether it can be reached: the one gate that needs the network.

use super::{Explanation, Verdict};
use crate::{App, Problem, provider_calls};
use model::attempt::{Step, StepState};
use model::outcome::{Code, Fix, Refusal};
use model::rules::gates::Gate;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use upstream::probe::StepState as Probed;

/// How a provider was reached.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reached {
    /// The provider's slug.
    pub provider: String,
    /// The gate as it stands now.
    pub step: Step,
    /// Why it is shut.
    pub refusal: Option<Refusal>,
    /// How long it took.
    pub ms: u64,
}

impl App {
    /// Asks a provider for what a sign-in begins with: its name, a connection, its document, its
    /// keys. Sends nothing secret, and ends within 15 seconds.
    ///
    /// # Errors
    /// [`Problem::NotFound`], [`Problem::Unavailable`].
    pub async fn reach(&self, slug: &str) -> Result<Reached, Problem> {
        let provider = self.provider(slug).await?;
        let settings = self.call_settings(&provider).await?;
        let redirect = provider_calls::redirect(&self.redirect_url(&provider))?;
        let begun = Instant::now();
        let steps = self.upstream.reach(&settings, &redirect).await;
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let name = &provider.settings.name;
        let mut failed = steps.iter().filter(|step| step.state == Probed::Failed);
        // A clock that differs makes a sign-in fail, and the provider was reached all the same.
        let skewed = |step: &&upstream::probe::Step| step.code == Some(Code::ClockSkew);
        let skew = failed.clone().find(skewed);
        let failed = failed.find(|step| !skewed(step));
        let answered = format!("{name} answered in {ms} ms");
        let (state, evidence, refusal) = match (failed, skew) {
            (Some(step), _) => {
                let code = step.code.unwrap_or(Code::ProviderUnreachable);
                let refusal = Refusal::new(code)
                    .with("provider", name)
                    .with("detail", &step.evidence)
                    .with("host", name)
                    .with("url", name);
                let words = format!("{}: {}", step.name.label(), step.evidence);
                (StepState::Blocked, words, Some(refusal))
            }
            (None, Some(step)) => {
                let words = format!("{answered}; {}: {}", step.name.label(), step.evidence);
                (StepState::Warn, words, None)
            }
            (None, None) => (
                StepState::Ok,
                format!("{answered}, with everything a sign-in begins with"),
                None,
            ),
        };
        Ok(Reached {
            provider: provider.slug,
            step: Step {
                gate: Gate::ProviderReachable.label().to_owned(),
                state,
                evidence,
                took_ms: Some(ms),
                ms: None,
                at: Some(self.clock.now()),
            },
            refusal,
            ms,
        })
    }
}

impl Explanation {
    /// The same with what its provider said just now: one that cannot be reached blocks, unless
    /// something else does already.
    #[must_use]
    pub fn with(mut self, reached: Reached) -> Self {
        let label = Gate::ProviderReachable.label();
        let found = self.gates.iter_mut().find(|step| step.gate == label);
        let Some(step) = found else { return self };
        *step = reached.step;
        if let (Some(refusal), false) = (reached.refusal, self.verdict == Verdict::BlockedNow) {
            self.verdict = Verdict::BlockedNow;
            self.sentence = format!("{} cannot sign in now. {}", self.address, step.evidence);
            self.fix = Some((
                Fix::ProviderCheck,
                format!("gatepost provider check {}", reached.provider),
            ));
            self.blocked = Some(refusal);
            let shut = self.gates.iter().position(|step| step.gate == label);
            for step in self.gates.iter_mut().skip(shut.map_or(0, |at| at + 1)) {
                if step.gate != Gate::MailPrograms.label() {
                    step.state = StepState::NotReached;
                    step.evidence.clear();
                    step.at = None;
                }
            }
        }
        self
    }
}
