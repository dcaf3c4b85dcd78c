//! Letting somebody try again who tried too often: an administrator's act, written down.

use crate::ports::Account;
use crate::{App, Problem, audit};
use model::attempt::{Attempt, Door, Reference};
use model::audit::Actor;
use model::outcome::Remedy;
use serde_json::json;
use store::{Conn, StoreError};

impl App {
    /// Forgets what was counted of the account and the network of an attempt that was refused for
    /// too many tries.
    ///
    /// # Errors
    /// [`Problem::NotFound`]; [`Problem::InUse`] for an attempt that was refused for something else;
    /// [`Problem::Unavailable`] while the auth worker is away.
    pub async fn clear_tries(
        &self,
        actor: &Actor,
        reference: &Reference,
    ) -> Result<Attempt, Problem> {
        let attempt = self.attempt(reference).await?;
        let remedy = attempt.refusal.as_ref().and_then(|why| why.remedy());
        if remedy != Some(Remedy::ClearTries) {
            return Err(Problem::InUse(
                "this attempt was not refused for too many tries".to_owned(),
            ));
        }
        if attempt.door == Door::Provider {
            self.starts.clear(attempt.ip);
        } else if let Some(name) = &attempt.address {
            let account = account(name);
            let cleared = self.desk.clear(account, attempt.ip).await;
            cleared.map_err(|error| Problem::Unavailable(error.to_string()))?;
        }
        let (now, actor, object) = (self.clock.now(), actor.clone(), reference.clone());
        let details = json!({ "account": attempt.address, "network": attempt.ip });
        self.store
            .write(async move |tx: &mut Conn| {
                let details = details.clone();
                audit::note(tx, now, &actor, "tries.clear", &object, details).await?;
                Ok::<_, StoreError>(())
            })
            .await?;
        Ok(attempt)
    }
}

/// The account that an attempt was counted at: a name without @ is an administrator's.
fn account(name: &str) -> Account {
    if name.contains('@') {
        Account::Mailbox(name.to_owned())
    } else {
        Account::Admin(name.to_lowercase())
    }
}
