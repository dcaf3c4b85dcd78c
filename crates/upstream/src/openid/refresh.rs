//! Asking the provider whether a person is still there, with the refresh token of their sign-in.
//!
//! Two steps, because many providers give a new token for each that is used: [`Upstream::refresh`]
//! brings it, and only when the caller has it in safety [`Upstream::confirm`] looks at what else
//! came.

use super::exchange::Tokens;
use super::metadata::{Places, origin};
use crate::error::{AnswerFault, Purpose, UpstreamError};
use crate::http::HttpError;
use crate::http::error::Stage;
use crate::provider::ProviderSettings;
use crate::upstream::{Upstream, fault};
use oidc::id_token::IdTokenError;
use oidc::refreshed::{self, Expected};
use oidc::subject;
use oidc::token;
use oidc::userinfo::UserInfoError;
use secrecy::{ExposeSecret as _, SecretString};

impl Upstream {
    /// Exchanges a refresh token for new tokens. It is sent to the origin that gave it only.
    ///
    /// # Errors
    /// [`UpstreamError::is_invalid_grant`]: the provider no longer stands by it.
    /// [`UpstreamError::may_have_counted`]: whether it was used up is not known. Anything else: it
    /// is as good as before.
    pub async fn refresh(
        &self,
        settings: &ProviderSettings,
        refresh_token: &SecretString,
        given_at: &str,
    ) -> Result<Tokens, UpstreamError> {
        let memory = self.memory(settings);
        let places = self.places(settings, &memory).await?;
        if origin(places.token()) != given_at {
            let bound = given_at.to_owned();
            let elsewhere = AnswerFault::Elsewhere { bound };
            return Err(fault(Purpose::Token, places.token().url(), elsewhere));
        }
        let answered = self
            .ask_for_tokens(settings, &memory, &places, "", &|client| {
                token::refresh_request(refresh_token, client)
            })
            .await?;
        Ok(answered.tokens.into())
    }

    /// Checks what came for a refresh token: the ID token, if there is one, and userinfo must be of
    /// the person it was given for.
    ///
    /// # Errors
    /// [`UpstreamError::is_of_somebody_else`]: it is not. Anything else: it is not known.
    pub async fn confirm(
        &self,
        settings: &ProviderSettings,
        tokens: &Tokens,
        person: &str,
    ) -> Result<(), UpstreamError> {
        let memory = self.memory(settings);
        let places = self.places(settings, &memory).await?;
        let metadata = places.metadata();
        if let (Some(token), Some(metadata)) = (&tokens.id, metadata) {
            let expected = Expected {
                issuer: &metadata.issuer,
                client_id: &settings.client_id,
                subject: person,
                now: self.clock.now(),
                leeway: settings.leeway,
            };
            self.with_keys(
                settings,
                &memory,
                metadata,
                |keys| refreshed::verify(token.expose_secret(), keys, &expected),
                |error| match error {
                    IdTokenError::Jwt(error) => Some(error),
                    _ => None,
                },
            )
            .await?;
        }
        let Some(endpoint) = places.userinfo() else {
            return Ok(());
        };
        let metadata = metadata.map(AsRef::as_ref);
        let userinfo = self
            .userinfo(settings, &memory, metadata, endpoint, &tokens.access)
            .await?;
        let observed = match (&settings.subject_claim, &places) {
            (Some(claim), Places::Typed(_)) => subject::named(&userinfo, claim)?,
            _ => subject::sub(&userinfo)?,
        };
        if observed == person {
            return Ok(());
        }
        Err(UserInfoError::OtherSubject {
            expected: oidc::foreign::printable(person, 255),
            observed: oidc::foreign::printable(&observed, 255),
        }
        .into())
    }
}

impl UpstreamError {
    /// Whether the provider says `invalid_grant`: the one word that counts against a person.
    #[must_use]
    pub fn is_invalid_grant(&self) -> bool {
        matches!(self, Self::Token(refusal) if refusal.error.error == "invalid_grant")
    }

    /// Whether what came for a refresh token is of another issuer or person.
    #[must_use]
    pub fn is_of_somebody_else(&self) -> bool {
        match self {
            Self::IdToken(error) => matches!(
                error.as_ref(),
                IdTokenError::Issuer { .. }
                    | IdTokenError::Audience { .. }
                    | IdTokenError::AuthorizedParty { .. }
                    | IdTokenError::OtherSubject { .. }
                    | IdTokenError::Subject(_)
            ),
            Self::UserInfo(error) => matches!(error.as_ref(), UserInfoError::OtherSubject { .. }),
            _ => false,
        }
    }

    /// Whether the token endpoint may have taken the request although no usable answer came. A
    /// provider that gives a new token for each may then refuse the old one.
    #[must_use]
    pub fn may_have_counted(&self) -> bool {
        match self {
            Self::Http {
                purpose: Purpose::Token,
                error,
                ..
            } => !never_sent(error.root()),
            Self::Answer {
                purpose: Purpose::Token,
                fault,
                ..
            } => !matches!(fault.as_ref(), AnswerFault::Elsewhere { .. }),
            _ => false,
        }
    }
}

const fn never_sent(error: &HttpError) -> bool {
    matches!(
        error,
        HttpError::NameNotFound { .. }
            | HttpError::Refused { .. }
            | HttpError::Unreachable { .. }
            | HttpError::TimedOut {
                stage: Stage::Connect,
                ..
            }
            | HttpError::Tls { .. }
            | HttpError::InternalAddress { .. }
            | HttpError::OwnHost { .. }
            | HttpError::PlainHttp { .. }
            | HttpError::BadUrl
            | HttpError::Paused { .. }
    )
}
