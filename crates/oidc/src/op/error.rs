//! Errors in the words of the specifications.

use serde::Serialize;
use std::fmt;

/// An error that an authorization answer carries to the app: RFC 6749 section 4.1.2.1, OpenID
/// Connect Core section 3.1.2.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorizeErrorCode {
    /// A parameter is missing, repeated or malformed.
    InvalidRequest,
    /// The app may not ask in this way.
    UnauthorizedClient,
    /// The person, or an administrator, said no.
    AccessDenied,
    /// Only codes are given.
    UnsupportedResponseType,
    /// None of the scopes can be granted, or they are no scopes.
    InvalidScope,
    /// A fault of ours.
    ServerError,
    /// Out of order for the moment.
    TemporarilyUnavailable,
    /// The person would have to be asked something, and `prompt=none` forbids it.
    InteractionRequired,
    /// The person would have to sign in.
    LoginRequired,
    /// The person would have to choose among accounts.
    AccountSelectionRequired,
    /// The person would have to consent.
    ConsentRequired,
    /// Request objects are not read.
    RequestNotSupported,
    /// Nor are those behind a URL.
    RequestUriNotSupported,
    /// Apps do not register themselves.
    RegistrationNotSupported,
}

impl AuthorizeErrorCode {
    /// As the specifications write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::InteractionRequired => "interaction_required",
            Self::LoginRequired => "login_required",
            Self::AccountSelectionRequired => "account_selection_required",
            Self::ConsentRequired => "consent_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
        }
    }
}

impl fmt::Display for AuthorizeErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An error of the token endpoint and of those that know apps in the same way: RFC 6749 section 5.2,
/// RFC 8628 section 3.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenErrorCode {
    /// A parameter is missing, repeated or malformed.
    InvalidRequest,
    /// The app is unknown, or did not prove that it is itself.
    InvalidClient,
    /// The code or token is not good, not any more, or not for this app.
    InvalidGrant,
    /// The app may not use this grant.
    UnauthorizedClient,
    /// A grant that nobody can use here.
    UnsupportedGrantType,
    /// More scopes than were granted, or no scopes at all.
    InvalidScope,
    /// The person has not answered yet.
    AuthorizationPending,
    /// The same, and the device asks too often.
    SlowDown,
    /// The person said no.
    AccessDenied,
    /// The device's code is past its end.
    ExpiredToken,
    /// mailcow's word for a redirect URI other than that of the authorization request.
    RedirectUriMismatch,
}

impl TokenErrorCode {
    /// As the specifications write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::AccessDenied => "access_denied",
            Self::ExpiredToken => "expired_token",
            Self::RedirectUriMismatch => "redirect_uri_mismatch",
        }
    }
}

impl fmt::Display for TokenErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The JSON body of an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorBody<'a> {
    /// The code.
    pub error: &'a str,
    /// What the app's maker should know; for nobody else's eyes.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub error_description: &'a str,
}

/// Whether `text` may stand in an `error_description` (RFC 6749 section 5.2): visible ASCII and
/// spaces without `"` and `\`.
#[must_use]
pub fn is_description(text: &str) -> bool {
    let allowed = |b| matches!(b, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn names_are_those_that_serde_writes() {
        for (code, word) in [
            (AuthorizeErrorCode::InvalidRequest, "invalid_request"),
            (
                AuthorizeErrorCode::AccountSelectionRequired,
                "account_selection_required",
            ),
            (
                AuthorizeErrorCode::RequestUriNotSupported,
                "request_uri_not_supported",
            ),
        ] {
            assert_eq!(code.name(), word);
            assert_eq!(serde_json::to_value(code).unwrap(), Value::from(word));
        }
        for (code, word) in [
            (
                TokenErrorCode::AuthorizationPending,
                "authorization_pending",
            ),
            (TokenErrorCode::RedirectUriMismatch, "redirect_uri_mismatch"),
        ] {
            assert_eq!(code.to_string(), word);
            assert_eq!(serde_json::to_value(code).unwrap(), Value::from(word));
        }
    }

    #[test]
    fn the_body_leaves_out_what_there_is_not() {
        let body = |error_description| {
            serde_json::to_value(ErrorBody {
                error: "invalid_grant",
                error_description,
            })
        };
        assert_eq!(body("").unwrap(), json!({"error": "invalid_grant"}));
        let both = json!({"error": "invalid_grant", "error_description": "too late"});
        assert_eq!(body("too late").unwrap(), both);
        assert!(is_description("too late") && !is_description("\"") && !is_description("\r"));
    }
}
