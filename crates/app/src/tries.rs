//! Letting somebody try again who tried too often: an administrator's act, written down.

use crate::ports::Account;
use crate::{App, Problem, audit};
use model::address::Address;
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
        // At a provider's door people start sign-ins, and prove passwords to link a mailbox.
        if attempt.door == Door::Provider {
            self.starts.clear(attempt.ip);
        }
        // And at that of an app they type the codes of devices.
        if let (Door::App, Some(mailbox)) = (&attempt.door, attempt.mailbox) {
            self.waiting.lock().forgive(mailbox);
        }
        match &attempt.address {
            Some(name) => {
                let cleared = self
                    .desk
                    .clear(account(&attempt.door, name), attempt.ip)
                    .await;
                cleared.map_err(|error| Problem::Unavailable(error.to_string()))?;
            }
            None if attempt.door == Door::Provider => {}
            None => {
                return Err(Problem::InUse(
                    "this row stands for many attempts and names no account".to_owned(),
                ));
            }
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

/// The account that an attempt was counted at: on the web, a name without @ is an administrator's.
fn account(door: &Door, name: &str) -> Account {
    if name.contains('@') || matches!(door, Door::Mail(_)) {
        let canonical = Address::parse(name);
        Account::Mailbox(canonical.map_or_else(|_| name.to_lowercase(), String::from))
    } else {
        Account::Admin(name.to_lowercase())
    }
}
