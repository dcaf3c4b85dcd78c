//! Exchanging a code at the token endpoint.

use super::memory::Memory;
use super::metadata::{Places, origin};
use crate::error::{AnswerFault, Purpose, TokenRefusal, UpstreamError};
use crate::http::{Request, Response};
use crate::provider::ProviderSettings;
use crate::upstream::{Upstream, fault, unreadable};
use model::provider::ClientAuth;
use oidc::redirect::RedirectUri;
use oidc::refusal::{ErrorResponse, Meaning};
use oidc::token::{self, BodyClient, TokenAnswer, TokenResponse};
use secrecy::SecretString;

/// How we say who we are (RFC 6749 section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Body,
    /// A public client: the id alone.
    None,
}

impl Method {
    /// The word in messages.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Body => "body",
            Self::None => "none",
        }
    }
}

/// The methods to try, in order. By default that is the order of Basic and body among those that
/// discovery lists, begun with the one that worked last. The list alone does not settle it:
/// providers list what they can do, and demand what the client was registered with.
pub(crate) fn methods(
    settings: &ProviderSettings,
    listed: Option<&[String]>,
    worked: Option<Method>,
) -> Vec<Method> {
    if settings.secret.is_none() {
        return vec![Method::None];
    }
    match settings.client_auth {
        ClientAuth::Basic => return vec![Method::Basic],
        ClientAuth::Body => return vec![Method::Body],
        ClientAuth::Auto => {}
    }
    let lists = |name: &str| listed.is_none_or(|listed| listed.iter().any(|l| l == name));
    let mut methods = Vec::new();
    if lists("client_secret_basic") {
        methods.push(Method::Basic);
    }
    if lists("client_secret_post") {
        methods.push(Method::Body);
    }
    if methods.is_empty() {
        // It lists only methods we do not have. The list may be wrong; the provider's own refusal
        // says more than ours would.
        methods = vec![Method::Basic, Method::Body];
    }
    if let Some(worked) = worked.filter(|method| methods.contains(method)) {
        methods.retain(|method| *method != worked);
        methods.insert(0, worked);
    }
    methods
}

/// The token endpoint's answer, and by which method we got it.
pub(crate) struct Answered {
    pub(crate) tokens: TokenResponse,
    pub(crate) method: Method,
}

impl Upstream {
    /// Exchanges `code`. With the automatic method, a refusal of the client is tried again with
    /// the other method: providers check the client before they use up the code.
    pub(crate) async fn exchange_code(
        &self,
        settings: &ProviderSettings,
        memory: &Memory,
        places: &Places,
        code: &str,
        redirect_uri: &RedirectUri,
        verifier: &str,
    ) -> Result<Answered, UpstreamError> {
        let redirect = redirect_uri.as_str();
        self.ask_for_tokens(settings, memory, places, redirect, &|client| {
            token::code_request(code, redirect_uri, verifier, client)
        })
        .await
    }

    /// Asks the token endpoint. `body` makes the request's body with the client in it, where it
    /// belongs there; `redirect` is for the words of a refusal.
    pub(crate) async fn ask_for_tokens(
        &self,
        settings: &ProviderSettings,
        memory: &Memory,
        places: &Places,
        redirect: &str,
        body: &(dyn Fn(Option<BodyClient<'_>>) -> SecretString + Sync),
    ) -> Result<Answered, UpstreamError> {
        let endpoint = places.token().url();
        // Discovery may name another token endpoint tomorrow; a stored secret does not follow it.
        let found = origin(places.token());
        if settings.secret.is_some()
            && let Some(bound) = settings.secret_origin.as_ref().filter(|o| **o != found)
        {
            let bound = bound.clone();
            return Err(fault(
                Purpose::Token,
                endpoint,
                AnswerFault::Elsewhere { bound },
            ));
        }
        let listed = places
            .metadata()
            .and_then(|metadata| metadata.token_auth_methods.as_deref());
        let methods = methods(settings, listed, memory.method());
        let encoded = settings
            .secret
            .as_ref()
            .is_some_and(|secret| token::basic_encodes(&settings.client_id, secret));
        let mut tried = Vec::new();
        let mut refused = None;
        for method in methods {
            let header = (method == Method::Basic)
                .then_some(settings.secret.as_ref())
                .flatten()
                .map(|secret| token::basic(&settings.client_id, secret));
            let client = (method != Method::Basic).then(|| BodyClient {
                id: &settings.client_id,
                secret: settings.secret.as_ref(),
            });
            let request = Request::post(endpoint, body(client)).authorization(header.as_ref());
            let answer = self.call(settings, Purpose::Token, &request).await?;
            tried.push(method.name());
            match read(&answer, endpoint)? {
                TokenAnswer::Tokens(tokens) => {
                    memory.method_worked(method);
                    return Ok(Answered { tokens, method });
                }
                TokenAnswer::Error(error) => {
                    let wrong_client = error.meaning() == Meaning::Client;
                    refused = Some((answer.status, error));
                    if !wrong_client {
                        // The client was believed, so this method is the right one.
                        memory.method_worked(method);
                        break;
                    }
                }
            }
        }
        let (status, error) =
            refused.unwrap_or_else(|| (0, ErrorResponse::new("no authentication method", None)));
        Err(TokenRefusal {
            status,
            error,
            client_id: settings.client_id.clone(),
            encoded: tried.contains(&Method::Basic.name()) && encoded,
            methods: tried,
            redirect_uri: redirect.to_owned(),
            scopes: settings.scopes.to_string(),
        }
        .into())
    }
}

/// Tokens or the provider's error. Every status but 200 is a failure; its body counts only as far
/// as it states an error, and that of a server's own failure not at all.
fn read(answer: &Response, url: &url::Url) -> Result<TokenAnswer, UpstreamError> {
    let content_type = answer.content_type.as_deref();
    let status_fault = || fault(Purpose::Token, url, AnswerFault::Status(answer.status));
    match answer.status {
        200 => token::parse(content_type, &answer.body)
            .map_err(|why| unreadable(Purpose::Token, url, answer, why)),
        429 | 500.. => Err(status_fault()),
        status => match token::parse_error(content_type, &answer.body) {
            Some(error) => Ok(TokenAnswer::Error(error)),
            // RFC 6749 section 5.2: 401 is about the client, whatever the body lacks.
            None if status == 401 => Ok(TokenAnswer::Error(ErrorResponse::new(
                "invalid_client",
                None,
            ))),
            None => Err(status_fault()),
        },
    }
}
