//! Writing down who did what, inside the transaction that does it.

use model::audit::{Actor, AuditEvent};
use model::time::Timestamp;
use serde_json::Value;
use store::{Conn, StoreError};

/// Remembers one change. `details` never holds a secret.
pub(crate) async fn note(
    tx: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    action: &str,
    object: impl std::fmt::Display,
    details: Value,
) -> Result<(), StoreError> {
    let event = AuditEvent {
        at: now,
        actor: actor.clone(),
        action: action.to_owned(),
        object: object.to_string(),
        details,
    };
    store::audit::insert(tx, &event).await
}
