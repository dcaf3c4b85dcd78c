//! Test sign-ins: an administrator signs in by a provider, on or off, and sees what came of it.
//!
//! It is the sign-in's own code ([`crate::sign_in`]): the same redirect, exchange, proof, facts and
//! verdict. Only what carries a verdict out is left away, so nothing is stored, nobody is signed in
//! and no mailbox changes. What it showed is kept for half an hour in the memory of this process,
//! for every administrator; a restart loses it. The one thing that may be written on the way is
//! what the connection check writes too: a client secret is bound to the origin to which it is sent
//! for the first time, so that it never goes to another.
//!
//! A passed test is also what [`App::edit_provider`] asks for before it switches a provider on.

mod compose;
mod kept;
mod seen;

pub(crate) use compose::{Came, Ran};
pub(crate) use kept::{Connection, TestFlow, TestSignIns};
pub use model::rules::outcomes::RuleOutcome;

use crate::{App, Problem};
use model::attempt::Step;
use model::audit::Actor;
use model::foreign::printable;
use model::outcome::Refusal;
use model::provider::Provider;
use model::rules::difference::Difference;
use model::rules::outcomes::RuleLine;
use model::rules::privacy::Viewer;
use model::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// How long a result is kept, and how long a passed test counts.
pub const KEPT_FOR: Duration = Duration::from_secs(1800);

/// The name of a result in its address; nobody can guess it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TestId(pub(crate) String);

impl std::fmt::Display for TestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a test sign-in goes on.
#[derive(Debug, Clone)]
pub enum TestBegun {
    /// To this URL at the provider.
    Leave(String),
    /// Nowhere: it ended before it could leave, with this result.
    Ended(TestId),
}

/// What one test sign-in showed.
#[derive(Debug, Clone, PartialEq)]
pub struct TestSignIn {
    /// Its name.
    pub id: TestId,
    /// When it ended.
    pub at: Timestamp,
    /// Until when it is kept.
    pub ends: Timestamp,
    /// Which administrator it was.
    pub by: String,
    /// Whether a sign-in would have led into a mailbox, if need be after the local password.
    pub passed: bool,
    /// What would have become of it, in a sentence.
    pub sentence: String,
    /// Why it would have been refused.
    pub refusal: Option<Refusal>,
    /// What to notice although it passed.
    pub notice: Option<Refusal>,
    /// What was found on the way.
    pub found: Found,
}

/// What a test sign-in found, in the form in which programs get it too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The command that mends the refusal.
    pub fix: Option<String>,
    /// The scopes asked for.
    pub scopes_asked: String,
    /// Who came; `None` if nobody was proven.
    pub identity: Option<TestIdentity>,
    /// Everything the provider said about them, by name.
    pub claims: Vec<TestClaim>,
    /// Every rule in order, everyone else as the last; empty if nobody was proven.
    pub rules: Vec<RuleLine>,
    /// What would have become of the mailbox.
    pub mailbox: TestMailbox,
    /// The limits of the domain.
    pub room: Option<TestRoom>,
    /// What was done and found.
    pub steps: Vec<Step>,
}

/// Somebody whom the provider vouches for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestIdentity {
    /// The provider's stable name of them.
    pub subject: String,
    /// Where that name is unique.
    pub namespace: String,
    /// The address claim, canonical.
    pub address: Option<String>,
    /// The name claim.
    pub name: Option<String>,
    /// The scopes granted.
    pub scopes_granted: String,
    /// How they were proven.
    pub proof: String,
}

/// A claim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestClaim {
    /// Its name.
    pub name: String,
    /// Its value; the beginning of its text if it is [`TestClaim::cut`].
    pub value: Value,
    /// `id_token` or `userinfo`.
    pub origin: String,
    /// Whether it was too long to be kept whole.
    pub cut: bool,
}

/// What would become of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestMailbox {
    /// In a sentence.
    pub sentence: String,
    /// Its fields before and after; empty if no mailbox is concerned.
    pub fields: Vec<Difference>,
}

/// How full a domain is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestRoom {
    /// The domain.
    pub domain: String,
    /// Mailboxes and quota now, with their limits.
    pub now: String,
    /// The same after the sign-in, if it changes.
    pub then: Option<String>,
}

impl TestClaim {
    /// Its value as text, without characters that hide or turn text.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.value {
            Value::String(text) => printable(text, usize::MAX),
            other => printable(&other.to_string(), usize::MAX),
        }
    }

    /// Where it came in, in the words people read.
    #[must_use]
    pub fn came_in(&self) -> &'static str {
        if self.origin == "id_token" {
            "ID token"
        } else {
            "userinfo"
        }
    }
}

impl App {
    /// The results of a provider's test sign-ins that are still kept, newest first, without the
    /// values of private claims.
    ///
    /// # Errors
    /// [`Problem::NotFound`]: there is no such provider.
    pub async fn test_sign_ins(&self, slug: &str) -> Result<Vec<Arc<TestSignIn>>, Problem> {
        let private = self.private_claims().await?;
        let kept = self.kept_tests(slug).await?;
        let seen = |test: &Arc<TestSignIn>| test.seen_by(Viewer::Administrator, &private);
        Ok(kept.iter().map(seen).map(Arc::new).collect())
    }

    /// The same as they are.
    pub(crate) async fn kept_tests(&self, slug: &str) -> Result<Vec<Arc<TestSignIn>>, Problem> {
        let provider = self.provider(slug).await?;
        Ok(self.tests.of(provider.id, self.clock.now()))
    }

    /// One result, without the values of private claims.
    ///
    /// # Errors
    /// [`Problem::NotFound`]: no such provider, or no result of that name is kept any more.
    pub async fn test_sign_in(&self, slug: &str, id: &str) -> Result<Arc<TestSignIn>, Problem> {
        let private = self.private_claims().await?;
        let test = self.kept_test(slug, id).await?;
        Ok(Arc::new(test.seen_by(Viewer::Administrator, &private)))
    }

    /// One result with all its values, for an administrator who has a reason to see them: that it
    /// was opened, and by whom, is written down first.
    ///
    /// # Errors
    /// As [`App::test_sign_in`].
    pub async fn open_test_sign_in(
        &self,
        actor: &Actor,
        slug: &str,
        id: &str,
    ) -> Result<Arc<TestSignIn>, Problem> {
        let test = self.kept_test(slug, id).await?;
        self.note_opened(actor, "test_sign_in.open", slug).await?;
        Ok(test)
    }

    async fn kept_test(&self, slug: &str, id: &str) -> Result<Arc<TestSignIn>, Problem> {
        let kept = self.kept_tests(slug).await?;
        kept.into_iter()
            .find(|test| test.id.0 == id)
            .ok_or_else(|| {
                Problem::NotFound(
                    "such test sign-in any more; results are kept for half an hour".to_owned(),
                )
            })
    }

    /// When a test sign-in last passed by a provider as it is set up now, if that still counts.
    #[must_use]
    pub fn test_passed(&self, provider: &Provider) -> Option<Timestamp> {
        self.tests
            .passed(provider.id, &Connection::of(provider), self.clock.now())
    }
}
