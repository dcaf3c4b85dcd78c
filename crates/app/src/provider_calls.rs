//! Calls to a provider, in the words of the use cases: stored provider in, identity or refusal out.

use crate::confirmation::Refresh;
use crate::{App, Problem};
use model::attempt::SeenClaim;
use model::link::Namespace;
use model::preset::Preset;
use model::provider::{Endpoints, Provider};
use model::rules::mapping::Claims;
use oidc::callback::{Answer, Callback, Delivery};
use oidc::pkce::Verifier;
use oidc::redirect::RedirectUri;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use store::providers::SealedSecret;
use store::{Conn, StoreError};
use tokio::time::Instant;
use upstream::journal::Journal;
use upstream::{AuthorizeInput, ExchangeInput, ProviderSettings, UpstreamError};

/// Values a sign-in leaves with.
pub(crate) struct Departure<'a> {
    pub(crate) state: &'a str,
    pub(crate) nonce: &'a str,
    pub(crate) verifier: &'a Verifier,
    pub(crate) redirect: &'a str,
    /// How fresh the person's proof of who they are has to be.
    pub(crate) fresh: Fresh,
    /// The address of the person, if they or a third party named it.
    pub(crate) login_hint: Option<&'a str>,
}

/// How fresh a proof of who somebody is has to be, even if the provider knows them already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Fresh {
    /// They are to be asked in any case.
    pub(crate) anew: bool,
    /// If it is older than so many seconds.
    pub(crate) max_age: Option<u32>,
}

/// What was kept of the departure.
pub(crate) struct Kept<'a> {
    pub(crate) nonce: &'a str,
    pub(crate) verifier: &'a str,
    pub(crate) redirect: &'a str,
    /// How the answer was asked for.
    pub(crate) asked: Option<Delivery>,
    /// Where the calls are noted.
    pub(crate) journal: &'a Journal,
}

/// A person, proven by the provider.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) namespace: Namespace,
    pub(crate) subject: String,
    pub(crate) claims: Claims,
    /// The same with their origins, whole.
    pub(crate) told: Arc<oidc::claims::Claims>,
    pub(crate) seen: Vec<SeenClaim>,
    /// The scopes granted.
    pub(crate) scopes: String,
    /// How it was proven, for the trace.
    pub(crate) evidence: String,
    /// The key that signed the ID token, if there was one that could be checked.
    pub(crate) signed_by: Option<String>,
    /// The provider's name of its session.
    pub(crate) sid: Option<String>,
    /// How long before now they had proved who they are there; `None` where it does not say.
    pub(crate) proved_before: Option<Duration>,
    /// The ID token as it came.
    pub(crate) id_token: Option<SecretString>,
    /// The refresh token, unless anybody might have listened.
    pub(crate) refresh: Option<Refresh>,
}

/// How long all calls of one sign-in may take together: less than a page may, so that the refusal
/// is told and recorded with the step that was slow.
const ALL_CALLS: Duration = Duration::from_secs(20);

/// The scope of refresh tokens that outlive the session they came with.
const OFFLINE: &str = "offline_access";

/// Most claims kept with an attempt.
const MOST_CLAIMS: usize = 60;

/// Most bytes of claims kept whole with an attempt.
const MOST_KEPT: usize = 16 * 1024;

impl App {
    /// The URL to which the person is sent, and how the answer is asked for.
    pub(crate) async fn authorization_url(
        &self,
        provider: &Provider,
        departure: &Departure<'_>,
    ) -> Result<upstream::Departure, Problem> {
        let mut settings = self.call_settings(provider).await?;
        let consent = self.ask_for_refresh(provider, &mut settings).await;
        let redirect = redirect(departure.redirect)?;
        let challenge = departure.verifier.challenge();
        let input = AuthorizeInput {
            redirect_uri: &redirect,
            state: departure.state,
            nonce: departure.nonce,
            challenge: &challenge,
            max_age: departure.fresh.max_age,
            prompt: match (departure.fresh.anew, consent) {
                (true, true) => Some("login consent"),
                (true, false) => Some("login"),
                (false, true) => Some("consent"),
                (false, false) => None,
            },
            login_hint: departure.login_hint,
        };
        self.upstream
            .authorize(&settings, &input)
            .await
            .map_err(|e| refused(provider, &e))
    }

    /// Turns the provider's answer into a proven identity.
    pub(crate) async fn identify_at(
        &self,
        provider: &Provider,
        callback: &Callback,
        kept: &Kept<'_>,
    ) -> Result<Identity, Problem> {
        callback
            .check_delivery(kept.asked)
            .map_err(|error| refused(provider, &error.into()))?;
        let deadline = Instant::now() + ALL_CALLS;
        let mut settings = self
            .secret_settings(provider, Some(deadline))
            .await?
            .map_err(|error| refused(provider, &error))?;
        settings.journal = Some(kept.journal.clone());
        self.ask_for_refresh(provider, &mut settings).await;
        if let Endpoints::Issuer { issuer } = &provider.settings.endpoints {
            let metadata = self
                .upstream
                .metadata(&settings)
                .await
                .map_err(|e| refused(provider, &e))?;
            let announced = metadata.is_some_and(|m| m.response_iss);
            callback
                .check_issuer(issuer, announced)
                .map_err(|foreign| {
                    refused(provider, &UpstreamError::ForeignIssuer(Box::new(foreign)))
                })?;
        }
        let code = match &callback.answer {
            Answer::Code(code) => code,
            Answer::Error(error) => {
                return Err(refused(
                    provider,
                    &UpstreamError::denied(error.clone(), &settings, kept.redirect),
                ));
            }
        };
        let verifier =
            Verifier::parse(kept.verifier).map_err(|e| Problem::Unavailable(e.to_string()))?;
        let redirect = redirect(kept.redirect)?;
        let input = ExchangeInput {
            code,
            redirect_uri: &redirect,
            verifier: &verifier,
            nonce: kept.nonce,
        };
        let identity = self
            .upstream
            .exchange(&settings, &input)
            .await
            .map_err(|e| refused(provider, &e))?;
        let proof = match &identity.signed_by {
            Some(key) => format!("ID token signed by {key}"),
            None => "userinfo; no ID token that could be checked".to_owned(),
        };
        let mut left = MOST_KEPT;
        Ok(Identity {
            signed_by: identity.signed_by,
            evidence: format!(
                "{} at {}; {proof}; client authentication {}; scopes {}",
                identity.subject, identity.namespace, identity.auth_method, identity.scopes
            ),
            namespace: identity.namespace,
            subject: identity.subject,
            sid: identity.sid,
            proved_before: identity.proved_before,
            id_token: identity.tokens.id,
            refresh: identity
                .tokens
                .refresh
                .filter(|_| !identity.tls_ignored)
                .map(|token| Refresh {
                    token,
                    given_at: identity.given_at,
                    lives: identity.tokens.refresh_expires_in,
                    offline: identity.scopes.contains(OFFLINE),
                }),
            seen: identity
                .claims
                .iter()
                .take(MOST_CLAIMS)
                .map(|(name, claim)| {
                    SeenClaim::of(name, &claim.value, claim.origin.name(), &mut left)
                })
                .collect(),
            scopes: identity.scopes.to_string(),
            claims: identity.claims.values(),
            told: Arc::new(identity.claims),
        })
    }

    /// Has a refresh token asked for that outlives the session there, where people are to be asked
    /// about in the background. Returns whether people have to be asked for their consent: without
    /// it a provider must not give one (OpenID Connect Core section 11), though those of a known
    /// kind have a setting in its place.
    async fn ask_for_refresh(&self, provider: &Provider, settings: &mut ProviderSettings) -> bool {
        let wanted = &provider.settings;
        if !wanted.leavers.background_checks || wanted.ignores_tls(self.clock.now()) {
            return false;
        }
        if !settings.scopes.contains(OFFLINE) {
            let metadata = self.upstream.metadata(settings).await.ok().flatten();
            let listed = metadata.and_then(|metadata| metadata.knows_scope(OFFLINE));
            if listed != Some(true) {
                return false;
            }
            settings.scopes = settings.scopes.clone().with(OFFLINE);
        }
        wanted.preset == Preset::Issuer
    }

    /// The provider's settings with its secret, for one call that does not send it.
    pub(crate) async fn call_settings(
        &self,
        provider: &Provider,
    ) -> Result<ProviderSettings, Problem> {
        self.sealed_settings(provider)
            .await
            .map(|(settings, _)| settings)
    }

    async fn sealed_settings(
        &self,
        provider: &Provider,
    ) -> Result<(ProviderSettings, Option<SealedSecret>), Problem> {
        let stored = store::providers::sealed_secret(&mut *self.store.read()?, provider.id).await?;
        let secret = match &stored {
            Some(stored) => Some(self.unsealed(&provider.slug, &stored.sealed)?),
            None => None,
        };
        let mut settings = ProviderSettings::of(provider, secret)
            .map_err(|error| refused(provider, &error.into()))?;
        settings.secret_origin = stored.as_ref().and_then(|stored| stored.origin.clone());
        Ok((settings, stored))
    }

    /// The provider's settings for calls that send its secret. A secret that was never used is
    /// bound to the token endpoint's origin first, so that it never goes to another one, whatever
    /// discovery names later. The inner error is that of asking the provider where that is.
    pub(crate) async fn secret_settings(
        &self,
        provider: &Provider,
        deadline: Option<Instant>,
    ) -> Result<Result<ProviderSettings, UpstreamError>, Problem> {
        let (mut settings, stored) = self.sealed_settings(provider).await?;
        settings.deadline = deadline;
        let Some(SealedSecret {
            sealed,
            origin: None,
        }) = stored
        else {
            return Ok(Ok(settings));
        };
        let origin = match self.upstream.token_origin(&settings).await {
            Ok(origin) => origin,
            Err(error) => return Ok(Err(error)),
        };
        let (id, found) = (provider.id, origin.clone());
        let bound = self
            .store
            .write(async move |tx: &mut Conn| {
                if store::providers::bind_secret(tx, id, &sealed, &found).await? {
                    return Ok(Some(found.clone()));
                }
                let now = store::providers::sealed_secret(tx, id).await?;
                Ok::<_, StoreError>(
                    now.filter(|now| now.sealed == sealed)
                        .and_then(|now| now.origin),
                )
            })
            .await?;
        // Nothing is bound when the secret was changed meanwhile: this one is not to be sent.
        match bound {
            Some(bound) => settings.secret_origin = Some(bound),
            None => settings.secret = None,
        }
        Ok(Ok(settings))
    }
}

/// The redirect URL in the form in which calls take it, byte for byte.
pub(crate) fn redirect(text: &str) -> Result<RedirectUri, Problem> {
    RedirectUri::parse(text).map_err(|error| Problem::Unavailable(error.to_string()))
}

pub(crate) fn refused(provider: &Provider, error: &UpstreamError) -> Problem {
    Problem::Refused(error.refusal().with("provider", &provider.settings.name))
}
