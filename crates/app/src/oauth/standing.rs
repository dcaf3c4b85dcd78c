//! Whether what a person allowed an app still counts: asked at every use, so that nobody has to be
//! told when somebody leaves, loses a tag, or the app is taken away from them.

use model::grant::GrantPerson;
use model::oauth_app::{AppAccess, AppSettings};
use store::{Conn, StoreError};

/// Person, domain and app are switched on, and the person may use the app.
pub(crate) async fn still_counts(
    sql: &mut Conn,
    settings: &AppSettings,
    person: &GrantPerson,
) -> Result<bool, StoreError> {
    if !settings.active || !person.active {
        return Ok(false);
    }
    let AppAccess::Only { domains, tags } = &settings.access else {
        return Ok(true);
    };
    let mailbox = store::mailboxes::by_id(sql, person.mailbox).await?;
    if mailbox.is_some_and(|mailbox| domains.contains(&mailbox.domain)) {
        return Ok(true);
    }
    let has = store::mailbox_tags::of(sql, person.mailbox).await?;
    Ok(has.iter().any(|tag| tags.contains(tag)))
}
