//! Learning the issuer of a provider that was set up by endpoints (design decision 1): the people
//! linked so far are the same people, known by the issuer from then on.

use super::{SECRET_CLEARED, SavedProvider, by_slug, form};
use crate::provider_calls::refused;
use crate::{App, Problem, audit};
use model::audit::Actor;
use model::preset::Preset;
use model::provider::{Endpoints, Provider, ProviderSettings};
use oidc::discovery::Metadata;
use serde_json::json;
use store::{Conn, StoreError, Taken};
use url::Url;

/// A provider whose issuer was learned.
#[derive(Debug, Clone)]
pub struct LearnedIssuer {
    /// The provider, by its issuer now, and what was repaired or removed on the way.
    pub saved: SavedProvider,
    /// How many people's links moved.
    pub moved: u64,
}

impl App {
    /// How many links [`App::learn_issuer`] would move; 1001 stands for "more than 1000".
    ///
    /// # Errors
    /// [`Problem::Invalid`] if the provider's issuer cannot be learned.
    pub async fn links_to_move(&self, slug: &str) -> Result<u32, Problem> {
        let mut read = self.store.read()?;
        let provider = by_slug(&mut read, slug).await?;
        learnable(&provider)?;
        Ok(store::links::count_in(&mut read, provider.id, &provider.namespace).await?)
    }

    /// Asks the provider for its discovery document at the issuer that `pasted` means, and moves
    /// provider and links to that issuer in one transaction. The client secret stays only if the
    /// token endpoint stays at its origin.
    ///
    /// # Errors
    /// [`Problem::Refused`] if no document of this issuer is there, [`Problem::Invalid`] if it
    /// speaks of other hosts than the typed endpoints, or somebody is linked there already.
    /// Nothing is changed then.
    pub async fn learn_issuer(
        &self,
        actor: &Actor,
        slug: &str,
        pasted: &str,
    ) -> Result<LearnedIssuer, Problem> {
        let before = self.provider(slug).await?;
        let typed = learnable(&before)?;
        let call = self.call_settings(&before).await?;
        let (issuer, repairs, metadata) = self
            .upstream
            .learn_issuer(pasted, &call)
            .await
            .map_err(|error| refused(&before, &error))?;
        let token_origin = same_places(&typed, &metadata)?;
        let settings = ProviderSettings {
            // What the provider itself states is not repaired after its kind.
            preset: Preset::Issuer,
            endpoints: Endpoints::Issuer {
                issuer: issuer.as_str().to_owned(),
            },
            ..before.settings.clone()
        };
        let (mut settings, mut notes) = self.checked(settings, slug)?;
        if before.settings.preset != Preset::Endpoints {
            settings.preset = before.settings.preset;
        }
        let told = repairs.iter().map(|r| format!("Issuer: {}", r.text()));
        notes.splice(0..0, told);
        let clear = before.secret.is_some() && token_origin.is_none();
        if clear {
            notes.push(SECRET_CLEARED.to_owned());
        }
        let (now, actor, slug) = (self.clock.now(), actor.clone(), slug.to_owned());
        let (provider, moved) = self
            .store
            .write(async move |tx: &mut Conn| {
                form::check_references(tx, &settings).await?;
                let after = Provider {
                    namespace: form::namespace(&settings, before.id, now),
                    settings: settings.clone(),
                    ..before.clone()
                };
                let key = form::redirect_key(settings.redirect, &slug);
                if !store::providers::update(tx, &after, &key, Some(before.modified), now).await? {
                    return Err(Problem::Stale);
                }
                let moved = store::links::rekey(tx, before.id, &before.namespace, &after.namespace)
                    .await
                    .map_err(somebody_there)?;
                store::blocks::rekey(tx, &before.namespace, &after.namespace).await?;
                store::sessions::rekey(tx, before.id, &before.namespace, &after.namespace).await?;
                if clear {
                    store::providers::set_secret(tx, before.id, None, now).await?;
                } else if let Some(origin) = &token_origin
                    && let Some(secret) = store::providers::sealed_secret(tx, before.id).await?
                {
                    // Discovery may name another place tomorrow: this secret is for the typed one.
                    store::providers::bind_secret(tx, before.id, &secret.sealed, origin).await?;
                }
                let details = json!({
                    "before": { "endpoints": before.settings.endpoints,
                        "namespace": before.namespace },
                    "after": { "endpoints": after.settings.endpoints,
                        "namespace": after.namespace },
                    "links_moved": moved,
                    "secret_changed": clear,
                });
                audit::note(tx, now, &actor, "provider.learn_issuer", &slug, details).await?;
                Ok((by_slug(tx, &slug).await?, moved))
            })
            .await?;
        let saved = SavedProvider {
            provider,
            notes,
            minted: None,
        };
        Ok(LearnedIssuer { saved, moved })
    }
}

/// The endpoints typed by hand.
struct Typed {
    authorize: String,
    token: String,
    userinfo: String,
}

fn learnable(provider: &Provider) -> Result<Typed, Problem> {
    if let Some(claim) = &provider.settings.subject_claim {
        let words = format!(
            "people are known by the claim {claim} here, and an issuer knows them by sub: their \
             links would lead nowhere"
        );
        return Err(Problem::field("issuer", words));
    }
    match &provider.settings.endpoints {
        Endpoints::Issuer { .. } => {
            let words = "this provider is set up by its issuer already";
            Err(Problem::field("issuer", words))
        }
        Endpoints::Manual {
            authorize,
            token,
            userinfo,
        } => Ok(Typed {
            authorize: authorize.clone(),
            token: token.clone(),
            userinfo: userinfo.clone(),
        }),
    }
}

/// Refuses a document of other hosts than the typed endpoints': it would be about other people.
/// The origin of the token endpoint, if that stays.
fn same_places(typed: &Typed, document: &Metadata) -> Result<Option<String>, Problem> {
    let userinfo = document.userinfo_endpoint.as_ref();
    let pairs = [
        (
            "authorization",
            &typed.authorize,
            Some(&document.authorization_endpoint),
        ),
        ("token", &typed.token, Some(&document.token_endpoint)),
        ("userinfo", &typed.userinfo, userinfo),
    ];
    for (role, ours, theirs) in pairs {
        let Some(theirs) = theirs.map(oidc::endpoint::Endpoint::url) else {
            continue;
        };
        let ours = Url::parse(ours).ok();
        let ours = ours.as_ref().and_then(Url::host_str).unwrap_or_default();
        let theirs = theirs.host_str().unwrap_or_default();
        if ours != theirs {
            let words = format!(
                "its document names {theirs} for the {role} endpoint, while {ours} is typed here: \
                 that may be another provider, with other people"
            );
            return Err(Problem::field("issuer", words));
        }
    }
    let theirs = document.token_endpoint.url().origin();
    let stays = Url::parse(&typed.token).is_ok_and(|ours| ours.origin() == theirs);
    Ok(stays.then(|| theirs.ascii_serialization()))
}

fn somebody_there(error: StoreError) -> Problem {
    match error {
        StoreError::Taken(Taken::Subject) => Problem::field(
            "issuer",
            "some of these people are linked by another provider of this issuer already; delete \
             those links first",
        ),
        other => other.into(),
    }
}
