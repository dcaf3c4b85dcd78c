//! What a change takes away from a mailbox ends at once: web sessions and remembered verdicts in the
//! change's own transaction, live mail sessions after its commit.

use crate::outbox::{self, Effect};
use model::mailbox::Mailbox;
use model::session::Principal;
use model::time::Timestamp;
use store::app_grants::Ending;
use store::{Conn, StoreError};

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
        store::sessions::delete_all(tx, Principal::Person(after.id)).await?;
        store::app_grants::end(tx, Ending::Person(after.id)).await?;
    }
    if switched_off || !before.protocols.without(after.protocols).is_empty() {
        let address = after.address.clone();
        outbox::put(tx, &Effect::Kick { address }, now).await?;
    }
    Ok(())
}
