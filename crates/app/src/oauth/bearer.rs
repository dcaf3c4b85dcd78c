//! What an access token opens: userinfo, mailcow's profile, introspection, revocation.

use super::claims::{self, Profile};
use super::client_auth::EndpointError;
use super::names::{Scope, Secret, subject};
use super::standing::{could_refresh, still_counts};
use super::uses::Used;
use crate::{App, Client, Problem};
use model::grant::{Bearer, TokenKind};
use model::oauth_app::{AppKind, AppSettings, OauthApp};
use oidc::op::bearer::{BearerError, BearerPlace, BearerPlaces, BearerRequest};
use oidc::op::client_auth::client_credentials;
use oidc::op::error::TokenErrorCode;
use oidc::op::params::Params;
use oidc::op::token::TokenError;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use store::app_grants::Ending;
use store::app_tokens::Found;
use store::{Conn, StoreError};

/// Why an access token opens nothing (RFC 6750 section 3.1).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BearerRefusal {
    /// There is none: which scheme it should come by is all there is to say (401).
    #[error("there is no access token")]
    Missing,
    /// The request, before any token was looked at (400).
    #[error(transparent)]
    Request(#[from] BearerError),
    /// The token is not good, or not any more (401).
    #[error("the access token is unknown, has ended, or was taken back")]
    Token,
    /// It is good, but not for this (403).
    #[error("the access token does not have the scope {0}")]
    Scope(&'static str),
    /// It may have been in an address, which others read: it opens the profile alone (403).
    #[error("access tokens of this app open the profile alone")]
    ProfileAlone,
    /// Nothing is wrong with the request (503).
    #[error(transparent)]
    Unavailable(Problem),
}

impl From<StoreError> for BearerRefusal {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

/// What the profile says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProfileAnswer {
    /// Who it is.
    Person(Box<Profile>),
    /// mailcow's answer about somebody who may not be known, for its clients.
    NoSuccess,
}

impl App {
    /// mailcow's profile of the person whose access token this is.
    ///
    /// # Errors
    /// [`BearerRefusal`].
    pub async fn app_profile(
        &self,
        request: BearerRequest<'_>,
    ) -> Result<ProfileAnswer, BearerRefusal> {
        let places = BearerPlaces {
            form: true,
            query: true,
        };
        let shown = request.token(places)?.ok_or(BearerRefusal::Missing)?;
        let found = self
            .access(&shown.token)
            .await?
            .ok_or(BearerRefusal::Token)?;
        let Known { found, counts } = found;
        if shown.place == BearerPlace::Query && !found.settings.token_in_query {
            return Err(BearerError::Place.into());
        }
        let refused = if !counts {
            BearerRefusal::Token
        } else if !Scope::Profile.is_in(&found.bearer.scopes) {
            BearerRefusal::Scope(Scope::Profile.name())
        } else {
            self.note_connection(&found);
            let profile = Profile::of(&found.settings, &found.bearer.person);
            return Ok(ProfileAnswer::Person(Box::new(profile)));
        };
        if found.settings.mailcow && found.settings.active {
            return Ok(ProfileAnswer::NoSuccess);
        }
        Err(refused)
    }

    /// The claims about the person whose access token this is (OpenID Connect Core section 5.3).
    ///
    /// # Errors
    /// [`BearerRefusal`].
    pub async fn app_userinfo(
        &self,
        request: BearerRequest<'_>,
    ) -> Result<Map<String, Value>, BearerRefusal> {
        let places = BearerPlaces {
            form: true,
            query: false,
        };
        let shown = request.token(places)?.ok_or(BearerRefusal::Missing)?;
        let found = match self.access(&shown.token).await? {
            Some(Known {
                found,
                counts: true,
            }) => found,
            _ => return Err(BearerRefusal::Token),
        };
        if !Scope::OpenId.is_in(&found.bearer.scopes) {
            return Err(BearerRefusal::Scope(Scope::OpenId.name()));
        }
        if !opens_userinfo(&found.settings) {
            return Err(BearerRefusal::ProfileAlone);
        }
        self.note_connection(&found);
        Ok(userinfo(&mut *self.store.read()?, &found.settings, &found.bearer).await?)
    }

    /// What a token is worth (RFC 7662), to the app that it was given to. About all others it only
    /// learns that they are worth nothing to it.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub async fn app_introspection(
        &self,
        authorization: Option<&str>,
        form: &str,
        client: &Client,
    ) -> Result<Value, EndpointError> {
        let call = self.token_call(authorization, form, client).await?;
        if call.app.settings.kind == AppKind::Public {
            let error = TokenError::new(
                TokenErrorCode::InvalidClient,
                "a client without a secret learns nothing here",
            );
            return Err(EndpointError::of(error, authorization.is_some()));
        }
        let inactive = json!({ "active": false });
        let Some(found) = self.token_of(&call).await? else {
            return Ok(inactive);
        };
        let mut read = self.store.read()?;
        let (bearer, now) = (&found.bearer, self.clock.now());
        let usable = bearer.kind == TokenKind::Access || could_refresh(bearer, now);
        let good = usable && now < bearer.ends && bearer.used.is_none();
        if !good || !still_counts(&mut read, &found.settings, bearer, now).await? {
            return Ok(inactive);
        }
        drop(read);
        self.note_connection(&found);
        let mut answer = json!({
            "active": true,
            "scope": bearer.scopes,
            "client_id": found.client_id,
            "exp": bearer.ends.secs(),
            "iat": bearer.issued.secs(),
            "sub": subject(&found.settings, bearer.person.storage),
            "aud": found.client_id,
            "iss": self.public_url(),
        });
        if [Scope::Profile, Scope::Email]
            .iter()
            .any(|scope| scope.is_in(&bearer.scopes))
        {
            answer["username"] = json!(bearer.person.address);
        }
        if bearer.kind == TokenKind::Access {
            answer["token_type"] = json!("Bearer");
        }
        Ok(answer)
    }

    /// An app gives a token back (RFC 7009): an access token goes alone, a refresh token with all
    /// that stands on the same grant. Tokens of nobody or of others change nothing, and it is not
    /// told which it was.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub async fn app_revocation(
        &self,
        authorization: Option<&str>,
        form: &str,
        client: &Client,
    ) -> Result<(), EndpointError> {
        let call = self.token_call(authorization, form, client).await?;
        let Some(found) = self.token_of(&call).await? else {
            return Ok(());
        };
        let (kind, grant) = (found.bearer.kind, found.bearer.grant);
        let tag = self.oauth_tag(Secret::Access, call.token.expose_secret());
        self.store
            .write(async move |tx: &mut Conn| {
                match kind {
                    TokenKind::Access => {
                        store::app_tokens::revoke(tx, &tag).await?;
                    }
                    TokenKind::Refresh => {
                        store::app_grants::end(tx, Ending::One(grant)).await?;
                    }
                }
                Ok::<_, StoreError>(())
            })
            .await?;
        Ok(())
    }

    /// An access token that is in time.
    async fn access(&self, token: &SecretString) -> Result<Option<Known>, StoreError> {
        let tag = self.oauth_tag(Secret::Access, token.expose_secret());
        let mut read = self.store.read()?;
        let Some(found) = store::app_tokens::find(&mut read, &tag).await? else {
            return Ok(None);
        };
        let now = self.clock.now();
        if now >= found.bearer.ends {
            return Ok(None);
        }
        let counts = still_counts(&mut read, &found.settings, &found.bearer, now).await?;
        Ok(Some(Known { found, counts }))
    }

    async fn token_call(
        &self,
        authorization: Option<&str>,
        form: &str,
        client: &Client,
    ) -> Result<TokenCall, EndpointError> {
        let refused = |error| EndpointError::of(error, authorization.is_some());
        let params = Params::parse(form).map_err(|error| refused(error.into()))?;
        let credentials = client_credentials(authorization, &params).map_err(refused)?;
        let app = self.calling_app(credentials, client).await?;
        let token = params.get("token").map_err(|error| refused(error.into()))?;
        let token = token.ok_or_else(|| refused(TokenError::invalid("token is missing")))?;
        let hint = params
            .get("token_type_hint")
            .map_err(|error| refused(error.into()))?;
        Ok(TokenCall {
            app,
            token: token.to_owned().into(),
            refresh_first: hint == Some("refresh_token"),
        })
    }

    /// The token that a call is about, if it is one of the calling app. A wrong hint only costs a
    /// second look-up.
    async fn token_of(&self, call: &TokenCall) -> Result<Option<Found>, StoreError> {
        let mut kinds = [Secret::Access, Secret::Refresh];
        if call.refresh_first {
            kinds.reverse();
        }
        let mut read = self.store.read()?;
        for kind in kinds {
            let tag = self.oauth_tag(kind, call.token.expose_secret());
            if let Some(found) = store::app_tokens::find(&mut read, &tag).await? {
                return Ok((found.bearer.app == call.app.id).then_some(found));
            }
        }
        Ok(None)
    }

    /// Notes that an app asked about a person, once an hour.
    fn note_connection(&self, found: &Found) {
        let (app, person) = (found.bearer.app, found.bearer.person.mailbox);
        let now = self.clock.now();
        let used = Used::Connection(person);
        let first = self.app_uses.lock().first_this_hour(app, used, now);
        if first {
            self.note_use(async move |tx: &mut Conn| {
                store::app_connections::touch(tx, person, app, now).await
            });
        }
    }
}

/// Whether an app's access tokens open more than mailcow's profile: those that may travel in addresses,
/// where proxies write them down, do not.
pub(super) const fn opens_userinfo(settings: &AppSettings) -> bool {
    !settings.token_in_query
}

/// What userinfo says to whoever has a token with the scope `openid`.
pub(super) async fn userinfo(
    sql: &mut Conn,
    settings: &AppSettings,
    bearer: &Bearer,
) -> Result<Map<String, Value>, StoreError> {
    let mut about = claims::for_userinfo(sql, bearer).await?;
    let subject = subject(settings, bearer.person.storage);
    about.insert("sub".to_owned(), subject.into());
    Ok(about)
}

/// A token with what it stands on.
struct Known {
    found: Found,
    /// Person and app are as they were when it was given.
    counts: bool,
}

/// What introspection and revocation are asked.
struct TokenCall {
    app: OauthApp,
    token: SecretString,
    refresh_first: bool,
}
