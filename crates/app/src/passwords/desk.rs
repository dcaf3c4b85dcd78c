//! The password desk of the auth worker: budgets first, then the pool.

use super::{Budgets, Delay, HashPool, StoredHash};
use crate::ports::{
    Answer, OtherTry, PasswordDesk, PasswordQuestion, PasswordVerdict, Unavailable, Wait,
};
use secrecy::SecretString;
use std::net::IpAddr;
use std::sync::Arc;

/// Budgets and pool in this process.
#[derive(Debug, Clone)]
pub struct LocalDesk {
    budgets: Arc<Budgets>,
    pool: Arc<HashPool>,
}

impl LocalDesk {
    /// A desk over the process's budgets and pool.
    #[must_use]
    pub const fn new(budgets: Arc<Budgets>, pool: Arc<HashPool>) -> Self {
        Self { budgets, pool }
    }

    /// Checks a human password and, when it was wrong, says how long to hold the answer back: mail
    /// programs get it late, web pages at once (they are held back by the budgets alone).
    pub async fn check(&self, question: PasswordQuestion) -> (PasswordVerdict, Option<Delay>) {
        let PasswordQuestion {
            account,
            ip,
            password,
            hash,
        } = question;
        if let Err(wait) = self.budgets.permit(&account, ip) {
            return (PasswordVerdict::Throttled(wait), None);
        }
        let stored = hash.as_deref().map(StoredHash::parse);
        let (stored, outdated) = match stored {
            Some(Ok(stored)) => {
                let outdated = stored.is_outdated();
                (Some(stored), outdated)
            }
            Some(Err(error)) => {
                tracing::error!(%error, "stored password hash cannot be verified");
                (None, false)
            }
            None => (None, false),
        };
        match self.pool.verify(password.clone(), stored).await {
            Err(Unavailable) => (PasswordVerdict::Unavailable, None),
            Ok(false) => {
                let delay = self.budgets.failed(&account, ip);
                (PasswordVerdict::Wrong, Some(delay))
            }
            Ok(true) => {
                self.budgets.succeeded(&account, ip);
                let rehash = if outdated {
                    self.pool.hash(password).await.ok()
                } else {
                    None
                };
                (PasswordVerdict::Right { rehash }, None)
            }
        }
    }

    /// The budgets, for callers that refuse before there is anything to hash.
    #[must_use]
    pub fn budgets(&self) -> &Budgets {
        &self.budgets
    }
}

/// The budget account of a try that has no account.
const fn other_account(kind: OtherTry) -> &'static str {
    match kind {
        OtherTry::SetupLink => "setup-link",
        OtherTry::LinkProof => "link-proof",
        OtherTry::ClientSecret => "client-secret",
    }
}

impl PasswordDesk for LocalDesk {
    fn verify<'a>(&'a self, question: PasswordQuestion) -> Answer<'a, PasswordVerdict> {
        Box::pin(async move { self.check(question).await.0 })
    }

    fn hash<'a>(&'a self, password: SecretString) -> Answer<'a, Result<String, Unavailable>> {
        Box::pin(self.pool.hash(password))
    }

    fn try_other<'a>(&'a self, kind: OtherTry, ip: Option<IpAddr>) -> Answer<'a, Result<(), Wait>> {
        Box::pin(async move {
            self.budgets.permit(other_account(kind), ip)?;
            self.budgets.failed(other_account(kind), ip);
            Ok(())
        })
    }

    fn forgive<'a>(&'a self, kind: OtherTry, ip: Option<IpAddr>) -> Answer<'a, ()> {
        Box::pin(async move { self.budgets.succeeded(other_account(kind), ip) })
    }
}
