//! Why an address can or cannot sign in.

use app::explain::Verdict;
use app::{App, Problem};
use model::attempt::Step;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::attempts::{AttemptDocument, Slugs};
use super::document;

/// The explanation of an address.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WhyDocument {
    /// The canonical address.
    pub address: String,
    /// `blocked_now`, `would_work_now` or `could_not_tell`.
    pub verdict: Verdict,
    /// The verdict in a sentence.
    pub sentence: String,
    /// The code of what stands in the way, or of the last refusal.
    pub code: Option<String>,
    /// The command that mends it.
    pub fix: Option<String>,
    /// What is asked, in order, up to the first gate that is shut.
    pub gates: Vec<Step>,
    /// The last attempts, newest first.
    pub attempts: Vec<AttemptDocument>,
}

pub(super) async fn answer(app: &App, who: &str) -> Result<Value, Problem> {
    let slugs = Slugs::read(app).await?;
    let explanation = app.explain(who).await?;
    let attempts = explanation.attempts.iter();
    document(WhyDocument {
        address: explanation.address,
        verdict: explanation.verdict,
        sentence: explanation.sentence,
        code: explanation.blocked.map(|refusal| refusal.code.to_string()),
        fix: explanation.fix.map(|(_, command)| command),
        gates: explanation.gates,
        attempts: attempts.map(|attempt| slugs.document(attempt)).collect(),
    })
}
