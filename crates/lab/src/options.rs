//! What kind of provider the company runs.

use model::time::{Clock, SystemClock};
use std::sync::Arc;
use std::time::Duration;

/// How ID tokens are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA PKCS#1 v1.5 with SHA-256 and a key of 2048 bits, as most providers do.
    Rs256,
    /// ECDSA on P-256 with SHA-256, as Kanidm does.
    Es256,
}

/// Where a person's claims (name, address, groups, template) appear. `sub` is always in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimsIn {
    /// Only in userinfo, with a minimal ID token, as Authelia does.
    Userinfo,
    /// Only in the ID token, as Entra does for custom claims.
    IdToken,
    /// In both, as Keycloak does.
    Both,
}

/// The provider's settings. Start from `Options::default()`.
#[derive(Clone)]
pub struct Options {
    /// How ID tokens are signed.
    pub algorithm: Algorithm,
    /// Where claims appear.
    pub claims_in: ClaimsIn,
    /// The issuer, when it is not simply the origin: for example with a path, or with a slash at
    /// its end. Its origin must lead to the listener.
    pub issuer: Option<String>,
    /// Scopes that exist here. Others are dropped without a word, as authentik does.
    pub scopes: Vec<String>,
    /// The least length of `state`, and of `nonce` when one is sent; Authelia wants 8.
    pub entropy: usize,
    /// How long a code may wait.
    pub code_lifetime: Duration,
    /// How long access tokens and ID tokens are good for.
    pub token_lifetime: Duration,
    /// Whether the sign-in page offers every person by a button, without a password. For the
    /// demo, where the visitor plays all of them.
    pub quick_sign_in: bool,
    /// Where "now" comes from.
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::Rs256,
            claims_in: ClaimsIn::Userinfo,
            issuer: None,
            scopes: ["openid", "profile", "email", "groups", "mailcow_template"]
                .map(str::to_owned)
                .to_vec(),
            entropy: 8,
            code_lifetime: Duration::from_secs(60),
            token_lifetime: Duration::from_secs(3600),
            quick_sign_in: true,
            clock: Arc::new(SystemClock),
        }
    }
}
