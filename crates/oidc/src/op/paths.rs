//! Where the endpoints are. Routes and [metadata](super::metadata) both take the paths from here, so
//! that they cannot differ.

/// People are sent here by apps.
pub const AUTHORIZE: &str = "/oauth/authorize";
/// Apps exchange codes and refresh tokens here.
pub const TOKEN: &str = "/oauth/token";
/// Devices ask for their codes here (RFC 8628 section 3.1).
pub const DEVICE_AUTHORIZATION: &str = "/oauth/device_authorization";
/// People type the codes of devices here (RFC 8628 section 3.3): short, for it is typed too.
pub const CONNECT: &str = "/connect";
/// mailcow's endpoint of that name: ten fields about a person.
pub const PROFILE: &str = "/oauth/profile";
/// The claims about a person (OpenID Connect Core section 5.3).
pub const USERINFO: &str = "/oauth/userinfo";
/// Our public keys (RFC 7517).
pub const JWKS: &str = "/oauth/jwks";
/// What a token is worth (RFC 7662).
pub const INTROSPECT: &str = "/oauth/introspect";
/// Apps give tokens back here (RFC 7009).
pub const REVOKE: &str = "/oauth/revoke";
/// People sign out here (OpenID Connect RP-Initiated Logout 1.0).
pub const END_SESSION: &str = "/oauth/end-session";
/// The metadata of OpenID Connect Discovery 1.0.
pub const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";
/// The metadata of RFC 8414.
pub const AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";
