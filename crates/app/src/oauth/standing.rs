//! Whether what a person allowed an app still counts: asked at every use, so that nobody has to be
//! told when somebody leaves, loses a tag, or the app is taken away from them.

use crate::background_checks::is_asked;
use model::grant::Bearer;
use model::ids::MailboxId;
use model::oauth_app::{AppAccess, AppSettings};
use model::rules;
use model::rules::confirmation::stands;
use model::time::Timestamp;
use store::{Conn, StoreError};

/// Person, domain and app are switched on, the person may use the app, and providers stand by them as far
/// as it goes on while they are away.
pub(crate) async fn still_counts(
    sql: &mut Conn,
    settings: &AppSettings,
    bearer: &Bearer,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(goes_on(bearer, now) && may_use(sql, settings, bearer).await?)
}

/// Whether providers stand by the person, as far as it goes on while they are away.
pub(super) fn goes_on(bearer: &Bearer, now: Timestamp) -> bool {
    let away = bearer.away.as_ref();
    away.is_none_or(|(standing, granted)| standing.lets_go_on(*granted, now))
}

/// Person, domain and app are switched on, and the person may use the app.
pub(super) async fn may_use(
    sql: &mut Conn,
    settings: &AppSettings,
    bearer: &Bearer,
) -> Result<bool, StoreError> {
    if !settings.active || !bearer.person.active {
        return Ok(false);
    }
    // The look-up of a token says all there is to know for most apps.
    if settings.access == AppAccess::All {
        return Ok(true);
    }
    let person = bearer.person.mailbox;
    let Some(mailbox) = store::mailboxes::by_id(sql, person).await? else {
        return Ok(false);
    };
    let tags = store::mailbox_tags::of(sql, person).await?;
    Ok(rules::apps::is_for(&settings.access, mailbox.domain, &tags))
}

/// What providers say to a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AtRefresh {
    /// Nothing against it.
    Stands,
    /// None has confirmed the person for too long, and one has yet to answer: we or it were away.
    Unheard,
    /// They do not stand by the person, who signs in again.
    Ceased,
}

/// Whether a refresh token could be used: stricter than [`still_counts`], for nothing is made longer of
/// what a person allowed after that moment.
pub(super) fn could_refresh(bearer: &Bearer, now: Timestamp) -> bool {
    let away = bearer.away.as_ref();
    away.is_none_or(|(standing, _)| stands(standing, now).is_ok())
}

/// Whether providers stand by a person, as far as their word is asked for.
pub(super) async fn at_refresh(
    sql: &mut Conn,
    bearer: &Bearer,
    now: Timestamp,
) -> Result<AtRefresh, StoreError> {
    if could_refresh(bearer, now) {
        return Ok(AtRefresh::Stands);
    }
    let away = bearer.away.as_ref();
    let unheard = away.is_some_and(|(standing, _)| standing.may_be_unheard(now));
    if unheard && may_answer(sql, bearer.person.mailbox, now).await? {
        return Ok(AtRefresh::Unheard);
    }
    Ok(AtRefresh::Ceased)
}

/// Whether a provider is being asked about the person in the background. Those who are there are confirmed
/// long before their days are over, so it has not answered yet, or not as it should.
async fn may_answer(sql: &mut Conn, person: MailboxId, now: Timestamp) -> Result<bool, StoreError> {
    for provider in store::refresh_tokens::of_person(sql, person).await? {
        let provider = store::providers::by_id(sql, provider).await?;
        if provider.is_some_and(|provider| is_asked(&provider, now)) {
            return Ok(true);
        }
    }
    Ok(false)
}
