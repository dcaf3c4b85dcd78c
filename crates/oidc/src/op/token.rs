//! A request to the token endpoint (RFC 6749 sections 4.1.3 and 6, RFC 8628 section 3.4).

use super::client_auth;
use super::params::Params;
use crate::scope::{ScopeError, Scopes};
use secrecy::SecretString;
use std::fmt;

pub use super::client_auth::{ClientAuthMethod, ClientCredentials, client_credentials};
pub use super::error::{ErrorBody, TokenErrorCode};

/// `grant_type` of the device grant.
pub const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The parameters that are read, besides those of [`client_auth`]. Others are ignored.
const KNOWN: [&str; 7] = [
    "grant_type",
    "code",
    "redirect_uri",
    "code_verifier",
    "refresh_token",
    "scope",
    "device_code",
];

/// An error for the app. Its description is plain ASCII of ours and repeats nothing that was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}: {description}")]
pub struct TokenError {
    /// The code.
    pub error: TokenErrorCode,
    /// For the app's maker.
    pub description: String,
}

impl TokenError {
    /// With a description of [`super::error::is_description`]'s characters.
    #[must_use]
    pub fn new(error: TokenErrorCode, description: impl ToString) -> Self {
        Self {
            error,
            description: description.to_string(),
        }
    }

    /// `invalid_request`.
    #[must_use]
    pub fn invalid(description: impl ToString) -> Self {
        Self::new(TokenErrorCode::InvalidRequest, description)
    }

    /// The JSON body.
    #[must_use]
    pub fn body(&self) -> ErrorBody<'_> {
        ErrorBody {
            error: self.error.name(),
            error_description: &self.description,
        }
    }
}

/// What an app offers for tokens.
#[derive(Clone)]
pub enum TokenRequest {
    /// `authorization_code`.
    Code {
        /// The code.
        code: SecretString,
        /// The redirect of the authorization request, if it named one.
        redirect_uri: Option<String>,
        /// The PKCE verifier, unread: see [`super::pkce::verify`].
        verifier: Option<String>,
    },
    /// `refresh_token`.
    Refresh {
        /// The refresh token.
        token: SecretString,
        /// The scopes it wants of those it was granted; all of them when it says none.
        scope: Option<String>,
    },
    /// The device grant.
    Device {
        /// The device's code.
        device_code: SecretString,
    },
}

/// The kind alone: everything else opens something.
impl fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Code { .. } => "Code",
            Self::Refresh { .. } => "Refresh",
            Self::Device { .. } => "Device",
        })
    }
}

impl TokenRequest {
    /// Reads the value of the `Authorization` header and the body of the form.
    ///
    /// # Errors
    /// [`TokenError`]; `invalid_client` where the app could not even be told.
    pub fn parse(
        authorization: Option<&str>,
        form: &str,
    ) -> Result<(Option<ClientCredentials>, Self), TokenError> {
        let params = Params::parse(form)?;
        params.refuse_repeated(&KNOWN)?;
        let client = client_auth::client_credentials(authorization, &params)?;
        let request = match params.get("grant_type")? {
            None => return Err(TokenError::invalid("grant_type is missing")),
            Some("authorization_code") => Self::Code {
                code: secret(&params, "code")?,
                redirect_uri: params.get("redirect_uri")?.map(str::to_owned),
                verifier: params.get("code_verifier")?.map(str::to_owned),
            },
            Some("refresh_token") => Self::Refresh {
                token: secret(&params, "refresh_token")?,
                scope: scope(&params)?,
            },
            Some(DEVICE_GRANT) => Self::Device {
                device_code: secret(&params, "device_code")?,
            },
            Some(_) => {
                return Err(TokenError::new(
                    TokenErrorCode::UnsupportedGrantType,
                    "grant_type is none of authorization_code, refresh_token and device_code",
                ));
            }
        };
        Ok((client, request))
    }
}

fn secret(params: &Params, name: &'static str) -> Result<SecretString, TokenError> {
    match params.get(name)? {
        Some(value) => Ok(value.into()),
        None => Err(TokenError::invalid(format!("{name} is missing"))),
    }
}

fn scope(params: &Params) -> Result<Option<String>, TokenError> {
    let Some(text) = params.get("scope")? else {
        return Ok(None);
    };
    match Scopes::parse(text) {
        Ok(scopes) => Ok(Some(scopes.to_string())),
        Err(ScopeError) => Err(TokenError::new(
            TokenErrorCode::InvalidScope,
            "scope holds characters that no scope has",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::error::is_description;
    use proptest::prelude::*;
    use secrecy::ExposeSecret as _;

    fn request(form: &str) -> TokenRequest {
        TokenRequest::parse(None, form).unwrap().1
    }

    #[test]
    fn the_three_grants_are_read() {
        let TokenRequest::Code {
            code,
            redirect_uri,
            verifier,
        } = request(
            "grant_type=authorization_code&code=c%2B1&redirect_uri=https%3A%2F%2Fa&code_verifier=v&resource=a&resource=b",
        )
        else {
            panic!("not a code");
        };
        assert_eq!(code.expose_secret(), "c+1");
        assert_eq!(redirect_uri.as_deref(), Some("https://a"));
        assert_eq!(verifier.as_deref(), Some("v"));
        let TokenRequest::Refresh { token, scope } =
            request("grant_type=refresh_token&refresh_token=r&scope=openid+openid++email")
        else {
            panic!("not a refresh");
        };
        assert_eq!(token.expose_secret(), "r");
        assert_eq!(scope.as_deref(), Some("openid email"));
        let form = format!("device_code=d&grant_type={DEVICE_GRANT}&client_id=tv");
        let (client, device) = TokenRequest::parse(None, &form).unwrap();
        assert!(
            matches!(device, TokenRequest::Device { device_code } if device_code.expose_secret() == "d")
        );
        assert_eq!(client.unwrap().id, "tv");
    }

    #[test]
    fn everything_else_is_refused() {
        use TokenErrorCode::{InvalidRequest, InvalidScope, UnsupportedGrantType};
        for (form, error) in [
            ("", InvalidRequest),
            ("grant_type=", InvalidRequest),
            ("code=x", InvalidRequest),
            (
                "{\"grant_type\":\"authorization_code\",\"code\":\"x\"}",
                InvalidRequest,
            ),
            (
                "grant_type=password&username=a&password=b",
                UnsupportedGrantType,
            ),
            ("grant_type=client_credentials", UnsupportedGrantType),
            ("grant_type=implicit", UnsupportedGrantType),
            ("grant_type=Authorization_Code&code=x", UnsupportedGrantType),
            ("grant_type=authorization_code", InvalidRequest),
            ("grant_type=authorization_code&code=", InvalidRequest),
            (
                "grant_type=authorization_code&code=a&code=b",
                InvalidRequest,
            ),
            (
                "grant_type=authorization_code&code=a&c%6fde=a",
                InvalidRequest,
            ),
            (
                "grant_type=authorization_code&code=a&grant_type=refresh_token",
                InvalidRequest,
            ),
            (
                "grant_type=authorization_code&code=a&redirect_uri=x&redirect_uri=y",
                InvalidRequest,
            ),
            (
                "grant_type=authorization_code&code=a&code_verifier=x&code_verifier=x",
                InvalidRequest,
            ),
            (
                "grant_type=authorization_code&code=a&scope=x&scope=y",
                InvalidRequest,
            ),
            ("grant_type=authorization_code&code=a%00", InvalidRequest),
            ("grant_type=authorization_code&code=%ff", InvalidRequest),
            ("grant_type=refresh_token&code=a", InvalidRequest),
            (
                "grant_type=refresh_token&refresh_token=a&scope=a%22",
                InvalidScope,
            ),
            (
                "grant_type=urn:ietf:params:oauth:grant-type:device_code",
                InvalidRequest,
            ),
        ] {
            let refusal = TokenRequest::parse(None, form).unwrap_err();
            assert_eq!(refusal.error, error, "{form}");
            assert!(
                is_description(&refusal.description),
                "{}",
                refusal.description
            );
        }
        let long = format!("grant_type=authorization_code&code={}", "a".repeat(40_000));
        let refusal = TokenRequest::parse(None, &long).unwrap_err();
        assert_eq!(refusal.error, InvalidRequest);
    }

    #[test]
    fn what_opens_something_stays_out_of_logs() {
        let form = "grant_type=authorization_code&code=hush&code_verifier=hush";
        assert_eq!(format!("{:?}", request(form)), "Code");
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(
            header in proptest::option::of("\\PC{0,40}|(Basic|Bearer) [A-Za-z0-9+/=]{0,60}"),
            form in "\\PC{0,60}|((grant_type|code|client_id|client_secret|scope)=[a-z_%0-9+]{0,20}&){0,6}",
        ) {
            if let Err(error) = TokenRequest::parse(header.as_deref(), &form) {
                prop_assert!(is_description(&error.description), "{}", error);
            }
        }
    }
}
