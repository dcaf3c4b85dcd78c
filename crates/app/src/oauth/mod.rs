//! Gatepost as OAuth2 and OpenID provider: apps, what people allow them, and the tokens that stand
//! on that.
//!
//! An authorization request ends in a *grant* with a code ([`authorize`]); the token endpoint turns
//! codes and refresh tokens into tokens ([`token`]); what a token opens is answered by [`bearer`].
//! mailcow's endpoints and the OpenID ones are one engine: the app's settings say what is lenient.

pub mod apps;
pub mod authorize;
pub mod bearer;
pub mod connected;
mod names;
pub mod signing;
pub mod token;

pub use names::Scope;
pub(crate) use names::subject;
pub use oidc::op::paths;
