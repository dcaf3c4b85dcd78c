//! Why an address can or cannot sign in.

use app::explain::{Explanation, Verdict};
use app::{App, Problem};
use model::attempt::Step;
use model::outcome::Refusal;
use model::provider::Provider;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::attempts::{AttemptDocument, Slugs};
use super::document;

/// What is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WhyRequest {
    /// An address or an attempt's reference.
    pub who: String,
    /// The provider is asked whether it can be reached.
    #[serde(default)]
    pub check: bool,
}

/// The explanation of an address.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WhyDocument {
    /// The canonical address; empty of an attempt that ended before anybody was named.
    pub address: String,
    /// `blocked_now`, `would_work_now` or `could_not_tell`.
    pub verdict: Verdict,
    /// The verdict in a sentence.
    pub sentence: String,
    /// The code of what stands in the way, or of the last refusal.
    pub code: Option<String>,
    /// The command that mends it.
    pub fix: Option<String>,
    /// The slug of the provider by which the person most likely comes.
    pub provider: Option<String>,
    /// What is asked on that way, in order, always all of it.
    pub gates: Vec<Step>,
    /// Other ways in.
    pub others: Vec<Step>,
    /// The last attempts, newest first.
    pub attempts: Vec<AttemptDocument>,
    /// The attempt whose reference was asked for.
    #[serde(default)]
    pub asked: Option<AskedDocument>,
}

/// One attempt, as it was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AskedDocument {
    /// The attempt.
    #[serde(flatten)]
    pub attempt: AttemptDocument,
    /// What the person read.
    pub person: Option<String>,
    /// The command that mends what it met.
    pub fix: Option<String>,
}

pub(super) async fn answer(app: &App, request: WhyRequest) -> Result<Value, Problem> {
    let slugs = Slugs::read(app).await?;
    let mut explanation = app.explain(&request.who).await?;
    if let Some(slug) = explanation.provider.clone().filter(|_| request.check) {
        explanation = explanation.with(app.reach(&slug).await?);
    }
    let slug = slug_of(&app.providers().await?, &explanation);
    let asked = explanation.asked.map(|asked| AskedDocument {
        person: asked.attempt.refusal.as_ref().map(Refusal::person),
        attempt: slugs.document(&asked.attempt),
        fix: asked.fix.map(|(_, command)| command),
    });
    let attempts = explanation.attempts.iter();
    document(WhyDocument {
        address: explanation.address,
        verdict: explanation.verdict,
        sentence: explanation.sentence,
        code: explanation.blocked.map(|refusal| refusal.code.to_string()),
        fix: explanation
            .fix
            .map(|(_, command)| command.replace("SLUG", &slug)),
        provider: explanation.provider,
        gates: explanation.gates,
        others: explanation.others,
        attempts: attempts.map(|attempt| slugs.document(attempt)).collect(),
        asked,
    })
}

/// The provider that the command is about: the one that the refusal names, or the one through which
/// the last attempt came, or the only one. Left to fill in otherwise.
fn slug_of(providers: &[Provider], explanation: &Explanation) -> String {
    let facts = explanation.blocked.as_ref().map(|refusal| &refusal.facts);
    let named = facts.and_then(|facts| facts.get("provider"));
    let last = explanation.attempts.first().and_then(|last| last.provider);
    let of = |holds: &dyn Fn(&Provider) -> bool| providers.iter().find(|one| holds(one));
    let only = || providers.first().filter(|_| providers.len() == 1);
    of(&|one| Some(&one.settings.name) == named)
        .or_else(|| of(&|one| Some(one.id) == last))
        .or_else(only)
        .map_or_else(|| "SLUG".to_owned(), |provider| provider.slug.clone())
}
