//! Gatepost as OAuth2 and OpenID provider: apps, what people allow them, and the tokens that stand
//! on that.
//!
//! An authorization request ends in a *grant* with a code ([`authorize`]), a device that shows a code
//! to be typed elsewhere in one without ([`devices`]); the token endpoint turns all of them, and
//! refresh tokens, into tokens ([`token`]); what a token opens is answered by [`bearer`].
//! mailcow's endpoints and the OpenID ones are one engine: the app's settings say what is lenient.

pub mod apps;
pub mod authorize;
pub mod bearer;
mod claims;
mod client_auth;
pub mod connected;
mod consented;
pub mod devices;
pub mod end_session;
mod names;
mod pages;
pub mod received;
mod redeem;
pub mod signing;
mod standing;
pub mod tell;
pub mod token;
mod uses;

pub use bearer::{BearerRefusal, ProfileAnswer};
pub use client_auth::EndpointError;
pub(crate) use devices::DeviceMemory;
pub use names::Scope;
pub(crate) use names::{goes_on, subject, told};
pub use oidc::op::paths;
pub(crate) use signing::Signing;
pub(crate) use uses::AppUses;
