//! Removing the mail of deleted mailboxes when its time has come, aside from the outbox: thousands of
//! them hold up nobody whose sessions are to end.

use crate::ports::{Engines, Progress};
use crate::{App, Problem};
use model::time::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use store::mailboxes::DeletedMail;
use store::{Conn, StoreError};
use uuid::Uuid;

/// Mailboxes whose mail is being removed at once.
const AT_ONCE: usize = 100;
/// Rows looked at in one query.
const PAGE: u32 = 100;
/// Between looks while something is being removed.
const BUSY: Duration = Duration::from_secs(1);
/// Between looks otherwise, and before one that failed is tried again.
const REST: Duration = Duration::from_secs(60);

/// What was tried, so that what does not go away holds up nothing behind it.
#[derive(Default)]
struct Tried {
    /// What failed, and when it is tried again.
    failed: HashMap<Uuid, Timestamp>,
    /// What is under way, and since when.
    since: HashMap<Uuid, Timestamp>,
}

impl App {
    /// Removes what is due until `stop` resolves. A mailbox's mail is forgotten only when it is gone
    /// from the disk, so that nothing a crash or a failure left there is lost sight of.
    pub async fn run_removals(
        &self,
        engines: Arc<dyn Engines>,
        stop: impl Future<Output = ()> + Send,
    ) {
        tokio::pin!(stop);
        let mut tried = Tried::default();
        loop {
            let pause = match self.remove_due(engines.as_ref(), &mut tried).await {
                Ok(true) => BUSY,
                Ok(false) => REST,
                Err(error) => {
                    tracing::warn!(%error, "mail of deleted mailboxes cannot be looked up");
                    REST
                }
            };
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One round; tells whether something is under way or left.
    async fn remove_due(&self, engines: &dyn Engines, tried: &mut Tried) -> Result<bool, Problem> {
        let now = self.clock.now();
        tried.failed.retain(|_, again| *again > now);
        let (mut at_work, mut busy) = (0, false);
        let mut last: Option<DeletedMail> = None;
        while at_work < AT_ONCE {
            let due = {
                let mut read = self.store.read()?;
                store::mailboxes::deleted_due(&mut read, now, last.as_ref(), PAGE).await?
            };
            for mail in &due {
                if tried.failed.contains_key(&mail.storage) {
                    continue;
                }
                match engines.remove_mail(mail.storage).await {
                    Ok(Progress::Done) => {
                        tried.since.remove(&mail.storage);
                        self.removed(mail).await?;
                    }
                    Ok(Progress::UnderWay) => {
                        busy = true;
                        let since = *tried.since.entry(mail.storage).or_insert(now);
                        at_work += usize::from(now.minus(REST) <= since);
                    }
                    Err(error) => {
                        tracing::warn!(mailbox.address = %mail.address, mail.storage = %mail.storage, %error, "the mail of a deleted mailbox cannot be removed; it is tried again");
                        tried.since.remove(&mail.storage);
                        tried.failed.insert(mail.storage, now.plus(REST));
                    }
                }
            }
            if due.len() < PAGE as usize {
                return Ok(busy);
            }
            last = due.into_iter().next_back();
        }
        Ok(true)
    }

    async fn removed(&self, mail: &DeletedMail) -> Result<(), StoreError> {
        let storage = mail.storage;
        self.store
            .write(async move |tx: &mut Conn| store::mailboxes::deleted_removed(tx, storage).await)
            .await?;
        tracing::info!(mailbox.address = %mail.address, "the mail of a deleted mailbox is removed");
        Ok(())
    }
}
