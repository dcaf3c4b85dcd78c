//! Results of test sign-ins, as far as they are kept.

use app::test_sign_in::{Found, TestSignIn};
use app::{App, Problem};
use model::audit::Actor;
use model::outcome::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{document, moment};

/// The test sign-ins of a provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TestList {
    /// The provider's slug.
    pub provider: String,
    /// The page on which an administrator starts one, and where the results are.
    pub open: String,
    /// Whether one has passed that still counts: the provider may be switched on.
    pub passed: bool,
    /// The results that are kept, newest first.
    pub tests: Vec<TestDocument>,
}

/// One test sign-in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TestDocument {
    /// Its name in its address.
    pub id: String,
    /// When it ended.
    pub at: String,
    /// Until when it is kept.
    pub kept_until: String,
    /// Which administrator it was.
    pub by: String,
    /// Whether a sign-in would have led into a mailbox.
    pub passed: bool,
    /// What would have become of it.
    pub sentence: String,
    /// Why it would have been refused.
    pub refusal: Option<TestRefusal>,
    /// What to notice although it passed.
    pub notice: Option<TestRefusal>,
    /// What was found on the way.
    #[serde(flatten)]
    pub found: Found,
}

/// A code with its words.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TestRefusal {
    /// The code.
    pub code: String,
    /// What the person would read.
    pub person: String,
    /// What administrators read.
    pub admin: String,
}

impl From<&Refusal> for TestRefusal {
    fn from(refusal: &Refusal) -> Self {
        Self {
            code: refusal.code.to_string(),
            person: refusal.person(),
            admin: refusal.admin(),
        }
    }
}

/// The results; with the values of private claims if they are opened, which is put on record.
pub(super) async fn answer(
    app: &App,
    opened_by: Option<&Actor>,
    slug: &str,
) -> Result<Value, Problem> {
    let provider = app.provider(slug).await?;
    let mut tests = app.test_sign_ins(slug).await?;
    if let Some(actor) = opened_by {
        for test in &mut tests {
            let id = test.id.to_string();
            *test = app.open_test_sign_in(actor, slug, &id).await?;
        }
    }
    document(TestList {
        open: format!(
            "{}/admin/providers/{}/tests",
            app.public_url(),
            provider.slug
        ),
        passed: app.test_passed(&provider).is_some(),
        provider: provider.slug,
        tests: tests.iter().map(|test| describe(test)).collect(),
    })
}

fn describe(test: &TestSignIn) -> TestDocument {
    TestDocument {
        id: test.id.to_string(),
        at: moment(test.at),
        kept_until: moment(test.ends),
        by: test.by.clone(),
        passed: test.passed,
        sentence: test.sentence.clone(),
        refusal: test.refusal.as_ref().map(TestRefusal::from),
        notice: test.notice.as_ref().map(TestRefusal::from),
        found: test.found.clone(),
    }
}
