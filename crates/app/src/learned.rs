//! Storing what the auth worker learned: last uses, mail attempts, better hashes.

use crate::ports::Learned;
use crate::{App, Problem};
use store::{Conn, StoreError};

impl App {
    /// Stores a batch. Statistics: a crash may lose the last of them, never damage anything.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] only; the batch is then lost.
    pub async fn store_learned(&self, batch: Vec<Learned>) -> Result<(), Problem> {
        self.store
            .write_statistics(async move |tx: &mut Conn| {
                for learned in &batch {
                    store_one(tx, learned).await?;
                }
                Ok::<_, StoreError>(())
            })
            .await?;
        Ok(())
    }
}

async fn store_one(tx: &mut Conn, learned: &Learned) -> Result<(), StoreError> {
    let stored = match learned {
        Learned::AppPasswordUsed(id, last) => store::app_passwords::record_use(tx, *id, last).await,
        Learned::PasswordUsed(mailbox, last) => {
            store::password_uses::record(tx, *mailbox, last).await
        }
        Learned::Attempt(attempt, bucket) => {
            store::attempts::upsert_mail(tx, attempt, bucket).await
        }
        Learned::Rehash(mailbox, old, new) => store::mailboxes::rehash(tx, *mailbox, old, new)
            .await
            .map(drop),
    };
    match stored {
        // The mailbox or app password was deleted meanwhile: nothing to remember.
        Err(StoreError::Missing | StoreError::Constraint(_)) => Ok(()),
        other => other,
    }
}
