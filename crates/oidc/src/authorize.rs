//! The URL that sends a person to the provider (OpenID Connect Core section 3.1.2.1).

use crate::callback::Delivery;
use crate::endpoint::Endpoint;
use crate::redirect::RedirectUri;
use crate::scope::Scopes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but RFC 3986's unreserved characters. A space becomes `%20`, never `+`: some
/// providers read a plus literally.
pub(crate) const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The endpoint's own query already holds a parameter that a request needs. Parameters must not
/// occur twice (RFC 6749 section 3.1), and which one a provider would take is anybody's guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the endpoint's URL already holds the parameter {0}")]
pub struct ParameterTaken(pub &'static str);

/// An authorization request of the code flow with PKCE.
#[derive(Debug, Clone)]
pub struct AuthorizationRequest<'a> {
    /// Where to.
    pub endpoint: &'a Endpoint,
    /// Our client id.
    pub client_id: &'a str,
    /// Where the answer goes, exactly as registered.
    pub redirect_uri: &'a RedirectUri,
    /// What we ask for.
    pub scopes: &'a Scopes,
    /// Ties the answer to this browser; at least 22 characters.
    pub state: &'a str,
    /// Ties the ID token to this sign-in; at least 22 characters.
    pub nonce: &'a str,
    /// The S256 challenge of the verifier.
    pub challenge: &'a str,
    /// `prompt`, when the person must sign in afresh or must not be asked.
    pub prompt: Option<&'a str>,
    /// `max_age`: how many seconds ago the person may have proved who they are.
    pub max_age: Option<u32>,
    /// `response_mode`, when the answer is asked for in one certain way.
    pub response_mode: Option<Delivery>,
    /// `login_hint`: the address the person typed.
    pub login_hint: Option<&'a str>,
}

impl AuthorizationRequest<'_> {
    /// The URL. Query parts that the endpoint already has are kept, byte for byte.
    ///
    /// # Errors
    /// [`ParameterTaken`].
    pub fn url(&self) -> Result<String, ParameterTaken> {
        let scope = self.scopes.to_string();
        let max_age = self.max_age.map(|seconds| seconds.to_string());
        let parameters = [
            ("response_type", Some("code")),
            ("client_id", Some(self.client_id)),
            ("redirect_uri", Some(self.redirect_uri.as_str())),
            ("scope", Some(scope.as_str())),
            ("state", Some(self.state)),
            ("nonce", Some(self.nonce)),
            ("code_challenge", Some(self.challenge)),
            ("code_challenge_method", Some("S256")),
            ("response_mode", self.response_mode.map(Delivery::name)),
            ("prompt", self.prompt),
            ("max_age", max_age.as_deref()),
            ("login_hint", self.login_hint),
        ];
        with_parameters(self.endpoint, &parameters)
    }
}

/// An endpoint's URL with parameters; those without a value are left out.
pub(crate) fn with_parameters(
    endpoint: &Endpoint,
    parameters: &[(&'static str, Option<&str>)],
) -> Result<String, ParameterTaken> {
    let present: Vec<_> = endpoint
        .url()
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect();
    let mut url = endpoint.as_str().to_owned();
    if !url.contains('?') {
        url.push('?');
    }
    for (name, value) in parameters {
        let Some(value) = value else { continue };
        if present.iter().any(|taken| taken == name) {
            return Err(ParameterTaken(name));
        }
        if !url.ends_with(['?', '&']) {
            url.push('&');
        }
        url.push_str(name);
        url.push('=');
        url.extend(utf8_percent_encode(value, VALUE));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use url::Url;

    fn url(endpoint: &str) -> Result<String, ParameterTaken> {
        AuthorizationRequest {
            endpoint: &Endpoint::parse(endpoint).unwrap(),
            client_id: "gate post&x",
            redirect_uri: &RedirectUri::parse("https://mail.example.com").unwrap(),
            scopes: &Scopes::parse("openid email").unwrap(),
            state: "state~-._1",
            nonce: "nonce+/=",
            challenge: "chal",
            prompt: None,
            max_age: None,
            response_mode: None,
            login_hint: Some("ä@example.org"),
        }
        .url()
    }

    #[test]
    fn values_are_percent_encoded_and_survive() {
        let url = url("https://a.example/authorize").unwrap();
        assert!(url.starts_with("https://a.example/authorize?response_type=code&client_id=gate%20post%26x&redirect_uri=https%3A%2F%2Fmail.example.com&scope=openid%20email&state=state~-._1&nonce=nonce%2B%2F%3D&"));
        assert!(!url.contains('+'));
        let read: std::collections::BTreeMap<_, _> = Url::parse(&url)
            .unwrap()
            .query_pairs()
            .into_owned()
            .collect();
        assert_eq!(read["nonce"], "nonce+/=");
        assert_eq!(read["login_hint"], "ä@example.org");
        assert_eq!(read["code_challenge_method"], "S256");
        assert!(!read.contains_key("prompt"));
    }

    #[test]
    fn query_parts_of_the_endpoint_are_kept() {
        let start = |endpoint: &str| url(endpoint).unwrap();
        assert!(
            start("https://a.example/a?p=B2C%5F1")
                .starts_with("https://a.example/a?p=B2C%5F1&response_type=code&")
        );
        assert!(start("https://a.example/a?").starts_with("https://a.example/a?response_type="));
        assert!(
            start("https://a.example/a?x&").starts_with("https://a.example/a?x&response_type=")
        );
    }

    #[test]
    fn a_parameter_never_occurs_twice() {
        assert_eq!(
            url("https://a.example/a?scope=openid"),
            Err(ParameterTaken("scope"))
        );
        assert_eq!(
            url("https://a.example/a?%73tate=x"),
            Err(ParameterTaken("state"))
        );
    }
}
