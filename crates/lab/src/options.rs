//! What kind of provider the company runs.

use model::time::{Clock, SystemClock};
use std::sync::Arc;
use std::time::Duration;

/// How ID tokens are signed (RFC 7518 section 3.1, RFC 8037). RSA keys have 2048 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA PKCS#1 v1.5 with SHA-256, as most providers do.
    Rs256,
    /// The same with SHA-384.
    Rs384,
    /// The same with SHA-512, as Canaille does without a configured key.
    Rs512,
    /// RSA PSS with SHA-256.
    Ps256,
    /// The same with SHA-384.
    Ps384,
    /// The same with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256, as Kanidm does.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519, as Rauthy does.
    EdDsa,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
    ];

    /// Its name in the `alg` header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// The form of the userinfo answer (OpenID Connect Core section 5.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserinfoAs {
    /// A JSON object.
    Json,
    /// A token signed like the ID token, with `iss` and `aud`.
    Signed,
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
    /// The form of userinfo.
    pub userinfo_as: UserinfoAs,
    /// Ways in which an answer may be sent, as discovery states them: `query`, `form_post`.
    pub response_modes: Vec<String>,
    /// The issuer, when it is not simply the origin: for example with a path, or with a slash at
    /// its end. Its origin must lead to the listener.
    pub issuer: Option<String>,
    /// Scopes that exist here. Others are dropped without a word, as authentik does.
    pub scopes: Vec<String>,
    /// The least length of `state`, and of `nonce` when one is sent; Authelia wants 8.
    pub entropy: usize,
    /// How long every answer takes, as of a provider at the other end of the world.
    pub latency: Duration,
    /// The least length of a code; some providers' are encrypted tokens.
    pub code_length: usize,
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
            userinfo_as: UserinfoAs::Json,
            response_modes: ["query", "form_post"].map(str::to_owned).to_vec(),
            issuer: None,
            scopes: ["openid", "profile", "email", "groups", "mailcow_template"]
                .map(str::to_owned)
                .to_vec(),
            entropy: 8,
            latency: Duration::ZERO,
            code_length: 0,
            code_lifetime: Duration::from_secs(60),
            token_lifetime: Duration::from_secs(3600),
            quick_sign_in: true,
            clock: Arc::new(SystemClock),
        }
    }
}
