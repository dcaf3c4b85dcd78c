//! A provider says that somebody signed out there (OpenID Connect Back-Channel Logout 1.0).
//!
//! Web sessions that stand on the one that ended there end at once. Mail programs go on, for signing
//! out in a browser is not leaving the company, unless an administrator says that at this provider
//! it is.

use crate::{App, Problem, audit, confirmation};
use model::audit::Actor;
use model::ids::ProviderId;
use model::link::Namespace;
use model::provider::Provider;
use model::time::Timestamp;
use oidc::logout_token::LogoutToken;
use serde_json::json;
use std::time::Duration;
use store::sessions::EndedThere;
use store::{Conn, StoreError};
use tokio::time::Instant;
use upstream::UpstreamError;

/// How long verifying may take, fetching the provider's keys included.
const DEADLINE: Duration = Duration::from_secs(10);

/// What became of a logout token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderLogout {
    /// It counted.
    Ended {
        /// How many web sessions ended; none is fine too.
        sessions: u64,
    },
    /// It is no logout token for us, or was taken before. Nothing ended.
    Refused(String),
}

/// What one token asks for.
#[derive(Clone)]
struct Case {
    provider: ProviderId,
    slug: String,
    means_gone: bool,
    namespace: Namespace,
    token: LogoutToken,
    jti: Vec<u8>,
    now: Timestamp,
}

impl App {
    /// Takes a logout token that was posted for the provider `slug`.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] if the provider's keys cannot be had or the store cannot be
    /// written: it may try again.
    pub async fn provider_logout(
        &self,
        slug: &str,
        token: &str,
    ) -> Result<ProviderLogout, Problem> {
        let refused = |why: &str| Ok(ProviderLogout::Refused(why.to_owned()));
        let provider = store::providers::by_slug(&mut *self.store.read()?, slug).await?;
        let Some(provider) = provider else {
            return refused("there is no such provider");
        };
        if !provider.settings.active {
            return refused("the provider is switched off");
        }
        let token = match self.verified_logout(&provider, token).await? {
            Ok(token) => token,
            Err(why) => {
                tracing::info!(provider.slug = %slug, %why, "a logout token was refused");
                return Ok(ProviderLogout::Refused(why));
            }
        };
        let case = Case {
            provider: provider.id,
            slug: provider.slug,
            means_gone: provider.settings.leavers.logout_means_gone,
            namespace: provider.namespace,
            jti: self.keys.tag.tag(&[b"logout-token", token.jti.as_bytes()]),
            token,
            now: self.clock.now(),
        };
        let ended = self
            .write_ringing(async move |tx: &mut Conn| case.clone().carry_out(tx).await)
            .await?;
        Ok(match ended {
            Some(sessions) => ProviderLogout::Ended { sessions },
            None => ProviderLogout::Refused("it was taken before".to_owned()),
        })
    }

    async fn verified_logout(
        &self,
        provider: &Provider,
        token: &str,
    ) -> Result<Result<LogoutToken, String>, Problem> {
        let mut settings = self.call_settings(provider).await?;
        settings.deadline = Some(Instant::now() + DEADLINE);
        match self.upstream.logout_token(&settings, token).await {
            Ok(Some(token)) => Ok(Ok(token)),
            Ok(None) => Ok(Err(
                "the provider is set up by endpoints, so its tokens cannot be verified".to_owned(),
            )),
            Err(UpstreamError::LogoutToken(error)) => Ok(Err(error.to_string())),
            Err(error) => Err(Problem::Unavailable(error.to_string())),
        }
    }
}

impl Case {
    /// How many sessions ended; `None` if the token was taken before.
    async fn carry_out(self, tx: &mut Conn) -> Result<Option<u64>, StoreError> {
        let LogoutToken {
            subject, sid, ends, ..
        } = &self.token;
        if !store::logout_tokens::take(tx, self.provider, &self.jti, *ends).await? {
            return Ok(None);
        }
        let ended = match (subject.as_deref(), sid.as_deref()) {
            (Some(subject), Some(sid)) => EndedThere::Session { subject, sid },
            (None, Some(sid)) => EndedThere::Sid(sid),
            (Some(subject), None) => EndedThere::Subject(subject),
            (None, None) => return Ok(Some(0)),
        };
        let person = match (subject, sid) {
            (Some(subject), _) => Some(subject.clone()),
            (None, Some(sid)) => self.subject_of(tx, sid).await?,
            (None, None) => None,
        };
        let sessions =
            store::sessions::end_at_provider(tx, self.provider, &self.namespace, ended).await?;
        if let Some(person) = &person {
            let (namespace, sid) = (&self.namespace, sid.as_deref());
            confirmation::signed_out(tx, namespace, person, sid, self.now).await?;
            if self.means_gone {
                let (id, times) = (self.provider, (self.token.issued, self.now));
                confirmation::signed_out_for_good(tx, id, namespace, person, times).await?;
            }
        }
        let details = json!({ "subject": subject, "sid": sid, "sessions": sessions });
        let (at, by) = (&self.slug, Actor::System);
        audit::note(tx, self.now, &by, "provider.logout", at, details).await?;
        tracing::info!(provider.slug = %self.slug, sessions, "the provider ended web sessions");
        Ok(Some(sessions))
    }

    /// Whose session it was; who has signed out here is known by the refresh token of that sign-in.
    async fn subject_of(&self, tx: &mut Conn, sid: &str) -> Result<Option<String>, StoreError> {
        let (id, namespace) = (self.provider, &self.namespace);
        match store::sessions::subject_of_sid(tx, id, namespace, sid).await? {
            Some(subject) => Ok(Some(subject)),
            None => store::refresh_tokens::subject_of_sid(tx, id, namespace, sid).await,
        }
    }
}
