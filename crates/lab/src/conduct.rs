//! How the provider behaves at each step. The endpoints ask here before they answer; an honest
//! company changes nothing, and each misbehaviour overrides the steps it spoils.

use crate::keys::{KeyFault, SigningKey};
use crate::token::Draft;
use axum::http::Uri;
use axum::response::Response;
use serde_json::{Map, Value};

/// The provider's addresses, as counted by [`Handle::hits`](crate::Handle::hits).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `/.well-known/openid-configuration` under the issuer.
    Discovery,
    /// `/jwks.json`.
    Jwks,
    /// `/authorize`.
    Authorize,
    /// `/login`, the company's own form.
    Login,
    /// `/token`.
    Token,
    /// `/userinfo`.
    Userinfo,
    /// `/end-session`.
    EndSession,
}

/// What replaces an endpoint's own answer.
#[cfg_attr(
    not(feature = "misbehave"),
    expect(dead_code, reason = "an honest company never replaces an answer")
)]
pub(crate) enum Replacement {
    /// This answer instead.
    Answer(Response),
    /// No answer, with the connection held open.
    Silence,
}

/// The steps that can go wrong. Every default is honest.
pub(crate) trait Conduct: Send + Sync {
    /// Before the endpoint does anything.
    fn replace(&self, _at: Endpoint, _uri: &Uri) -> Option<Replacement> {
        None
    }
    /// The discovery document about to be sent.
    fn discovery(&self, _document: &mut Map<String, Value>) {}
    /// The public keys about to be published.
    fn key_set(&self, _keys: &mut Vec<Value>) {}
    /// Whether an unknown scope is an error rather than dropped.
    fn refuses_unknown_scopes(&self) -> bool {
        false
    }
    /// The parameters about to be sent back to the client's redirect URI.
    fn authorization_answer(&self, _answer: &mut Vec<(String, String)>) {}
    /// The person's claims about to be released to ID token, userinfo or both.
    fn claims(&self, _claims: &mut Map<String, Value>) {}
    /// Whether the signing key is replaced just before the next ID token is signed.
    fn rotates_before_signing(&self) -> bool {
        false
    }
    /// The ID token before it is signed.
    fn id_token(&self, _draft: &mut Draft) {}
    /// Signs the ID token.
    fn sign(&self, draft: &Draft, key: &SigningKey) -> Result<String, KeyFault> {
        draft.signed_by(key)
    }
    /// The token endpoint's answer about to be sent.
    fn token_answer(&self, _answer: &mut Map<String, Value>) {}
    /// The userinfo answer about to be sent.
    fn userinfo(&self, _claims: &mut Map<String, Value>) {}
    /// Whether userinfo is a signed token although the options say otherwise.
    fn signs_userinfo(&self) -> bool {
        false
    }
    /// The userinfo token before it is signed.
    fn userinfo_token(&self, _draft: &mut Draft) {}
    /// Signs the userinfo token.
    fn sign_userinfo(&self, draft: &Draft, key: &SigningKey) -> Result<String, KeyFault> {
        draft.signed_by(key)
    }
    /// The finished JSON text of an answer.
    fn json_text(&self, _at: Endpoint, text: String) -> String {
        text
    }
}

/// Keeps to the protocol.
pub(crate) struct Honest;

impl Conduct for Honest {}
