//! OpenID Connect and OAuth 2 protocol pieces without state.
//!
//! Bytes from a provider go in, a checked value or an error that names field, observed and
//! expected value comes out. Nothing here opens a connection, keeps a cache or reads a clock:
//! `upstream` does the talking and passes the instant in.
//!
//! Everything a provider sends is foreign: JSON is parsed strictly ([`json`]), words meant for
//! people are made printable ([`foreign`]), and tokens are read only after their signature was
//! checked with a key of the provider ([`jwt`]).
//!
//! All of that is Gatepost as a client. As a provider of its own, for apps, it stands in [`op`].

pub mod alg;
pub mod authorize;
pub mod callback;
pub mod claims;
pub mod discovery;
pub mod end_session;
pub mod endpoint;
pub mod foreign;
pub mod id_token;
pub mod issuer;
pub mod json;
pub mod jwk;
pub mod jwt;
pub mod logout_token;
pub mod op;
pub mod pkce;
pub mod redirect;
pub mod refreshed;
pub mod refusal;
pub mod scope;
pub mod subject;
pub mod token;
pub mod userinfo;
