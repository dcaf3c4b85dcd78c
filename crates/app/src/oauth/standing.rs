//! Whether what a person allowed an app still counts: asked at every use, so that nobody has to be
//! told when somebody leaves, loses a tag, or the app is taken away from them.

use model::grant::GrantPerson;
use model::oauth_app::{AppAccess, AppSettings};
use model::rules;
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
    // The look-up of a token says all there is to know for most apps.
    if settings.access == AppAccess::All {
        return Ok(true);
    }
    let Some(mailbox) = store::mailboxes::by_id(sql, person.mailbox).await? else {
        return Ok(false);
    };
    let tags = store::mailbox_tags::of(sql, person.mailbox).await?;
    Ok(rules::apps::is_for(&settings.access, mailbox.domain, &tags))
}
