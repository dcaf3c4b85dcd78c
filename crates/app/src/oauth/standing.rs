//! Whether what a person allowed an app still counts: asked at every use, so that nobody has to be
//! told when somebody leaves, loses a tag, or the app is taken away from them.

use model::grant::GrantPerson;
use model::ids::MailboxId;
use model::oauth_app::{AppAccess, AppSettings};
use model::rules;
use model::time::Timestamp;
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

/// Whether providers stand by a person, as far as their word is asked for: what goes on while the person
/// is away stops where mail programs do. Asked at a refresh; access tokens end with their grant at the next
/// look (`confirmation::kick_lapsed`).
pub(super) async fn still_stands(
    sql: &mut Conn,
    person: MailboxId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let standing = store::confirmation::of(sql, person).await?;
    Ok(standing.is_some_and(|standing| rules::confirmation::stands(&standing, now).is_ok()))
}
