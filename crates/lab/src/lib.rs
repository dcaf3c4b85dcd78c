//! A sample company's OpenID provider.
//!
//! `gatepost demo` shows sign-in against it, and tests hold the relying party against it. It plays
//! the other side of the protocol, so it shares no protocol code with Gatepost: tokens are put
//! together and signed here, byte by byte, on the crypto library alone. A mistake in the `oidc`
//! crate is then not made on both sides.
//!
//! It is strict where real providers are strict (Authelia most of all): redirect URIs are compared
//! byte for byte, the token endpoint takes only the registered client authentication, Basic
//! credentials must be form-urlencoded, `state` must be long enough, a code works once.
//!
//! With the cargo feature `misbehave`, which release builds lack, a company can be told to break
//! the protocol in one of the ways that `misbehave::Misbehaviour` names. To add one: a row in that
//! table and a few lines in the file of the step it spoils.
//!
//! There is no control endpoint: whoever holds [`Company`] or [`Handle`] changes the company by
//! plain calls, at run time.

mod authorize;
mod claims;
mod client;
mod company;
mod conduct;
mod discovery;
mod end_session;
mod exchange;
mod grants;
mod home;
mod keys;
mod login;
pub mod logout;
#[cfg(feature = "misbehave")]
pub mod misbehave;
mod options;
mod page;
mod params;
mod person;
mod provider;
mod random;
pub mod sample;
mod server;
mod token;
mod userinfo;

pub use client::{Client, ClientAuth};
pub use company::{Company, NoSuchPerson};
pub use conduct::Endpoint;
pub use options::{Algorithm, ClaimsIn, Options, UserinfoAs};
pub use person::Person;
pub use server::{Handle, ServeError, serve, serve_at};
