//! The URL that signs a person out at the provider (OpenID Connect RP-Initiated Logout 1.0
//! section 2).

use crate::authorize::{self, ParameterTaken};
use crate::endpoint::Endpoint;

/// Longest ID token that is sent along as the hint: with it a URL stays within what servers take.
/// Without a hint a provider may ask the person once more.
pub const LONGEST_HINT: usize = 6000;

/// A request to sign out there.
#[derive(Debug, Clone, Copy)]
pub struct EndSessionRequest<'a> {
    /// Where to.
    pub endpoint: &'a Endpoint,
    /// Our client id.
    pub client_id: &'a str,
    /// The ID token of the sign-in; left out when it is too long.
    pub id_token_hint: Option<&'a str>,
    /// Where the person comes back to, exactly as registered.
    pub return_to: &'a str,
    /// Ties the return to this browser.
    pub state: &'a str,
}

impl EndSessionRequest<'_> {
    /// The URL. Query parts that the endpoint already has are kept, byte for byte.
    ///
    /// # Errors
    /// [`ParameterTaken`].
    pub fn url(&self) -> Result<String, ParameterTaken> {
        let hint = self.id_token_hint.filter(|hint| hint.len() <= LONGEST_HINT);
        let parameters = [
            ("id_token_hint", hint),
            ("client_id", Some(self.client_id)),
            ("post_logout_redirect_uri", Some(self.return_to)),
            ("state", Some(self.state)),
        ];
        authorize::with_parameters(self.endpoint, &parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(endpoint: &str, hint: Option<&str>) -> Result<String, ParameterTaken> {
        EndSessionRequest {
            endpoint: &Endpoint::parse(endpoint).unwrap(),
            client_id: "gate post",
            id_token_hint: hint,
            return_to: "https://mail.example.com/sso/x/signed-out",
            state: "s-1",
        }
        .url()
    }

    #[test]
    fn everything_is_in_the_query() {
        assert_eq!(
            url("https://auth.example.com/logout?app=1", Some("a.b.c")).unwrap(),
            "https://auth.example.com/logout?app=1&id_token_hint=a.b.c&client_id=gate%20post&\
             post_logout_redirect_uri=https%3A%2F%2Fmail.example.com%2Fsso%2Fx%2Fsigned-out&state=s-1"
        );
        assert_eq!(
            url("https://auth.example.com/logout?state=2", None),
            Err(ParameterTaken("state"))
        );
    }

    #[test]
    fn a_hint_that_makes_the_url_too_long_is_left_out() {
        let long = "a".repeat(LONGEST_HINT + 1);
        let url = url("https://auth.example.com/logout", Some(&long)).unwrap();
        assert!(!url.contains("id_token_hint") && url.len() < 300, "{url}");
    }
}
