//! The token endpoint: codes, refresh tokens and what devices wait with become tokens, each once.

use super::client_auth::EndpointError;
use super::names::{Scope, Secret, subject};
use super::redeem::{Given, Offer, Pair, Redeemed, Redemption, Refused};
use crate::confirmation::AGAIN;
use crate::sign_in::Record;
use crate::{App, Client, Problem};
use model::address::Address;
use model::attempt::Door;
use model::grant::Bearer;
use model::ids::MailboxId;
use model::oauth_app::{AppKind, AppSettings, OauthApp};
use model::outcome::Code;
use model::{random, rules};
use oidc::op::error::TokenErrorCode;
use oidc::op::id_token::{self, IdTokenFacts};
use oidc::op::token::{TokenError, TokenRequest};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;
use store::Conn;

/// How long an ID token is good: it says that somebody signed in just now.
pub(super) const ID_TOKEN: Duration = Duration::from_secs(3600);

/// What an app gets, in mailcow's order.
#[derive(Serialize)]
pub struct TokenSet {
    access_token: String,
    expires_in: u64,
    token_type: &'static str,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id_token: Option<String>,
}

impl TokenSet {
    pub(super) fn of(
        settings: &AppSettings,
        scope: String,
        access_token: String,
        refresh_token: Option<String>,
    ) -> Self {
        Self {
            access_token,
            expires_in: settings.lifetimes().access.as_secs(),
            token_type: "Bearer",
            scope,
            refresh_token,
            id_token: None,
        }
    }
}

/// Everything else opens something.
impl std::fmt::Debug for TokenSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenSet")
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

impl App {
    /// Answers a request to the token endpoint, given the value of its `Authorization` header and
    /// its form.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub async fn app_tokens(
        &self,
        authorization: Option<&str>,
        form: &str,
        client: &Client,
    ) -> Result<TokenSet, EndpointError> {
        let (credentials, request) = TokenRequest::parse(authorization, form)
            .map_err(|error| EndpointError::of(error, authorization.is_some()))?;
        let app = self.calling_app(credentials, client).await?;
        let offer = match request {
            TokenRequest::Code {
                code,
                redirect_uri,
                verifier,
            } => Offer::Code {
                tag: self.oauth_tag(Secret::Code, code.expose_secret()),
                redirect: redirect_uri,
                verifier,
            },
            TokenRequest::Refresh { token, scope } => Offer::Refresh {
                tag: self.oauth_tag(Secret::Refresh, token.expose_secret()),
                scope,
            },
            TokenRequest::Device { device_code } => {
                let tag = self.oauth_tag(Secret::Device, device_code.expose_secret());
                self.device_asks(&app, &tag).await?;
                Offer::Device { tag }
            }
        };
        self.redeem(app, offer, client).await
    }

    async fn redeem(
        &self,
        app: OauthApp,
        offer: Offer,
        client: &Client,
    ) -> Result<TokenSet, EndpointError> {
        // Guesses that anybody may send, and ended refresh tokens, cost no transaction; of the guesses only
        // some are recorded. An app that proved itself sends no codes but ours.
        let anybody = app.settings.kind == AppKind::Public;
        let is_code = matches!(offer, Offer::Code { .. });
        if (anybody || !is_code) && !offer.is_known(&mut *self.store.read()?).await? {
            if is_code {
                self.limit_wrong(Some(app.id), client)?;
            }
            return Err(self
                .not_redeemed(&app, &offer, offer.unknown(), client)
                .await);
        }
        // Before anything is used up: without keys nobody could be given an ID token.
        self.signing().await?;
        let now = self.clock.now();
        let (access, refresh) = (self.new_app_token(&app), self.new_app_token(&app));
        let redemption = Arc::new(Redemption {
            offer,
            app,
            pair: Pair {
                access: self.oauth_tag(Secret::Access, &access),
                refresh: self.oauth_tag(Secret::Refresh, &refresh),
            },
            now,
        });
        let job = Arc::clone(&redemption);
        let done = self
            .store
            .write(async move |tx: &mut Conn| job.carry_out(tx).await)
            .await;
        let (app, offer) = (&redemption.app, &redemption.offer);
        match done {
            Ok(Redeemed::Given(given)) => self.token_set(app, *given, access, refresh).await,
            Ok(Redeemed::Again(person)) => {
                Err(self.offered_again(app, offer, person, client).await)
            }
            Err(Refused::Request(error)) => Err(self.not_redeemed(app, offer, error, client).await),
            // As often as the provider is asked.
            Err(Refused::Later) => Err(EndpointError::Later {
                wait_seconds: AGAIN.as_secs(),
            }),
            Err(Refused::Store(error)) => Err(error.into()),
        }
    }

    /// Refuses an offer. An ended refresh token is an ordinary thing and not recorded.
    async fn not_redeemed(
        &self,
        app: &OauthApp,
        offer: &Offer,
        error: TokenError,
        client: &Client,
    ) -> EndpointError {
        if matches!(offer, Offer::Code { .. }) {
            let detail = &error.description;
            self.note_refusal(Code::AppCode, app, detail, client).await;
        }
        EndpointError::Refused(error)
    }

    /// Refuses what was used before, and records it with the person: somebody may have stolen it.
    async fn offered_again(
        &self,
        app: &OauthApp,
        offer: &Offer,
        person: MailboxId,
        client: &Client,
    ) -> EndpointError {
        let what = offer.name();
        let mut record = Record::new(self, Door::App, client);
        record.attempt.app = Some(app.id);
        if let Some(address) = self.address_of(person).await {
            record.about(Some(person), address);
        }
        let refusal = rules::apps::of_app(Code::AppUsedAgain, app).with("detail", what);
        self.refuse(record, refusal).await;
        let words = format!("the {what} was used before; all its tokens have ended");
        EndpointError::refused(TokenErrorCode::InvalidGrant, &words)
    }

    /// For a record only, which is worth having without it.
    async fn address_of(&self, person: MailboxId) -> Option<Address> {
        let mut read = self.store.read().ok()?;
        let found = store::mailboxes::by_id(&mut read, person).await.ok()??;
        Some(found.address)
    }

    async fn token_set(
        &self,
        app: &OauthApp,
        given: Given,
        access: String,
        refresh: String,
    ) -> Result<TokenSet, EndpointError> {
        let scopes = given.found.bearer.scopes.clone();
        let refresh = given.refreshable.then_some(refresh);
        let mut tokens = TokenSet::of(&app.settings, scopes, access, refresh);
        if Scope::OpenId.is_in(&tokens.scope) {
            let (nonce, access) = (given.nonce.as_deref(), &tokens.access_token);
            let signed = self.id_token(app, &given, nonce, access).await?;
            tokens.id_token = Some(signed);
        }
        Ok(tokens)
    }

    async fn id_token(
        &self,
        app: &OauthApp,
        given: &Given,
        nonce: Option<&str>,
        access_token: &str,
    ) -> Result<String, Problem> {
        let (bearer, released) = (&given.found.bearer, given.released.clone());
        let claims = self.id_token_claims(app, bearer, released, (nonce, access_token));
        let alg = app.settings.id_token_alg;
        self.sign_token(alg, id_token::TYP, claims).await
    }

    /// What an ID token says, about the person and about itself.
    pub(super) fn id_token_claims(
        &self,
        app: &OauthApp,
        bearer: &Bearer,
        released: Map<String, Value>,
        (nonce, access_token): (Option<&str>, &str),
    ) -> Map<String, Value> {
        id_token::claims(IdTokenFacts {
            issuer: self.public_url(),
            subject: &subject(&app.settings, bearer.person.storage),
            client_id: &app.client_id,
            now: self.clock.now(),
            lifetime: ID_TOKEN,
            auth_time: bearer.auth_time,
            nonce,
            access_token: Some(access_token),
            amr: &[],
            sid: Some(&bearer.sid),
            released,
        })
    }

    /// A code or a token. mailcow's are 40 hexadecimal digits, and its clients may have columns of that
    /// size.
    pub(super) fn new_app_token(&self, app: &OauthApp) -> String {
        if app.settings.mailcow {
            hex::encode(random::bytes::<20>(self.random.as_ref()))
        } else {
            random::token(self.random.as_ref())
        }
    }
}

/// What stands for a code or a token where none is made.
pub(super) const fn token_shape(settings: &AppSettings) -> &'static str {
    if settings.mailcow {
        "(40 hexadecimal digits, others each time)"
    } else {
        "(43 characters, others each time)"
    }
}
