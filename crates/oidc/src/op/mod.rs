//! The other side: what apps ask of Gatepost as their OAuth 2 and OpenID provider.
//!
//! Here too bytes go in and checked values come out, and nothing keeps state: which app it is, which
//! codes and tokens there are and who may do what is the business of `app`. What an app sends is
//! foreign. What an app reads is made here as well: metadata, keys, claims of tokens.

pub mod authorize;
pub mod bearer;
pub mod claims_request;
pub mod client_auth;
pub mod device;
pub mod difference;
pub mod end_session;
pub mod error;
pub mod hint;
pub mod id_token;
pub mod keys;
pub mod logout_token;
pub mod metadata;
pub mod origin;
pub mod params;
pub mod paths;
pub mod pkce;
pub mod redirect;
pub mod token;
