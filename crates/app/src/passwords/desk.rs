//! The password desk of the auth worker: budgets first, then the pool.

use super::{Budgets, Charge, Delay, HashPool, Held, StoredHash};
use crate::ports::{
    Account, Answer, OtherTry, PasswordDesk, PasswordQuestion, PasswordVerdict, Standing,
    StandingQuestion, Unavailable, Wait,
};
use secrecy::{ExposeSecret as _, SecretString};
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

    /// Admits a try before anything is looked up for it.
    ///
    /// # Errors
    /// The verdict that says why not.
    pub async fn admit(
        &self,
        account: &Account,
        ip: Option<IpAddr>,
    ) -> Result<Charge<'_>, PasswordVerdict> {
        let admitted = self.budgets.admit(account, ip).await;
        admitted.map_err(PasswordVerdict::from)
    }

    /// Checks an admitted try that is bound to `stored` ([`Charge::against`]).
    pub async fn judge(
        &self,
        charge: Charge<'_>,
        password: SecretString,
        stored: Option<&str>,
    ) -> PasswordVerdict {
        let (stored, outdated) = match stored.map(StoredHash::parse) {
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
            Err(Unavailable) => {
                charge.withdraw();
                PasswordVerdict::Unavailable
            }
            Ok(false) => charge.failed().into(),
            Ok(true) => {
                charge.succeeded();
                let rehash = if outdated {
                    self.pool.hash(password).await.ok()
                } else {
                    None
                };
                PasswordVerdict::Right { rehash }
            }
        }
    }

    async fn check(&self, question: PasswordQuestion) -> Result<PasswordVerdict, PasswordVerdict> {
        let PasswordQuestion {
            account,
            ip,
            password,
            hash,
        } = question;
        let mut charge = self.admit(&account, ip).await?;
        charge.against(hash.as_deref(), password.expose_secret())?;
        Ok(self.judge(charge, password, hash.as_deref()).await)
    }

    /// The budgets, for callers that refuse before there is anything to hash.
    #[must_use]
    pub fn budgets(&self) -> &Budgets {
        &self.budgets
    }
}

impl From<Held> for PasswordVerdict {
    fn from(held: Held) -> Self {
        match held {
            Held::Wait(wait) => Self::Throttled(wait),
            Held::Stopped => Self::Stopped,
            Held::Busy => Self::Unavailable,
        }
    }
}

impl From<Delay> for PasswordVerdict {
    fn from(Delay(due): Delay) -> Self {
        Self::Wrong { due }
    }
}

impl PasswordDesk for LocalDesk {
    fn verify<'a>(&'a self, question: PasswordQuestion) -> Answer<'a, PasswordVerdict> {
        Box::pin(async move { self.check(question).await.unwrap_or_else(|held| held) })
    }

    fn hash<'a>(&'a self, password: SecretString) -> Answer<'a, Result<String, Unavailable>> {
        Box::pin(self.pool.hash(password))
    }

    fn try_other<'a>(&'a self, kind: OtherTry, ip: Option<IpAddr>) -> Answer<'a, Result<(), Wait>> {
        Box::pin(async move { self.budgets.try_other(kind, ip) })
    }

    fn forgive<'a>(&'a self, kind: OtherTry, ip: Option<IpAddr>) -> Answer<'a, ()> {
        Box::pin(async move { self.budgets.forgive(kind, ip) })
    }

    fn standing<'a>(
        &'a self,
        question: StandingQuestion,
    ) -> Answer<'a, Result<Standing, Unavailable>> {
        let StandingQuestion { account, ip, hash } = question;
        Box::pin(async move { Ok(self.budgets.standing(&account, ip, hash.as_deref())) })
    }

    fn clear<'a>(
        &'a self,
        account: Account,
        ip: Option<IpAddr>,
    ) -> Answer<'a, Result<(), Unavailable>> {
        Box::pin(async move {
            self.budgets.clear(&account, ip);
            Ok(())
        })
    }
}
