//! Asking providers in the background whether people are still there.
//!
//! A refresh token is used on a schedule. Only `invalid_grant` counts: it ends the web sessions that
//! stand on the provider and marks the link *unconfirmed*; mailbox and mail programs go on. A token
//! is marked before it is used and unmarked with the answer's new token in one write, so that a
//! crash, or an answer that got lost, never makes the provider's refusal of a used-up token look
//! like a person who left.

use crate::outbox::{self, Effect};
use crate::provider_calls::Identity;
use crate::sign_in::Asked;
use crate::{App, Problem, alerts, audit};
use model::address::Address;
use model::alert::{About, Topic};
use model::audit::Actor;
use model::ids::{DomainId, ProviderId};
use model::link::Namespace;
use model::provider::Provider;
use model::random;
use model::rules::alerts::MOST_PEOPLE;
use model::rules::confirmation;
use model::time::{DAY, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;
use store::app_grants::Ending;
use store::refresh_tokens::{Due, Kept};
use store::{Conn, StoreError};
use tokio::time::Instant;
use upstream::{ProviderSettings, Tokens, UpstreamError};

/// Between two questions about one person.
const INTERVAL: Duration = Duration::from_secs(4 * 3600);
/// After an answer that told nothing.
pub(crate) const AGAIN: Duration = Duration::from_secs(15 * 60);
/// Tokens that end sooner belong to the browser's session there: that one ends tells nothing.
const LEAST_LIFETIME: Duration = DAY;
/// How long all calls about one person may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// How far the provider's clock and ours may be apart.
const CLOCKS: Duration = Duration::from_secs(60);

/// Domains looked at in one query, and people whose mail programs stop in one round of one domain.
const DOMAINS: u32 = 500;
const LAPSED: u32 = 5000;

/// What asking about one person brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked {
    /// The provider stands by the person.
    Confirmed,
    /// It does not: web sessions ended, the link is unconfirmed.
    Gone,
    /// It does not, but that happens to too many people at once. Nothing was done, and asking has
    /// stopped until an administrator resumes it.
    Stopped,
    /// No answer that tells anything.
    Unknown(String),
    /// The token is of no use any more, which says nothing about the person.
    Forgotten(&'static str),
    /// A sign-in or an administrator was faster.
    Overtaken,
}

/// A refresh token as it is sealed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    token: String,
    /// Whom it may be shown to.
    asked: Asked,
    given_at: String,
}

/// A refresh token that came with a sign-in.
#[derive(Debug, Clone)]
pub(crate) struct Refresh {
    pub(crate) token: SecretString,
    pub(crate) given_at: String,
    /// Seconds it lives, where the provider says so.
    pub(crate) lives: Option<u64>,
    /// Whether it outlives the session there.
    pub(crate) offline: bool,
}

/// The same, ready to be stored in the sign-in's transaction.
#[derive(Clone)]
pub(crate) struct KeptRefresh {
    sealed: Vec<u8>,
    sid: Option<String>,
    offline: bool,
    ends: Option<Timestamp>,
    due: Timestamp,
}

impl App {
    /// Lets asking go on after it stopped, by an administrator's act.
    ///
    /// # Errors
    /// [`Problem::NotFound`]; [`Problem::Invalid`] if it goes on already.
    pub async fn resume_checks(&self, actor: &Actor, slug: &str) -> Result<Provider, Problem> {
        let (now, actor, slug) = (self.clock.now(), actor.clone(), slug.to_owned());
        self.store
            .write(async move |tx: &mut Conn| {
                let missing = || Problem::NotFound(format!("provider {slug}"));
                let provider = store::providers::by_slug(tx, &slug).await?;
                let provider = provider.ok_or_else(missing)?;
                if provider.checks_stopped.is_none() {
                    let words = "background checks of this provider have not stopped";
                    return Err(Problem::field("provider", words));
                }
                store::providers::resume_checks(tx, provider.id, now).await?;
                let about = About::Provider(provider.id);
                alerts::settle(tx, now, &actor, Topic::Unconfirmed, &about).await?;
                let details = json!({ "stopped": provider.checks_stopped });
                audit::note(tx, now, &actor, "provider.resume_checks", &slug, details).await?;
                let provider = store::providers::by_id(tx, provider.id).await?;
                provider.ok_or_else(missing)
            })
            .await
    }

    /// Nothing is kept of a provider that is not asked, or where anybody might listen.
    pub(crate) async fn forget_tokens(&self, id: ProviderId) -> Result<(), Problem> {
        if !store::refresh_tokens::any_of(&mut *self.store.read()?, id).await? {
            return Ok(());
        }
        let forgotten = self
            .store
            .write(async move |tx: &mut Conn| store::refresh_tokens::forget_provider(tx, id).await)
            .await?;
        tracing::info!(provider.id = %id, tokens = forgotten, "refresh tokens are forgotten");
        Ok(())
    }

    /// Asks about one.
    pub(crate) async fn check_one(
        &self,
        provider: &Provider,
        row: &Due,
    ) -> Result<Checked, Problem> {
        let now = self.clock.now();
        if !row.active {
            self.postpone(row, INTERVAL, row.asked.is_none()).await?;
            return Ok(Checked::Unknown("the mailbox is switched off".to_owned()));
        }
        let kept = match self.opened(row) {
            Some(kept) if kept.asked == Asked::of(provider) => kept,
            Some(_) => return self.forget(row, "the provider has moved").await,
            None => return self.forget(row, "it does not open").await,
        };
        if row.ends.is_some_and(|end| end <= now) {
            return self.forget(row, "it has ended").await;
        }
        let deadline = Some(Instant::now() + DEADLINE);
        let settings = match self.secret_settings(provider, deadline).await? {
            Ok(settings) => settings,
            Err(error) => return self.unknown(row, &error).await,
        };
        if !self.mark(row, now).await? {
            return Ok(Checked::Overtaken);
        }
        let token = SecretString::from(kept.token);
        match self
            .upstream
            .refresh(&settings, &token, &kept.given_at)
            .await
        {
            Ok(tokens) => {
                let given_at = kept.given_at;
                self.answered(provider, row, &settings, token, given_at, tokens)
                    .await
            }
            Err(error) if error.is_invalid_grant() && row.asked.is_some() => {
                self.forget(
                    row,
                    "an earlier answer was lost, and it may have been used up",
                )
                .await
            }
            Err(error) if error.is_invalid_grant() => self.gone(provider, row).await,
            Err(error) => self.unknown(row, &error).await,
        }
    }

    /// The provider answered with tokens: the new one is put in safety, then the rest is looked at.
    async fn answered(
        &self,
        provider: &Provider,
        row: &Due,
        settings: &ProviderSettings,
        old: SecretString,
        given_at: String,
        tokens: Tokens,
    ) -> Result<Checked, Problem> {
        let now = self.clock.now();
        let refresh = Refresh {
            token: tokens.refresh.clone().unwrap_or(old),
            given_at,
            lives: tokens.refresh_expires_in,
            offline: true,
        };
        let ends = refresh.ends(now);
        let sealed = self.sealed_refresh(provider, &row.namespace, &row.subject, &refresh)?;
        let (link, old) = (row.link, row.sealed.clone());
        let (due, new) = (now.plus(self.spread(INTERVAL)), sealed.clone());
        let kept = self
            .store
            .write(async move |tx: &mut Conn| {
                store::refresh_tokens::rotate(tx, link, &old, &new, ends, due).await
            })
            .await?;
        if !kept {
            return Ok(Checked::Overtaken);
        }
        match self.upstream.confirm(settings, &tokens, &row.subject).await {
            Ok(()) => {
                let (id, mailbox) = (row.link, row.mailbox);
                self.store
                    .write(async move |tx: &mut Conn| {
                        store::links::confirm(tx, id, now).await?;
                        store::confirmation::confirm(tx, mailbox, now, false).await
                    })
                    .await?;
                Ok(Checked::Confirmed)
            }
            Err(error) if error.is_of_somebody_else() => {
                tracing::warn!(mailbox.address = %row.address, provider.slug = %provider.slug, %error, "what came for a refresh token is not of its person; it is forgotten");
                let renewed = Due {
                    sealed,
                    ..row.clone()
                };
                self.forget(&renewed, "what came for it is of somebody else")
                    .await
            }
            Err(error) => Ok(Checked::Unknown(error.to_string())),
        }
    }

    /// The provider no longer stands by a person.
    async fn gone(&self, provider: &Provider, row: &Due) -> Result<Checked, Problem> {
        let (now, asked, row) = (self.clock.now(), provider.clone(), row.clone());
        let again = now.plus(self.spread(INTERVAL));
        self.store
            .write(async move |tx: &mut Conn| {
                let provider = store::providers::by_id(tx, asked.id).await?;
                let same = provider.filter(|now| {
                    now.settings.active
                        && now.checks_stopped.is_none()
                        && Asked::of(now) == Asked::of(&asked)
                });
                let Some(provider) = same else {
                    let (link, sealed) = (row.link, &row.sealed);
                    store::refresh_tokens::postpone(tx, link, sealed, now, true).await?;
                    return Ok(Checked::Overtaken);
                };
                if too_many(tx, &provider, now).await? {
                    let (link, sealed) = (row.link, &row.sealed);
                    store::refresh_tokens::postpone(tx, link, sealed, again, true).await?;
                    stop(tx, &provider, &row.address, now).await?;
                    return Ok(Checked::Stopped);
                }
                if !store::refresh_tokens::forget(tx, row.link, &row.sealed).await? {
                    return Ok(Checked::Overtaken);
                }
                store::links::unconfirm(tx, row.link, now).await?;
                let ended =
                    store::sessions::end_of_person(tx, row.mailbox, provider.id).await?;
                store::app_grants::end(tx, Ending::Person(row.mailbox)).await?;
                let details = json!({ "provider": provider.slug, "sessions": ended });
                let (at, by) = (&row.address, Actor::System);
                audit::note(tx, now, &by, "mailbox.unconfirmed", at, details).await?;
                tracing::warn!(mailbox.address = %row.address, provider.slug = %provider.slug, sessions = ended, "the provider no longer stands by a person; web sessions ended");
                Ok::<_, Problem>(Checked::Gone)
            })
            .await
    }

    async fn unknown(&self, row: &Due, error: &UpstreamError) -> Result<Checked, Problem> {
        let settled = row.asked.is_none() && !error.may_have_counted();
        self.postpone(row, AGAIN, settled).await?;
        Ok(Checked::Unknown(error.to_string()))
    }

    async fn mark(&self, row: &Due, now: Timestamp) -> Result<bool, StoreError> {
        let (link, sealed, before) = (row.link, row.sealed.clone(), row.asked);
        self.store
            .write(async move |tx: &mut Conn| {
                store::refresh_tokens::ask(tx, link, &sealed, before, now).await
            })
            .await
    }

    async fn postpone(&self, row: &Due, by: Duration, settled: bool) -> Result<(), StoreError> {
        let due = self.clock.now().plus(self.spread(by));
        let (link, sealed) = (row.link, row.sealed.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                store::refresh_tokens::postpone(tx, link, &sealed, due, settled).await
            })
            .await
    }

    async fn forget(&self, row: &Due, why: &'static str) -> Result<Checked, Problem> {
        let (link, sealed) = (row.link, row.sealed.clone());
        let forgotten = self
            .store
            .write(async move |tx: &mut Conn| {
                store::refresh_tokens::forget(tx, link, &sealed).await
            })
            .await?;
        tracing::info!(mailbox.address = %row.address, why, "a refresh token is forgotten; the next sign-in brings another");
        Ok(if forgotten {
            Checked::Forgotten(why)
        } else {
            Checked::Overtaken
        })
    }

    /// Some time around `base`, a tenth more or less, so that people who signed in together are not
    /// asked about together for ever.
    fn spread(&self, base: Duration) -> Duration {
        let share = u32::from(random::bytes::<1>(self.random.as_ref())[0]);
        base * 9 / 10 + base * share / (5 * 255)
    }

    /// The refresh token of a sign-in, if it is to be kept.
    pub(crate) fn kept_refresh(
        &self,
        provider: &Provider,
        identity: &Identity,
    ) -> Option<KeptRefresh> {
        let refresh = identity.refresh.as_ref()?;
        if !provider.settings.leavers.background_checks || !refresh.lives_long() {
            return None;
        }
        let Identity {
            namespace, subject, ..
        } = identity;
        let sealed = self
            .sealed_refresh(provider, namespace, subject, refresh)
            .inspect_err(|error| tracing::warn!(%error, "a refresh token could not be sealed"))
            .ok()?;
        let now = self.clock.now();
        Some(KeptRefresh {
            sealed,
            sid: identity.sid.clone(),
            offline: refresh.offline,
            ends: refresh.ends(now),
            due: now.plus(self.spread(INTERVAL)),
        })
    }

    fn sealed_refresh(
        &self,
        provider: &Provider,
        namespace: &Namespace,
        subject: &str,
        refresh: &Refresh,
    ) -> Result<Vec<u8>, Problem> {
        let sealed = Sealed {
            token: refresh.token.expose_secret().to_owned(),
            asked: Asked::of(provider),
            given_at: refresh.given_at.clone(),
        };
        let plain = serde_json::to_vec(&sealed).map_err(|e| Problem::Unavailable(e.to_string()))?;
        let row = token_row(namespace, subject);
        Ok(self.keys.seal.seal(&row, &plain, self.random.as_ref())?)
    }

    fn opened(&self, row: &Due) -> Option<Sealed> {
        let plain = self
            .keys
            .seal
            .open(&token_row(&row.namespace, &row.subject), &row.sealed)
            .ok()?;
        serde_json::from_slice(&plain).ok()
    }
}

impl Refresh {
    fn lives_long(&self) -> bool {
        // Keycloak writes 0 for "without end".
        self.lives
            .is_none_or(|secs| secs == 0 || Duration::from_secs(secs) >= LEAST_LIFETIME)
    }

    fn ends(&self, now: Timestamp) -> Option<Timestamp> {
        let lives = self.lives.filter(|secs| *secs > 0)?;
        Some(now.plus(Duration::from_secs(lives)))
    }
}

/// Notes in the sign-in's transaction that the provider stands by the person of a mailbox, and keeps
/// the refresh token that came with it. An earlier one stays when none came.
pub(crate) async fn signed_in(
    tx: &mut Conn,
    provider: ProviderId,
    identity: &Identity,
    kept: Option<&KeptRefresh>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let link = store::links::by_subject(tx, &identity.namespace, &identity.subject).await?;
    let link = link.ok_or(StoreError::Missing)?;
    store::links::confirm(tx, link.id, now).await?;
    store::confirmation::confirm(tx, link.mailbox, now, true).await?;
    // One provider's people are counted by their links: two clients at one issuer share these.
    if let Some(kept) = kept.filter(|_| link.provider == provider) {
        let token = Kept {
            link: link.id,
            provider,
            sealed: &kept.sealed,
            sid: kept.sid.as_deref(),
            offline: kept.offline,
            ends: kept.ends,
            due: kept.due,
        };
        store::refresh_tokens::put(tx, &token).await?;
    }
    Ok(())
}

/// Leaves a kick for everybody whose mail programs stop because no provider has confirmed them for
/// longer than their domain allows. Apps that go on without them ask at every use, and nothing of theirs
/// is ended: it may be us who were away, and the next word of a provider takes it back.
pub(crate) async fn kick_lapsed(tx: &mut Conn, now: Timestamp) -> Result<(), StoreError> {
    let mut after = DomainId(0);
    loop {
        let policies = store::confirmation::policies(tx, after, DOMAINS).await?;
        let Some((last, _)) = policies.last() else {
            return Ok(());
        };
        after = *last;
        for (domain, policy) in policies {
            let Some(latest) = confirmation::lapsed_before(policy, now) else {
                continue;
            };
            for address in store::confirmation::lapsed(tx, domain, latest, LAPSED).await? {
                tracing::info!(mailbox.address = %address, "no provider has confirmed its person for too long; mail programs and apps stop");
                outbox::put(tx, &Effect::Kick { address }, now).await?;
            }
        }
    }
}

/// The person signed out where that means that they are gone: mail programs stop, and whatever they
/// opened ends. The next sign-in at a provider takes it back, also one that was faster than the word
/// of it, `issued` when the person signed out.
pub(crate) async fn signed_out_for_good(
    tx: &mut Conn,
    provider: ProviderId,
    namespace: &Namespace,
    subject: &str,
    (issued, now): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    let Some(link) = store::links::by_subject(tx, namespace, subject).await? else {
        return Ok(());
    };
    if link.last_sign_in.is_some_and(|at| at > issued.plus(CLOCKS)) {
        return Ok(());
    }
    let Some(mailbox) = store::mailboxes::by_id(tx, link.mailbox).await? else {
        return Ok(());
    };
    store::confirmation::sign_out(tx, mailbox.id, now).await?;
    store::mailboxes::bump_generation(tx, mailbox.id).await?;
    store::sessions::end_of_person(tx, mailbox.id, provider).await?;
    store::app_grants::end(tx, Ending::Person(mailbox.id)).await?;
    let (at, by) = (&mailbox.address, Actor::System);
    audit::note(tx, now, &by, "mailbox.signed_out", at, json!({})).await?;
    let address = mailbox.address;
    outbox::put(tx, &Effect::Kick { address }, now).await
}

/// The person signed out at the provider: their token's turn comes at once, unless it ended with
/// the session there.
pub(crate) async fn signed_out(
    tx: &mut Conn,
    namespace: &Namespace,
    subject: &str,
    sid: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    if let Some(link) = store::links::by_subject(tx, namespace, subject).await? {
        store::refresh_tokens::signed_out(tx, link.id, sid, now).await?;
    }
    Ok(())
}

/// Whether one more person who is gone would be too many within the last hour.
async fn too_many(tx: &mut Conn, provider: &Provider, now: Timestamp) -> Result<bool, StoreError> {
    let since = counted_since(tx, provider, now).await?;
    let gone = store::links::count_unconfirmed(tx, provider.id, since).await?;
    let people = store::links::count_of_provider(tx, provider.id).await?;
    Ok(confirmation::too_many(gone.saturating_add(1), people))
}

/// From when on people count who are gone: within the window, and after an administrator has looked.
async fn counted_since(
    tx: &mut Conn,
    provider: &Provider,
    now: Timestamp,
) -> Result<Timestamp, StoreError> {
    let resumed = store::providers::checks_resumed(tx, provider.id).await?;
    let window = now.minus(confirmation::WINDOW);
    Ok(window.max(resumed.unwrap_or_default()))
}

async fn stop(
    tx: &mut Conn,
    provider: &Provider,
    one_more: &Address,
    now: Timestamp,
) -> Result<(), StoreError> {
    let since = counted_since(tx, provider, now).await?;
    let most = u32::try_from(MOST_PEOPLE).unwrap_or(u32::MAX);
    let mut people = store::links::unconfirmed(tx, provider.id, since, most).await?;
    let words = format!(
        "{} said of {} people within an hour that they are gone. Too many to be believed: the last \
         of them was left alone, and nobody is asked about any more. Look at the provider first; \
         then resume the background checks.",
        provider.settings.name,
        people.len() + 1,
    );
    people.push(one_more.to_string());
    let about = About::Provider(provider.id);
    alerts::raise(tx, now, Topic::Unconfirmed, about, words, &people).await?;
    store::providers::stop_checks(tx, provider.id, now).await?;
    let (at, by) = (&provider.slug, Actor::System);
    audit::note(tx, now, &by, "provider.stop_checks", at, json!({})).await?;
    tracing::error!(provider.slug = %provider.slug, "too many people at once are said to be gone; nobody is asked about until an administrator resumes it");
    Ok(())
}

/// Binds a sealed refresh token to its person.
fn token_row(namespace: &Namespace, subject: &str) -> Vec<u8> {
    let length = (namespace.0.len() as u64).to_be_bytes();
    [
        b"link/refresh-token/".as_slice(),
        &length,
        namespace.0.as_bytes(),
        subject.as_bytes(),
    ]
    .concat()
}
