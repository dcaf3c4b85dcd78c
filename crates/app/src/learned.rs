//! Storing what the auth worker learned: last uses, mail attempts, better hashes.

use crate::ports::Learned;
use crate::{App, Problem};
use model::attempt::{Attempt, Reference};
use model::random::Random;
use store::{Conn, StoreError, Taken};

impl App {
    /// Stores a batch. Statistics: a crash may lose the last of them, never damage anything. One
    /// that the store does not take is logged and loses none of the others.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] only; the batch is then lost.
    pub async fn store_learned(&self, batch: Vec<Learned>) -> Result<(), Problem> {
        let random = self.random.clone();
        self.store
            .write_statistics(async move |tx: &mut Conn| {
                for learned in &batch {
                    match store_one(tx, learned, random.as_ref()).await {
                        Ok(()) => {}
                        Err(StoreError::Unavailable(why)) => return Err(why.into()),
                        Err(error) => {
                            tracing::warn!(%error, "something learned could not be stored");
                        }
                    }
                }
                Ok::<_, StoreError>(())
            })
            .await?;
        Ok(())
    }
}

async fn store_one(
    tx: &mut Conn,
    learned: &Learned,
    random: &dyn Random,
) -> Result<(), StoreError> {
    let stored = match learned {
        Learned::AppPasswordUsed(id, last) => store::app_passwords::record_use(tx, *id, last).await,
        Learned::PasswordUsed(mailbox, last) => {
            store::password_uses::record(tx, *mailbox, last).await
        }
        Learned::Attempt(attempt, bucket) => {
            match store::attempts::upsert_mail(tx, attempt, bucket).await {
                // Nobody was told the reference of a mail attempt yet.
                Err(StoreError::Taken(Taken::Token)) => {
                    let renamed = Attempt {
                        reference: Reference::generate(random),
                        ..attempt.as_ref().clone()
                    };
                    store::attempts::upsert_mail(tx, &renamed, bucket).await
                }
                stored => stored,
            }
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
