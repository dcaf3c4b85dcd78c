//! A request to the device authorization endpoint (RFC 8628 section 3.1).

use super::client_auth;
use super::params::Params;
use super::token::{ClientCredentials, TokenError, TokenErrorCode};
use crate::scope::Scopes;

/// What a device asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRequest {
    /// The scopes as it named them; none where it named none.
    pub scopes: Scopes,
}

impl DeviceRequest {
    /// Reads the value of the `Authorization` header and the body of the form. Parameters that are
    /// not known are ignored.
    ///
    /// # Errors
    /// [`TokenError`]; `invalid_client` where the app could not even be told.
    pub fn parse(
        authorization: Option<&str>,
        form: &str,
    ) -> Result<(Option<ClientCredentials>, Self), TokenError> {
        let params = Params::parse(form)?;
        params.refuse_repeated(&["scope"])?;
        let client = client_auth::client_credentials(authorization, &params)?;
        let scopes = Scopes::parse(params.get("scope")?.unwrap_or_default()).map_err(|_| {
            TokenError::new(
                TokenErrorCode::InvalidScope,
                "scope holds characters that no scope has",
            )
        })?;
        Ok((client, Self { scopes }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::error::is_description;
    use proptest::prelude::*;

    #[test]
    fn scopes_and_the_app_are_read() {
        let (client, request) =
            DeviceRequest::parse(None, "client_id=tv&scope=openid+email+openid&x=1&x=2").unwrap();
        assert_eq!(client.unwrap().id, "tv");
        assert_eq!(request.scopes.to_string(), "openid email");
        let (client, request) = DeviceRequest::parse(None, "").unwrap();
        assert!(client.is_none() && request.scopes.is_empty());
    }

    #[test]
    fn everything_else_is_refused() {
        use TokenErrorCode::{InvalidClient, InvalidRequest, InvalidScope};
        for (header, form, error) in [
            (None, "client_id=tv&client_id=tv", InvalidRequest),
            (None, "client_id=tv&scope=a&scope=a", InvalidRequest),
            (None, "client_id=tv&scope=%00", InvalidRequest),
            (None, "client_id=tv&scope=%ff", InvalidRequest),
            (None, "client_id=tv&scope=%22", InvalidScope),
            (None, "client_secret=x", InvalidClient),
            (Some("Bearer x"), "client_id=tv", InvalidClient),
        ] {
            let refusal = DeviceRequest::parse(header, form).unwrap_err();
            assert_eq!(refusal.error, error, "{form}");
            assert!(is_description(&refusal.description), "{refusal}");
        }
        let long = format!("client_id={}", "a".repeat(40_000));
        assert!(DeviceRequest::parse(None, &long).is_err());
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(
            header in proptest::option::of("\\PC{0,40}|Basic [A-Za-z0-9+/=]{0,60}"),
            form in "\\PC{0,60}|((client_id|client_secret|scope)=[a-z_%0-9+]{0,20}&){0,5}",
        ) {
            if let Err(error) = DeviceRequest::parse(header.as_deref(), &form) {
                prop_assert!(is_description(&error.description), "{}", error);
            }
        }
    }
}
