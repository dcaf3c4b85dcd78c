//! Everything that goes out to identity providers.
//!
//! [`Upstream`] is the relying party at work: it sends people to their provider
//! ([`Upstream::authorize`]), turns the code they bring back into an [`Identity`]
//! ([`Upstream::exchange`]), and tells administrators step by step how a provider stands
//! ([`Upstream::probe`]). All of it goes through one guarded HTTP client ([`http`]). What fails is
//! an [`UpstreamError`] with an outcome code.
//!
//! To add a call to a provider: a file in [`openid`], through [`Upstream`]'s own `call`, with a
//! [`Purpose`] of its own.

mod error;
pub mod http;
pub mod journal;
pub mod openid;
mod provider;
mod tell_app;
mod upstream;

pub use error::{AnswerFault, Purpose, TokenRefusal, UpstreamError};
pub use openid::authorize::{AuthorizeInput, Departure};
pub use openid::end_session::EndSessionInput;
pub use openid::exchange::{ExchangeInput, Identity, Tokens};
pub use openid::probe;
pub use provider::{Endpoints, ProviderSettings, SettingsError, TlsSettings, TypedEndpoints};
pub use tell_app::Told;
pub use upstream::{Config, LastCall, Upstream};
