//! A date that passes ends live mail sessions, as a revocation does: nobody acts at that moment, so
//! the sweep looks for credentials that have ended since its last round.

use crate::confirmation;
use crate::outbox::{self, Effect};
use model::time::Timestamp;
use std::collections::BTreeSet;
use store::ends::{self, Ending};
use store::{Conn, StoreError};

/// Credentials in one round; a whole company's may end on one day.
const AT_ONCE: u32 = 5000;

/// Leaves a kick for every mailbox with a credential that ended. A session that another credential
/// opened ends too: its mail program signs in again.
pub(crate) async fn kick(tx: &mut Conn, now: Timestamp) -> Result<(), StoreError> {
    let mut addresses = BTreeSet::new();
    for kind in [Ending::AppPasswords, Ending::Passwords] {
        addresses.extend(ends::take(tx, kind, now, AT_ONCE).await?);
    }
    for address in addresses {
        tracing::info!(mailbox.address = %address, "a credential has ended");
        outbox::put(tx, &Effect::Kick { address }, now).await?;
    }
    confirmation::kick_lapsed(tx, now).await
}
