//! The discovery document (OpenID Connect Discovery 1.0 section 3) and the published keys.

use crate::conduct::Endpoint;
use crate::provider::Provider;
use crate::{authorize, end_session, exchange, userinfo};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub(crate) const JWKS_PATH: &str = "/jwks.json";

/// Where the document lies: the issuer's path without one slash at its end, then the well-known
/// part.
pub(crate) fn path(issuer: &str, origin: &str) -> String {
    let under = issuer.strip_prefix(origin).unwrap_or_default();
    let under = under.strip_suffix('/').unwrap_or(under);
    format!("{under}/.well-known/openid-configuration")
}

pub(crate) async fn document(State(provider): State<Arc<Provider>>) -> Response {
    let at = |path: &str| json!(format!("{}{path}", provider.origin));
    let entries = [
        ("issuer", json!(provider.issuer)),
        ("authorization_endpoint", at(authorize::PATH)),
        ("token_endpoint", at(exchange::PATH)),
        ("userinfo_endpoint", at(userinfo::PATH)),
        ("jwks_uri", at(JWKS_PATH)),
        ("end_session_endpoint", at(end_session::PATH)),
        ("scopes_supported", json!(provider.options.scopes)),
        ("response_types_supported", json!(["code"])),
        (
            "response_modes_supported",
            json!(provider.options.response_modes),
        ),
        (
            "grant_types_supported",
            json!(["authorization_code", "refresh_token"]),
        ),
        ("subject_types_supported", json!(["public"])),
        (
            "id_token_signing_alg_values_supported",
            json!([provider.key().algorithm().name()]),
        ),
        (
            "userinfo_signing_alg_values_supported",
            json!([provider.key().algorithm().name()]),
        ),
        (
            "token_endpoint_auth_methods_supported",
            json!(["client_secret_basic", "client_secret_post"]),
        ),
        ("code_challenge_methods_supported", json!(["S256"])),
        (
            "authorization_response_iss_parameter_supported",
            json!(true),
        ),
        ("backchannel_logout_supported", json!(true)),
        ("backchannel_logout_session_supported", json!(true)),
        ("request_parameter_supported", json!(false)),
        ("request_uri_parameter_supported", json!(false)),
    ];
    let mut document: Map<String, Value> = entries
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    provider.company.conduct().discovery(&mut document);
    provider.json(Endpoint::Discovery, StatusCode::OK, document)
}

pub(crate) async fn key_set(State(provider): State<Arc<Provider>>) -> Response {
    let mut keys = vec![provider.key().public_jwk()];
    provider.company.conduct().key_set(&mut keys);
    let body = Map::from_iter([("keys".to_owned(), Value::Array(keys))]);
    provider.json(Endpoint::Jwks, StatusCode::OK, body)
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn the_document_lies_under_the_issuers_path() {
        let origin = "http://127.0.0.1:1";
        for (issuer, expected) in [
            ("http://127.0.0.1:1", "/.well-known/openid-configuration"),
            ("http://127.0.0.1:1/", "/.well-known/openid-configuration"),
            (
                "http://127.0.0.1:1/realms/a",
                "/realms/a/.well-known/openid-configuration",
            ),
            (
                "http://127.0.0.1:1/o/mail/",
                "/o/mail/.well-known/openid-configuration",
            ),
        ] {
            assert_eq!(path(issuer, origin), expected, "{issuer}");
        }
    }
}
