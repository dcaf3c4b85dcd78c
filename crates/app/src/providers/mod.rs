//! Identity providers, as administrators set them up.

mod bound;
mod buttons;
pub(crate) mod form;
mod issuer;
mod order;
mod pasted;
mod reserved;
mod scopes;

pub(crate) use bound::allow_domain;
pub use buttons::{ProviderButton, Ways};
pub use form::slug_of;
pub use issuer::LearnedIssuer;

use crate::background_checks::keeps_tokens;
use crate::step_up::Doer;
use crate::test_sign_in::Connection;
use crate::{App, Problem, audit, rules};
use model::audit::Actor;
use model::link::Namespace;
use model::provider::{Provider, ProviderSettings};
use model::time::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use std::sync::Arc;
use store::{Conn, StoreError, Taken};

const SECRET_CLEARED: &str = "The client secret was removed, because a stored secret never goes to \
    another issuer or endpoint. Enter it again.";
const NEW_NAMESPACE: &str = "The issuer or an endpoint's host changed: people linked so far stay \
    linked to the old one and are not recognised by the new one.";

/// The change that ignoring TLS errors is remembered as, beside the change of the provider.
const IGNORED: &str = "provider.ignore_tls";

/// The field in which an administrator says that a provider is turned on untested.
pub const UNTESTED: &str = "untested";

/// The change that turning on untested is remembered as, beside the change of the provider.
const ENABLED_UNTESTED: &str = "provider.enable_untested";

/// A sealed client secret and what may be shown of it.
type Sealed = Option<(Vec<u8>, String)>;

/// What happens to the client secret on a save.
#[derive(Debug, Clone)]
pub enum SecretChange {
    /// It stays, unless an endpoint or the issuer changes at all, which clears it.
    Keep,
    /// It is replaced.
    Set(SecretString),
    /// It is removed.
    Clear,
}

/// What a save did beside storing.
#[derive(Debug, Clone)]
pub struct SavedProvider {
    /// The provider.
    pub provider: Provider,
    /// Repairs of pasted values, warnings (endpoint on our own host, secret cleared because the
    /// host changed, new namespace): sentences for the administrator.
    pub notes: Vec<String>,
    /// The client secret made here, to be shown once; `None` if somebody else made it.
    pub minted: Option<SecretString>,
}

impl App {
    /// Adds a provider; `slug` is made from the name when empty. Client id and secret are made here
    /// when they are left out and its preset's block carries them over. Ignoring TLS errors asks
    /// for the administrator's own password ([`crate::step_up`]). Nobody can have tested it yet, so
    /// one that is switched on from the start is so untested ([`UNTESTED`]).
    pub async fn create_provider(
        &self,
        doer: impl Into<Doer>,
        slug: &str,
        mut settings: ProviderSettings,
        secret: Option<SecretString>,
    ) -> Result<SavedProvider, Problem> {
        let name = if slug.trim().is_empty() {
            form::slug_of(&settings.name)
        } else {
            slug.trim().to_owned()
        };
        let secret = secret.filter(|secret| !secret.expose_secret().is_empty());
        let made_here = settings.preset.makes_client_here();
        if made_here && settings.client_id.trim().is_empty() {
            settings.client_id = self.new_client_id();
        }
        let minted = (made_here && secret.is_none()).then(|| self.new_client_secret());
        let (settings, mut notes) = self.checked(settings, &name)?;
        form::check_slug(&name)?;
        notes.extend(
            secret
                .iter()
                .filter_map(|new| reserved::note(&settings, new)),
        );
        let sealed = self.sealed(&name, minted.clone().or(secret))?;
        let doer = doer.into();
        let ignoring = form::ignores_anew(None, &settings, self.clock.now())?;
        if ignoring {
            self.demand_step_up(&doer).await?;
        }
        let untested = settings.active;
        if untested && !doer.untested {
            return Err(untested_problem());
        }
        let (now, actor) = (self.clock.now(), doer.actor);
        let provider = self
            .store
            .write(async move |tx: &mut Conn| {
                form::check_references(tx, &settings).await?;
                // A taken name takes the redirect URL below it too; the name is what was typed.
                if store::providers::by_slug(tx, &name).await?.is_some() {
                    return Err(StoreError::Taken(Taken::ProviderSlug).into());
                }
                let key = form::redirect_key(settings.redirect, &name);
                let own = Namespace(String::new());
                let id = store::providers::insert(tx, &name, &own, &key, &settings, now).await?;
                let mut provider = by_slug(tx, &name).await?;
                provider.namespace = form::namespace(&settings, id, now);
                store::providers::update(tx, &provider, &key, None, now).await?;
                let secret = sealed
                    .as_ref()
                    .map(|(bytes, ends)| (bytes.as_slice(), ends.as_str()));
                store::providers::set_secret(tx, id, secret, now).await?;
                rules::note_first_version(tx, &actor, id, &settings, now).await?;
                audit::note(tx, now, &actor, "provider.create", &name, json!(settings)).await?;
                if ignoring {
                    let tls = json!(settings.tls);
                    audit::note(tx, now, &actor, IGNORED, &name, tls).await?;
                }
                if untested {
                    let details = json!({});
                    audit::note(tx, now, &actor, ENABLED_UNTESTED, &name, details).await?;
                }
                by_slug(tx, &name).await
            })
            .await?;
        Ok(SavedProvider {
            provider,
            notes,
            minted,
        })
    }
    /// One, by slug.
    pub async fn provider(&self, slug: &str) -> Result<Provider, Problem> {
        by_slug(&mut *self.store.read()?, slug).await
    }
    /// All, in display order.
    pub async fn providers(&self) -> Result<Vec<Provider>, Problem> {
        Ok(store::providers::all(&mut *self.store.read()?).await?)
    }
    /// Changes one. Ignoring TLS errors, or for another time than so far, asks for the
    /// administrator's own password ([`crate::step_up`]). Switching it on asks for a test sign-in
    /// that passed as it is set up now ([`App::test_passed`]), or for the word that it is turned on
    /// untested, which is remembered ([`UNTESTED`]).
    pub async fn edit_provider(
        &self,
        doer: impl Into<Doer>,
        slug: &str,
        settings: ProviderSettings,
        secret: SecretChange,
        seen: Option<Timestamp>,
    ) -> Result<SavedProvider, Problem> {
        let (settings, mut notes) = self.checked(settings, slug)?;
        let before = self.provider(slug).await?;
        let doer = doer.into();
        let ignoring = form::ignores_anew(Some(&before.settings), &settings, self.clock.now())?;
        if ignoring {
            self.demand_step_up(&doer).await?;
        }
        let moved = !form::same_place(&before.settings.endpoints, &settings.endpoints);
        let secret = match secret {
            // A stored secret never goes to a place it was not given for: another realm or tenant
            // of the same host is another place, and so is one endpoint in another's role.
            SecretChange::Keep if moved && before.secret.is_some() => {
                notes.push(SECRET_CLEARED.to_owned());
                Some(None)
            }
            SecretChange::Keep => None,
            SecretChange::Set(secret) => {
                notes.extend(reserved::note(&settings, &secret));
                Some(self.sealed(slug, Some(secret))?)
            }
            SecretChange::Clear => Some(None),
        };
        let (now, slug) = (self.clock.now(), slug.to_owned());
        let (actor, waived, tests) = (doer.actor, doer.untested, Arc::clone(&self.tests));
        let identity_moved = !form::same_people(&before.settings, &settings);
        if identity_moved {
            notes.push(NEW_NAMESPACE.to_owned());
        }
        let seen = seen.or(Some(before.modified));
        let provider = self
            .store
            .write(async move |tx: &mut Conn| {
                form::check_references(tx, &settings).await?;
                let before = by_slug(tx, &slug).await?;
                bound::check_kept(tx, before.id, &settings).await?;
                let namespace = if identity_moved {
                    form::namespace(&settings, before.id, now)
                } else {
                    before.namespace.clone()
                };
                let after = Provider {
                    settings: settings.clone(),
                    namespace,
                    ..before.clone()
                };
                let turned_on = after.settings.active && !before.settings.active;
                let tested = || {
                    tests
                        .passed(after.id, &Connection::of(&after), now)
                        .is_some()
                };
                // A secret that is set with the same act was never sent.
                let untested = turned_on && (secret.is_some() || !tested());
                if untested && !waived {
                    return Err(untested_problem());
                }
                let key = form::redirect_key(settings.redirect, &slug);
                if !store::providers::update(tx, &after, &key, seen, now).await? {
                    return Err(Problem::Stale);
                }
                if let Some(secret) = &secret {
                    let secret = secret
                        .as_ref()
                        .map(|(bytes, ends)| (bytes.as_slice(), ends.as_str()));
                    store::providers::set_secret(tx, before.id, secret, now).await?;
                }
                if !keeps_tokens(&after, now) {
                    store::refresh_tokens::forget_provider(tx, before.id).await?;
                }
                rules::note_version(tx, &actor, &before, &after.settings, now).await?;
                let details = json!({
                    "before": before.settings,
                    "after": after.settings,
                    "secret_changed": secret.is_some(),
                });
                audit::note(tx, now, &actor, "provider.edit", &slug, details).await?;
                if ignoring {
                    let tls = json!(after.settings.tls);
                    audit::note(tx, now, &actor, IGNORED, &slug, tls).await?;
                }
                if untested {
                    let details = json!({});
                    audit::note(tx, now, &actor, ENABLED_UNTESTED, &slug, details).await?;
                }
                by_slug(tx, &slug).await
            })
            .await?;
        if before.settings.active && !provider.settings.active {
            notes.extend(self.bound_note(&provider).await?);
        }
        Ok(SavedProvider {
            provider,
            notes,
            minted: None,
        })
    }
    /// Allows a host to have private addresses, for this provider.
    pub async fn allow_private_host(
        &self,
        actor: &Actor,
        slug: &str,
        host: &str,
    ) -> Result<Provider, Problem> {
        let host = host.trim().to_ascii_lowercase();
        let before = self.provider(slug).await?;
        form::check_host(&host)?;
        let mut settings = before.settings;
        if !settings.private_hosts.contains(&host) {
            settings.private_hosts.push(host);
        }
        let seen = Some(before.modified);
        Ok(self
            .edit_provider(actor, slug, settings, SecretChange::Keep, seen)
            .await?
            .provider)
    }
    /// Deletes one that nobody is linked to and no domain is bound to.
    pub async fn delete_provider(&self, actor: &Actor, slug: &str) -> Result<(), Problem> {
        let (now, actor, slug) = (self.clock.now(), actor.clone(), slug.to_owned());
        self.store
            .write(async move |tx: &mut Conn| {
                let provider = by_slug(tx, &slug).await?;
                bound::check_free(tx, provider.id).await?;
                store::providers::delete(tx, provider.id).await?;
                audit::note(
                    tx,
                    now,
                    &actor,
                    "provider.delete",
                    &slug,
                    json!(provider.settings),
                )
                .await?;
                Ok(())
            })
            .await
    }
    /// The exact redirect URL to register at the provider.
    #[must_use]
    pub fn redirect_url(&self, provider: &Provider) -> String {
        provider
            .settings
            .redirect
            .url(&self.config.public_url, &provider.slug)
    }

    /// Checks and repairs what was typed.
    fn checked(
        &self,
        settings: ProviderSettings,
        slug: &str,
    ) -> Result<(ProviderSettings, Vec<String>), Problem> {
        form::check(settings, slug, &self.config.public_url)
    }

    fn sealed(&self, slug: &str, secret: Option<SecretString>) -> Result<Sealed, Problem> {
        let Some(secret) = secret.filter(|secret| !secret.expose_secret().is_empty()) else {
            return Ok(None);
        };
        let text = secret.expose_secret();
        if text.len() > 4096 || text.chars().any(char::is_control) {
            return Err(Problem::field(
                "client_secret",
                "at most 4096 characters, no line breaks",
            ));
        }
        let sealed =
            self.keys
                .seal
                .seal(&secret_row(slug), text.as_bytes(), self.random.as_ref())?;
        // Two characters of a short secret would be too much of it.
        let ends = if text.chars().count() >= 16 {
            text.chars().skip(text.chars().count() - 2).collect()
        } else {
            String::new()
        };
        Ok(Some((sealed, ends)))
    }

    /// Opens a client secret, for one call.
    pub(crate) fn unsealed(&self, slug: &str, sealed: &[u8]) -> Result<SecretString, Problem> {
        let plain = self.keys.seal.open(&secret_row(slug), sealed)?;
        let text = std::str::from_utf8(&plain)
            .map_err(|_| Problem::Unavailable("a sealed client secret is not text".to_owned()))?;
        Ok(SecretString::from(text.to_owned()))
    }
}

fn untested_problem() -> Problem {
    Problem::field(
        UNTESTED,
        "no test sign-in has passed with this provider as it is set up now: run one, or turn the \
         provider on untested",
    )
}

/// Binds a sealed secret to its row. The slug never changes.
fn secret_row(slug: &str) -> Vec<u8> {
    format!("provider/{slug}/secret").into_bytes()
}

/// The provider of a slug.
pub(crate) async fn by_slug(conn: &mut Conn, slug: &str) -> Result<Provider, Problem> {
    store::providers::by_slug(conn, slug)
        .await?
        .ok_or_else(|| Problem::NotFound(format!("provider {slug}")))
}
