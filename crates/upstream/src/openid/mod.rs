//! The relying party: OpenID Connect and plain OAuth 2 with the code flow and PKCE.

pub mod authorize;
pub mod end_session;
pub mod exchange;
mod jwks;
mod logout;
pub(crate) mod memory;
mod metadata;
pub(crate) mod pauses;
pub mod probe;
pub mod refresh;
mod slot;
mod token;
mod userinfo;
