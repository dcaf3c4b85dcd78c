//! A client registered at the provider: for us, Gatepost.

use secrecy::SecretString;

/// How a client must prove itself at the token endpoint. Real providers enforce the registered
/// method, and so does this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// `client_secret_basic`, id and secret form-urlencoded (RFC 6749 section 2.3.1).
    Basic,
    /// `client_secret_post`: both in the form body.
    Post,
    /// Whichever of the two the client chooses, but not both at once.
    Either,
}

/// A registered confidential client.
#[derive(Debug, Clone)]
pub struct Client {
    /// The `client_id`.
    pub id: String,
    /// The `client_secret`.
    pub secret: SecretString,
    /// Where codes may be sent. Compared byte for byte with what the request says.
    pub redirect_uris: Vec<String>,
    /// Where the browser may go after sign-out. Compared byte for byte.
    pub post_logout_redirect_uris: Vec<String>,
    /// The registered token endpoint authentication.
    pub auth: ClientAuth,
    /// Refuse requests without a PKCE challenge.
    pub pkce_required: bool,
}

impl Client {
    /// A client with one redirect URI that authenticates by Basic and must use PKCE.
    #[must_use]
    pub fn new(id: &str, secret: &str, redirect_uri: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret: secret.into(),
            redirect_uris: vec![redirect_uri.to_owned()],
            post_logout_redirect_uris: Vec::new(),
            auth: ClientAuth::Basic,
            pkce_required: true,
        }
    }

    /// The same client with another registered authentication method.
    #[must_use]
    pub fn with_auth(mut self, auth: ClientAuth) -> Self {
        self.auth = auth;
        self
    }

    /// The same client with one more redirect URI.
    #[must_use]
    pub fn with_redirect_uri(mut self, uri: &str) -> Self {
        self.redirect_uris.push(uri.to_owned());
        self
    }

    /// The same client with one more place to go after sign-out.
    #[must_use]
    pub fn with_post_logout_redirect_uri(mut self, uri: &str) -> Self {
        self.post_logout_redirect_uris.push(uri.to_owned());
        self
    }

    /// The same client, allowed to leave PKCE out, as most providers allow confidential clients.
    #[must_use]
    pub fn without_pkce(mut self) -> Self {
        self.pkce_required = false;
        self
    }
}
