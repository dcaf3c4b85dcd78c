//! Why a sign-in, or a test of one, failed on the way to the provider and back.

use crate::http::HttpError;
use crate::provider::{ProviderSettings, SettingsError};
use model::outcome::remedy::ANSWERED;
use model::outcome::{Code, Refusal};
use oidc::authorize::ParameterTaken;
use oidc::callback::{CallbackError, ForeignIssuer};
use oidc::discovery::DiscoveryError;
use oidc::id_token::IdTokenError;
use oidc::json::JsonError;
use oidc::jwk::KeySetError;
use oidc::logout_token::LogoutTokenError;
use oidc::refusal::{ErrorResponse, Meaning};
use oidc::subject::SubjectError;
use oidc::token::TokenResponseError;
use oidc::userinfo::UserInfoError;

/// What a call was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The discovery document.
    Discovery,
    /// The signing keys.
    Keys,
    /// The page to which people are sent.
    Authorization,
    /// Exchanging a code.
    Token,
    /// Claims.
    UserInfo,
}

impl Purpose {
    /// The word in messages: "the token URL".
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Keys => "keys",
            Self::Authorization => "authorization",
            Self::Token => "token",
            Self::UserInfo => "userinfo",
        }
    }
}

/// What is wrong with an answer that did come.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// A status that is not 200.
    #[error("it answered {0}")]
    Status(u16),
    /// A page for people.
    #[error("it answered HTML instead of JSON")]
    Html,
    /// Not a JSON object we accept.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A token response without what it must have.
    #[error(transparent)]
    Token(#[from] TokenResponseError),
    /// Not a key set.
    #[error(transparent)]
    Keys(#[from] KeySetError),
    /// A discovery document that is no use.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// Not asked: our client secret was given for another origin.
    #[error(
        "the provider now names this token endpoint, but the stored client secret was used at \
         {bound}; enter the secret again if the move is right"
    )]
    Elsewhere {
        /// Where the secret was first used.
        bound: String,
    },
    /// Signed userinfo of a provider whose keys we do not know, for it was set up by endpoints.
    #[error("it answered signed userinfo, which cannot be checked without an issuer")]
    Uncheckable,
}

/// The token endpoint's refusal, with what an administrator needs to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("HTTP {status}: {error}")]
pub struct TokenRefusal {
    /// The HTTP status.
    pub status: u16,
    /// The provider's error.
    pub error: ErrorResponse,
    /// The client id sent.
    pub client_id: String,
    /// The authentication methods tried, in order: `basic`, `body`, `none`.
    pub methods: Vec<&'static str>,
    /// Whether `basic` was tried and had characters to encode, which some servers do not undo.
    pub encoded: bool,
    /// The redirect URI sent.
    pub redirect_uri: String,
    /// The scopes asked for.
    pub scopes: String,
}

impl TokenRefusal {
    /// What may be wrong although id and secret are right; empty when that is not so.
    pub(crate) const fn encoding_hint(&self) -> &'static str {
        if self.encoded {
            " (id or secret has reserved characters, which basic must encode and some servers do not \
             decode; one of letters and digits helps)"
        } else {
            ""
        }
    }
}

/// Why it failed. Each value has one outcome code ([`UpstreamError::code`]).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// No answer.
    #[error("{}: {error}", purpose.name())]
    Http {
        /// What the call was for.
        purpose: Purpose,
        /// Where it went, without its query.
        url: String,
        /// Why none came.
        error: Box<HttpError>,
    },
    /// An answer that cannot be used.
    #[error("{} at {url}: {fault}", purpose.name())]
    Answer {
        /// What the call was for.
        purpose: Purpose,
        /// Where it went, without its query.
        url: String,
        /// What is wrong with it.
        fault: Box<AnswerFault>,
    },
    /// The token endpoint refused.
    #[error("token: {0}")]
    Token(Box<TokenRefusal>),
    /// The provider sent the person back with an error.
    #[error("authorization: {error}")]
    Authorization {
        /// The provider's error.
        error: Box<ErrorResponse>,
        /// The scopes asked for.
        scopes: String,
        /// The client id sent.
        client_id: String,
        /// The redirect URI sent.
        redirect_uri: String,
    },
    /// The person came back with something that is no answer.
    #[error("callback: {0}")]
    Callback(#[from] CallbackError),
    /// The person came back with another provider's answer.
    #[error("callback: {0}")]
    ForeignIssuer(Box<ForeignIssuer>),
    /// The ID token was refused.
    #[error("ID token: {0}")]
    IdToken(Box<IdTokenError>),
    /// A logout token was refused.
    #[error("logout token: {0}")]
    LogoutToken(Box<LogoutTokenError>),
    /// `openid` was granted, and no ID token came.
    #[error("openid was granted, but no ID token came")]
    IdTokenMissing,
    /// `openid` was asked for and not granted.
    #[error("openid was asked for, but only {granted:?} was granted")]
    OpenidNotGranted {
        /// What was granted.
        granted: String,
        /// What was asked for.
        scopes: String,
    },
    /// Userinfo was refused.
    #[error("userinfo: {0}")]
    UserInfo(Box<UserInfoError>),
    /// Userinfo of a provider set up by endpoints does not say who the person is.
    #[error("userinfo: {0}")]
    Subject(Box<SubjectError>),
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The authorization URL cannot be used.
    #[error(transparent)]
    ParameterTaken(#[from] ParameterTaken),
}

impl UpstreamError {
    /// The provider's error that a person brought back in place of a code.
    #[must_use]
    pub fn denied(error: ErrorResponse, sent: &ProviderSettings, redirect_uri: &str) -> Self {
        Self::Authorization {
            error: Box::new(error),
            scopes: sent.scopes.to_string(),
            client_id: sent.client_id.clone(),
            redirect_uri: redirect_uri.to_owned(),
        }
    }

    /// The outcome code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Http { purpose, error, .. } => http_code(*purpose, error),
            Self::Answer { purpose, fault, .. } => answer_code(*purpose, fault),
            Self::Token(refusal) => match refusal.error.meaning() {
                Meaning::Client => Code::ClientRejected,
                Meaning::Code => Code::CodeRejected,
                Meaning::Redirect => Code::RedirectRefused,
                Meaning::Scope => Code::ScopeRefused,
                Meaning::Denied => Code::ProviderSaidNo,
                Meaning::Outage => Code::ProviderUnreachable,
                Meaning::Other => Code::ProviderError,
            },
            Self::Authorization { error, .. } => match error.meaning() {
                Meaning::Scope => Code::ScopeRefused,
                Meaning::Denied => Code::ProviderSaidNo,
                Meaning::Client => Code::ClientRejected,
                Meaning::Outage => Code::ProviderUnreachable,
                // Whoever holds a state of their own can come with these; only the provider itself
                // is believed about our redirect URL (the token endpoint, the connection check).
                Meaning::Code | Meaning::Redirect | Meaning::Other => Code::ProviderError,
            },
            Self::Callback(_) => Code::ProviderError,
            Self::OpenidNotGranted { .. } => Code::ScopeRefused,
            Self::IdToken(error) if error.is_clock() => Code::ClockSkew,
            Self::IdToken(error) => match error.as_ref() {
                IdTokenError::Jwt(error) if error.is_about_keys() => Code::KeysUnavailable,
                _ => Code::TokenRejected,
            },
            Self::UserInfo(error) => match error.as_ref() {
                UserInfoError::Jwt(error) if error.is_about_keys() => Code::KeysUnavailable,
                _ => Code::TokenRejected,
            },
            Self::ForeignIssuer(_)
            | Self::IdTokenMissing
            | Self::LogoutToken(_)
            | Self::Subject(_) => Code::TokenRejected,
            Self::Settings(_) | Self::ParameterTaken(_) => Code::DiscoveryFailed,
        }
    }

    /// Whether the provider or the way to it is out of order, so that nobody was refused: the
    /// third outcome, beside ok and refused (design decision 10).
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(
            self.code(),
            Code::ProviderUnreachable
                | Code::ProviderTls
                | Code::DiscoveryFailed
                | Code::EndpointOnOwnHost
                | Code::KeysUnavailable
                | Code::ClockSkew
                | Code::InternalAddress
        )
    }

    /// The code with the live values of its words. The caller adds `provider`, its name.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        let refusal = Refusal::new(self.code());
        match self {
            Self::Http {
                purpose,
                url,
                error,
            } => {
                let refusal = refusal
                    .with("endpoint", purpose.name())
                    .with("url", url)
                    .with("host", host_of(url))
                    .with("detail", error);
                match error.root() {
                    HttpError::InternalAddress { host, ip, .. } => {
                        refusal.with("host", host).with("ip", ip)
                    }
                    HttpError::OwnHost { host } => refusal.with("host", host),
                    HttpError::Tls { fault, .. } => refusal.with("detail", fault),
                    _ => refusal,
                }
            }
            Self::Answer {
                purpose,
                url,
                fault,
            } => refusal
                .with("endpoint", purpose.name())
                .with("url", url)
                .with("host", host_of(url))
                .with("detail", fault)
                .with_some(ANSWERED, answered(fault)),
            Self::Token(token) => refusal
                .with("detail", token)
                .with("error", &token.error.error)
                .with("client_id", &token.client_id)
                .with(
                    "method",
                    token.methods.join(", then ") + token.encoding_hint(),
                )
                .with("redirect", &token.redirect_uri)
                .with("scopes", &token.scopes),
            Self::Authorization {
                error,
                scopes,
                client_id,
                redirect_uri,
            } => {
                let words = error.description.as_deref();
                // Only these two are told as the provider's own words, apart from its error.
                let apart = matches!(refusal.code, Code::ProviderSaidNo | Code::ProviderError);
                let detail = match (apart, words) {
                    (true, words) => words.unwrap_or("none").to_owned(),
                    (false, _) => error.to_string(),
                };
                refusal
                    .with("error", &error.error)
                    .with("detail", detail)
                    .with("host", "the provider")
                    .with("client_id", client_id)
                    .with("method", "none yet, the answer came before it")
                    .with("redirect", redirect_uri)
                    .with("scopes", scopes)
            }
            Self::OpenidNotGranted { scopes, .. } => {
                refusal.with("scopes", scopes).with("detail", self)
            }
            Self::Callback(_) => refusal
                .with("error", "no proper answer")
                .with("detail", self),
            _ => refusal.with("detail", self),
        }
    }
}

/// The issuer that a discovery document names, where it is at the place it was fetched from: another
/// host is for an administrator to recognise, not to be offered.
fn answered(fault: &AnswerFault) -> Option<&str> {
    let AnswerFault::Discovery(DiscoveryError::Issuer {
        configured,
        answered,
    }) = fault
    else {
        return None;
    };
    let origin = |text: &str| Some(url::Url::parse(text).ok()?.origin());
    let here = origin(configured).is_some_and(|here| origin(answered) == Some(here));
    (here && !answered.contains('{')).then_some(answered.as_str())
}

fn http_code(purpose: Purpose, error: &HttpError) -> Code {
    match error.root() {
        HttpError::Tls { .. } => Code::ProviderTls,
        HttpError::OwnHost { .. } => Code::EndpointOnOwnHost,
        // The words of this code offer to allow the host; what nobody may allow is not offered.
        HttpError::InternalAddress {
            allowable: true, ..
        } => Code::InternalAddress,
        error if error.is_connection_failure() => Code::ProviderUnreachable,
        _ => unusable(purpose),
    }
}

fn answer_code(purpose: Purpose, fault: &AnswerFault) -> Code {
    match fault {
        // An outage that a proxy or the provider itself announces; waiting helps.
        AnswerFault::Status(429 | 500..) => Code::ProviderUnreachable,
        _ => unusable(purpose),
    }
}

const fn unusable(purpose: Purpose) -> Code {
    match purpose {
        Purpose::Keys => Code::KeysUnavailable,
        _ => Code::DiscoveryFailed,
    }
}

fn host_of(url: &str) -> String {
    url::Url::parse(url).map_or_else(|_| url.to_owned(), |url| oidc::endpoint::host(&url))
}

macro_rules! boxed {
    ($($variant:ident($inner:ty)),* $(,)?) => {$(
        impl From<$inner> for UpstreamError {
            fn from(error: $inner) -> Self {
                Self::$variant(Box::new(error))
            }
        }
    )*};
}

boxed!(
    IdToken(IdTokenError),
    UserInfo(UserInfoError),
    Subject(SubjectError),
    ForeignIssuer(ForeignIssuer),
    Token(TokenRefusal),
    LogoutToken(LogoutTokenError),
);

#[cfg(test)]
mod tests {
    use super::*;

    fn http(purpose: Purpose, error: HttpError) -> UpstreamError {
        UpstreamError::Http {
            purpose,
            url: "https://auth.example/x".into(),
            error: Box::new(error),
        }
    }

    fn token(error: &str, description: Option<&str>) -> UpstreamError {
        TokenRefusal {
            status: 400,
            error: ErrorResponse::new(error, description),
            client_id: "gatepost".into(),
            methods: vec!["basic", "body"],
            encoded: false,
            redirect_uri: "https://mail.example/sso/a/callback".into(),
            scopes: "openid email".into(),
        }
        .into()
    }

    #[test]
    fn transport_failures_have_their_codes() {
        let host = || "auth.example:443".to_owned();
        let cases = [
            (
                HttpError::Refused { host: host() },
                Code::ProviderUnreachable,
            ),
            (
                HttpError::Tls {
                    host: host(),
                    fault: Box::new(crate::http::TlsFault::Other("x".into())),
                },
                Code::ProviderTls,
            ),
            (HttpError::OwnHost { host: host() }, Code::EndpointOnOwnHost),
            (
                HttpError::InternalAddress {
                    host: host(),
                    ip: [10, 0, 0, 5].into(),
                    allowable: true,
                },
                Code::InternalAddress,
            ),
            (
                HttpError::TooLarge {
                    host: host(),
                    limit: 1,
                },
                Code::DiscoveryFailed,
            ),
        ];
        for (error, code) in cases {
            let paused = HttpError::Paused {
                failures: 5,
                retry_in: std::time::Duration::from_secs(1),
                last: Box::new(error.clone()),
            };
            assert_eq!(http(Purpose::Token, error).code(), code);
            assert_eq!(
                http(Purpose::Token, paused).code(),
                code,
                "its cause counts"
            );
        }
        let metadata = HttpError::InternalAddress {
            host: host(),
            ip: [169, 254, 169, 254].into(),
            allowable: false,
        };
        assert_eq!(http(Purpose::Token, metadata).code(), Code::DiscoveryFailed);
        let keys = HttpError::TooLarge {
            host: host(),
            limit: 1,
        };
        assert_eq!(http(Purpose::Keys, keys).code(), Code::KeysUnavailable);
    }

    #[test]
    fn the_administrators_words_have_their_values() {
        let words = http(
            Purpose::Token,
            HttpError::InternalAddress {
                host: "auth.lan".into(),
                ip: [10, 0, 0, 5].into(),
                allowable: true,
            },
        )
        .refusal()
        .admin();
        assert!(
            words.starts_with("auth.lan is 10.0.0.5, an internal address"),
            "{words}"
        );
        let words = token("invalid_client", Some("no such client"))
            .refusal()
            .admin();
        assert!(
            words.contains("HTTP 400: invalid_client (no such client)"),
            "{words}"
        );
        assert!(words.contains("Client id sent: gatepost; authentication: basic, then body"));
        let words = token("invalid_grant", None).refusal().admin();
        assert!(
            words.contains("https://mail.example/sso/a/callback"),
            "{words}"
        );
    }

    #[test]
    fn refusals_of_the_token_endpoint_are_told_apart() {
        for (error, code) in [
            ("invalid_client", Code::ClientRejected),
            ("unauthorized_client", Code::ClientRejected),
            ("invalid_grant", Code::CodeRejected),
            ("invalid_code", Code::CodeRejected),
            ("redirect_uri_mismatch", Code::RedirectRefused),
            ("invalid_scope", Code::ScopeRefused),
            ("temporarily_unavailable", Code::ProviderUnreachable),
            ("unsupported_grant_type", Code::ProviderError),
        ] {
            assert_eq!(token(error, None).code(), code, "{error}");
        }
        assert!(!token("invalid_grant", None).is_unavailable());
    }
}
