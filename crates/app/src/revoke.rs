//! What a change takes away from a mailbox ends at once: web sessions and remembered verdicts in the
//! change's own transaction, live mail sessions after its commit.

use crate::outbox::{self, Effect};
use model::ids::MailboxId;
use model::mailbox::Mailbox;
use model::session::Principal;
use model::time::Timestamp;
use store::app_grants::Ending;
use store::{Conn, StoreError};

/// Ends a person's web sessions, and what apps were allowed in them or for good; returns how many
/// sessions it were.
pub(crate) async fn end_web(tx: &mut Conn, mailbox: MailboxId) -> Result<u64, StoreError> {
    let sessions = store::sessions::delete_all(tx, Principal::Person(mailbox)).await?;
    store::app_grants::end(tx, Ending::Person(mailbox)).await?;
    Ok(sessions)
}

/// Ends what `after` no longer allows and `before` did.
///
/// Dovecot knows live sessions by address only, so a protocol that was taken away ends those of the
/// other protocols too; mail programs come back by themselves.
pub(crate) async fn end_what_was_lost(
    tx: &mut Conn,
    before: &Mailbox,
    after: &Mailbox,
    now: Timestamp,
) -> Result<(), StoreError> {
    let switched_off = before.active && !after.active;
    if switched_off {
        store::mailboxes::bump_generation(tx, after.id).await?;
        end_web(tx, after.id).await?;
    }
    if switched_off || !before.protocols.without(after.protocols).is_empty() {
        let address = after.address.clone();
        outbox::put(tx, &Effect::Kick { address }, now).await?;
    }
    Ok(())
}
