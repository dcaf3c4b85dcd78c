//! Sweeping what has ended: sessions, flows, proofs, lapsed pending links, old attempts, app passwords
//! revoked long ago, and the mail of deleted mailboxes.

use crate::outbox::{self, Effect};
use crate::{App, Problem, ended};
use model::mailbox::directory_of;
use store::Conn;

/// Rows taken away in one round and table: a round never holds the writer for long.
const AT_ONCE: u32 = 500;

impl App {
    /// One bounded round; called every minute by the web worker.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] only.
    pub async fn sweep(&self) -> Result<(), Problem> {
        let now = self.clock.now();
        let oldest_attempt = now.minus(self.config.keep_attempts);
        let oldest_mail_attempt = now.minus(self.config.keep_mail_attempts);
        let oldest_change = now.minus(self.config.keep_audit);
        self.write_ringing(async move |tx: &mut Conn| {
            ended::kick(tx, now).await?;
            store::sign_in_flows::sweep(tx, now, AT_ONCE).await?;
            store::link_proofs::sweep(tx, now, AT_ONCE).await?;
            store::sessions::sweep(tx, now, AT_ONCE).await?;
            store::links::sweep_pending(tx, now).await?;
            store::attempts::prune_web(tx, oldest_attempt, AT_ONCE).await?;
            store::attempts::prune_mail(tx, oldest_mail_attempt, AT_ONCE).await?;
            // A phone that still tries one is told by name as long as its tries are remembered.
            store::app_passwords::forget_revoked(tx, oldest_mail_attempt, AT_ONCE).await?;
            store::audit::prune(tx, oldest_change, AT_ONCE).await?;
            for (storage, address) in store::mailboxes::deleted_due(tx, now, AT_ONCE).await? {
                let directory = directory_of(storage);
                tracing::info!(mailbox.address = %address, "the mail of a deleted mailbox is removed");
                outbox::put(tx, &Effect::RemoveMail { directory }, now).await?;
                store::mailboxes::deleted_removed(tx, storage).await?;
            }
            Ok(())
        })
        .await
    }
}
