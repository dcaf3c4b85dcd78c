//! From the code a person brings back to who they are.

use super::memory::Memory;
use super::metadata::{Places, origin};
use crate::error::UpstreamError;
use crate::http::tls::Trust;
use crate::provider::ProviderSettings;
use crate::upstream::Upstream;
use model::link::Namespace;
use oidc::claims::Claims;
use oidc::discovery::Metadata;
use oidc::id_token::{self, Expected, IdToken, IdTokenError};
use oidc::jwt;
use oidc::logout_token;
use oidc::pkce::Verifier;
use oidc::redirect::RedirectUri;
use oidc::scope::Scopes;
use oidc::subject;
use oidc::token::TokenResponse;
use oidc::userinfo::{self, UserInfoError};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use std::time::Duration;

/// What the callback knows: the code, and what was kept when the person left.
#[derive(Debug, Clone, Copy)]
pub struct ExchangeInput<'a> {
    /// As the provider sent it.
    pub code: &'a str,
    /// The same bytes as in the authorization request.
    pub redirect_uri: &'a RedirectUri,
    /// Whose challenge the authorization request carried.
    pub verifier: &'a Verifier,
    /// As in the authorization request.
    pub nonce: &'a str,
}

/// A person, as the provider vouches for them.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Where the subject is unique: the issuer, or the namespace of a provider set up by endpoints.
    pub namespace: Namespace,
    /// The provider's stable name of the person.
    pub subject: String,
    /// Everything it said about them.
    pub claims: Claims,
    /// The scopes granted; those asked for where the provider does not say.
    pub scopes: Scopes,
    /// The provider's name of its session (`sid`), from a verified ID token.
    pub sid: Option<String>,
    /// How long before its ID token was made the person had proved who they are (`auth_time`), from a
    /// verified one.
    pub proved_before: Option<Duration>,
    /// Whether an ID token was verified in full. Without that, no roles.
    pub id_token_verified: bool,
    /// How the ID token was signed, for the trace: `RS256 key-1`.
    pub signed_by: Option<String>,
    /// The issuer that an unverified ID token names, at a provider set up by endpoints: an
    /// administrator may learn it from here. Believed for nothing else.
    pub learned_issuer: Option<String>,
    /// The authentication method that the token endpoint took: `basic`, `body` or `none`.
    pub auth_method: &'static str,
    /// Whether any certificate would have done. If so: no roles, and no refresh token is kept.
    pub tls_ignored: bool,
    /// The origin of the token endpoint: a refresh token goes nowhere else.
    pub given_at: String,
    /// The tokens.
    pub tokens: Tokens,
}

/// What came with a sign-in.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// For the provider's own endpoints.
    pub access: SecretString,
    /// For asking again later.
    pub refresh: Option<SecretString>,
    /// As it came; needed as the hint when the person signs out.
    pub id: Option<SecretString>,
    /// Seconds the access token lives, when the provider says so.
    pub expires_in: Option<u64>,
    /// Seconds the refresh token lives, where the provider says so; 0 is without end.
    pub refresh_expires_in: Option<u64>,
}

impl From<TokenResponse> for Tokens {
    fn from(answered: TokenResponse) -> Self {
        Self {
            access: answered.access_token,
            refresh: answered.refresh_token,
            id: answered.id_token,
            expires_in: answered.expires_in,
            refresh_expires_in: answered.refresh_expires_in,
        }
    }
}

impl Upstream {
    /// Exchanges a code and checks everything that comes for it.
    ///
    /// # Errors
    /// [`UpstreamError`]; each value has one outcome code. Nothing of the person is believed then.
    pub async fn exchange(
        &self,
        settings: &ProviderSettings,
        input: &ExchangeInput<'_>,
    ) -> Result<Identity, UpstreamError> {
        let memory = self.memory(settings);
        let places = self.places(settings, &memory).await?;
        let answered = self
            .exchange_code(
                settings,
                &memory,
                &places,
                input.code,
                input.redirect_uri,
                input.verifier.expose(),
            )
            .await?;
        let tokens = &answered.tokens;
        let scopes = tokens
            .scope
            .clone()
            .unwrap_or_else(|| settings.scopes.clone());
        let person = match &places {
            Places::Discovered(metadata) => {
                self.by_issuer(settings, &memory, metadata, tokens, &scopes, input.nonce)
                    .await?
            }
            Places::Typed(_) => {
                self.by_endpoints(settings, &memory, &places, tokens, input.nonce)
                    .await?
            }
        };
        Ok(Identity {
            namespace: settings.namespace.clone(),
            subject: person.subject,
            claims: person.claims,
            scopes,
            sid: person.sid,
            proved_before: person.proved_before,
            id_token_verified: person.signed_by.is_some(),
            signed_by: person.signed_by,
            learned_issuer: person.learned_issuer,
            auth_method: answered.method.name(),
            tls_ignored: settings.tls.at(self.clock.now()) == Trust::Any,
            given_at: origin(places.token()),
            tokens: answered.tokens.into(),
        })
    }

    /// A provider known by its issuer: the ID token says who it is, userinfo adds to it.
    async fn by_issuer(
        &self,
        settings: &ProviderSettings,
        memory: &Memory,
        metadata: &Metadata,
        tokens: &TokenResponse,
        scopes: &Scopes,
        nonce: &str,
    ) -> Result<Person, UpstreamError> {
        if settings.wants_id_token() && !scopes.contains("openid") {
            return Err(UpstreamError::OpenidNotGranted {
                granted: scopes.to_string(),
                scopes: settings.scopes.to_string(),
            });
        }
        let id_token = match &tokens.id_token {
            Some(token) => Some(
                self.verify_id_token(settings, memory, metadata, token, tokens, nonce)
                    .await?,
            ),
            None if scopes.contains("openid") => return Err(UpstreamError::IdTokenMissing),
            None => None,
        };
        let wanted = id_token.is_none() || !settings.skip_userinfo;
        let userinfo = match metadata.userinfo_endpoint.as_ref().filter(|_| wanted) {
            Some(endpoint) => {
                let access_token = &tokens.access_token;
                let userinfo = self
                    .userinfo(settings, memory, Some(metadata), endpoint, access_token)
                    .await?;
                Some(userinfo)
            }
            None => None,
        };
        match (id_token, userinfo) {
            (Some(token), userinfo) => {
                if let Some(userinfo) = &userinfo {
                    userinfo::check_subject(userinfo, &token.subject)?;
                }
                Ok(Person {
                    sid: logout_token::sid(&token.claims),
                    proved_before: token.proved_before,
                    subject: token.subject,
                    claims: Claims::union(token.claims, userinfo.unwrap_or_default()),
                    signed_by: Some(token.signed_by),
                    learned_issuer: None,
                })
            }
            // Plain OAuth 2, because an administrator took `openid` out of the scopes.
            (None, Some(userinfo)) => Ok(Person {
                subject: subject::sub(&userinfo)?,
                claims: Claims::union(Map::new(), userinfo),
                sid: None,
                proved_before: None,
                signed_by: None,
                learned_issuer: None,
            }),
            (None, None) => Err(UpstreamError::IdTokenMissing),
        }
    }

    async fn verify_id_token(
        &self,
        settings: &ProviderSettings,
        memory: &Memory,
        metadata: &Metadata,
        token: &SecretString,
        tokens: &TokenResponse,
        nonce: &str,
    ) -> Result<IdToken, UpstreamError> {
        let expected = Expected {
            issuer: &metadata.issuer,
            client_id: &settings.client_id,
            nonce,
            access_token: Some(tokens.access_token.expose_secret()),
            now: self.clock.now(),
            leeway: settings.leeway,
        };
        self.with_keys(
            settings,
            memory,
            metadata,
            |keys| id_token::verify(token.expose_secret(), keys, &expected),
            |error| match error {
                IdTokenError::Jwt(error) => Some(error),
                _ => None,
            },
        )
        .await
    }

    /// A provider set up by endpoints: userinfo says who it is. An ID token cannot be verified
    /// without issuer and keys, so nothing is taken from it; but where it contradicts this sign-in
    /// (another nonce, another subject) something is wrong that must not pass.
    async fn by_endpoints(
        &self,
        settings: &ProviderSettings,
        memory: &Memory,
        places: &Places,
        tokens: &TokenResponse,
        nonce: &str,
    ) -> Result<Person, UpstreamError> {
        let Some(endpoint) = places.userinfo() else {
            return Err(UpstreamError::IdTokenMissing);
        };
        let unverified = tokens
            .id_token
            .as_ref()
            .and_then(|token| jwt::unverified_claims(token.expose_secret()));
        if let Some(Value::String(observed)) = unverified.as_ref().and_then(|c| c.get("nonce"))
            && observed != nonce
        {
            return Err(IdTokenError::Nonce {
                expected: nonce.to_owned(),
                observed: Some(oidc::foreign::printable(observed, 100)),
            }
            .into());
        }
        let userinfo = self
            .userinfo(settings, memory, None, endpoint, &tokens.access_token)
            .await?;
        if let Some(Value::String(expected)) = unverified.as_ref().and_then(|c| c.get("sub"))
            && let Some(Value::String(observed)) = userinfo.get("sub")
            && expected != observed
        {
            return Err(UserInfoError::OtherSubject {
                expected: oidc::foreign::printable(expected, 255),
                observed: oidc::foreign::printable(observed, 255),
            }
            .into());
        }
        let subject = match &settings.subject_claim {
            Some(claim) => subject::named(&userinfo, claim)?,
            None => subject::sub(&userinfo)?,
        };
        Ok(Person {
            subject,
            claims: Claims::union(Map::new(), userinfo),
            sid: None,
            proved_before: None,
            signed_by: None,
            learned_issuer: unverified
                .as_ref()
                .and_then(|claims| claims.get("iss"))
                .and_then(Value::as_str)
                .filter(|issuer| oidc::issuer::Issuer::parse(issuer).is_ok())
                .map(str::to_owned),
        })
    }
}

/// Who came, before it is told by which way.
struct Person {
    subject: String,
    claims: Claims,
    sid: Option<String>,
    proved_before: Option<Duration>,
    signed_by: Option<String>,
    learned_issuer: Option<String>,
}
