//! Which app is calling: at the token endpoint, at introspection and at revocation.

use super::names::Secret;
use super::uses::Used;
use crate::sign_in::Record;
use crate::{App, Client, Problem};
use model::attempt::Door;
use model::ids::OauthAppId;
use model::oauth_app::{AppKind, OauthApp};
use model::outcome::{Code, Refusal};
use model::rules;
use oidc::op::client_auth::{ClientAuthMethod, ClientCredentials};
use oidc::op::error::TokenErrorCode;
use oidc::op::token::TokenError;
use secrecy::ExposeSecret as _;
use store::oauth_apps::Proof;
use store::{Conn, StoreError};
use subtle::ConstantTimeEq as _;

/// Why an app gets no answer from an endpoint that it speaks to by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// What it asked for (400).
    #[error("{0}")]
    Refused(TokenError),
    /// It did not prove which app it is (401).
    #[error("{error}")]
    Unauthorized {
        /// Always `invalid_client`.
        error: TokenError,
        /// It tried by HTTP Basic, and is told that scheme (RFC 6749 section 5.2).
        basic: bool,
    },
    /// Too many wrong secrets, or codes of an app that has none (429).
    #[error("too many wrong secrets or codes; wait {wait_seconds} seconds")]
    Throttled {
        /// At least 1.
        wait_seconds: u64,
    },
    /// Too many devices wait for a person (429).
    #[error("too many devices wait; wait {wait_seconds} seconds")]
    TooManyDevices {
        /// At least 1.
        wait_seconds: u64,
    },
    /// No provider has confirmed the person for too long, and one has yet to answer (503).
    #[error("a provider has yet to confirm the person; wait {wait_seconds} seconds")]
    Later {
        /// At least 1.
        wait_seconds: u64,
    },
    /// Nothing is wrong with the request (503).
    #[error(transparent)]
    Unavailable(Problem),
}

impl EndpointError {
    /// What a request that could not be read is answered with; `basic` if it had an `Authorization`
    /// header.
    pub(super) fn of(error: TokenError, basic: bool) -> Self {
        match error.error {
            TokenErrorCode::InvalidClient => Self::Unauthorized { error, basic },
            _ => Self::Refused(error),
        }
    }

    pub(super) fn refused(error: TokenErrorCode, description: &str) -> Self {
        Self::Refused(TokenError::new(error, description))
    }
}

impl From<Problem> for EndpointError {
    fn from(problem: Problem) -> Self {
        Self::Unavailable(problem)
    }
}

impl From<StoreError> for EndpointError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl App {
    /// The app of these credentials. A switched-off one is known too: what it may not do is for the
    /// caller to say.
    pub(super) async fn calling_app(
        &self,
        credentials: Option<ClientCredentials>,
        client: &Client,
    ) -> Result<OauthApp, EndpointError> {
        let Some(credentials) = credentials else {
            return Err(wrong("the client does not say which one it is", false));
        };
        let basic = credentials.method == ClientAuthMethod::Basic;
        let known = {
            let mut read = self.store.read()?;
            store::oauth_apps::with_secrets(&mut read, &credentials.id).await?
        };
        let Some((app, secrets)) = known else {
            self.limit_wrong(None, client)?;
            return Err(wrong("there is no such client", basic));
        };
        match (app.settings.kind, &credentials.secret) {
            (AppKind::Public, None) => return Ok(app),
            (AppKind::Public, Some(_)) => {
                let words = "this client is registered as public and has no secret";
                return Err(wrong(words, basic));
            }
            (AppKind::Confidential, None) => {}
            (AppKind::Confidential, Some(secret)) => {
                let tag = self.oauth_tag(Secret::Client, secret.expose_secret());
                if self.is_secret_of(&app, &secrets, &tag) {
                    return Ok(app);
                }
            }
        }
        self.limit_wrong(Some(app.id), client)?;
        let detail = match &credentials.secret {
            None => "it sent no client secret",
            Some(_) => "its client secret is none that counts here",
        };
        self.note_refusal(Code::AppSecret, &app, detail, client)
            .await;
        // mailcow's clients expect its answer.
        if app.settings.mailcow {
            let code = TokenErrorCode::InvalidClient;
            return Err(EndpointError::refused(code, "the client secret is wrong"));
        }
        Err(wrong("the client secret is wrong", basic))
    }

    /// Whether one of the secrets of an app has this tag, and counts. Takes the same time whichever
    /// it is.
    fn is_secret_of(&self, app: &OauthApp, secrets: &[Proof], tag: &[u8]) -> bool {
        let now = self.clock.now();
        let live = secrets
            .iter()
            .filter(|s| s.ends.is_none_or(|ends| ends > now));
        let found = live.fold(None, |found, secret| {
            let same: bool = secret.tag.ct_eq(tag).into();
            if same { Some(secret.id) } else { found }
        });
        let Some(id) = found else {
            return false;
        };
        let first = self
            .app_uses
            .lock()
            .first_this_hour(app.id, Used::Secret(id), now);
        if first {
            self.note_use(async move |tx: &mut Conn| {
                store::oauth_apps::touch_secret(tx, id, now).await
            });
        }
        true
    }

    /// Leaves a last use with the writer, without waiting for it.
    pub(super) fn note_use<F>(&self, job: F)
    where
        F: AsyncFn(&mut Conn) -> Result<(), StoreError> + Send + 'static,
    {
        let store = self.store.clone();
        tokio::spawn(async move {
            if let Err(error) = store.write_statistics(job).await {
                tracing::warn!(%error, "the last use of an app could not be stored");
            }
        });
    }

    /// Counts a wrong secret, a client id that nobody has, or a code that nobody was given.
    pub(super) fn limit_wrong(
        &self,
        app: Option<OauthAppId>,
        client: &Client,
    ) -> Result<(), EndpointError> {
        let now = self.clock.now();
        let counted = self.app_uses.lock().wrong(client.ip.into(), app, now);
        counted.map_err(|wait_seconds| EndpointError::Throttled { wait_seconds })
    }

    /// Records what an app did wrong, for the administrator who looks at it.
    pub(super) async fn note_refusal(
        &self,
        code: Code,
        app: &OauthApp,
        detail: &str,
        client: &Client,
    ) {
        let refusal = rules::apps::of_app(code, app).with("detail", detail);
        self.note_refused(app, refusal, client).await;
    }

    /// As [`App::note_refusal`], of what has its words already.
    pub(super) async fn note_refused(&self, app: &OauthApp, refusal: Refusal, client: &Client) {
        let mut record = Record::new(self, Door::App, client);
        record.attempt.app = Some(app.id);
        self.refuse(record, refusal).await;
    }
}

fn wrong(description: &str, basic: bool) -> EndpointError {
    let error = TokenError::new(TokenErrorCode::InvalidClient, description);
    EndpointError::Unauthorized { error, basic }
}
