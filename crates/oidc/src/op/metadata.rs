//! What we say about ourselves: OpenID Connect Discovery 1.0 section 3 and RFC 8414 section 2.

use super::authorize::Prompt;
use super::client_auth::ClientAuthMethod;
use super::paths;
use super::pkce::ChallengeMethod;
use super::token::DEVICE_GRANT;
use crate::callback::Delivery;
use model::oauth_app::IdTokenAlg;
use serde_json::{Value, json};

/// The scopes there are.
pub const SCOPES: [&str; 5] = ["openid", "profile", "email", "groups", "offline_access"];

/// The claims there are.
pub const CLAIMS: [&str; 15] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "at_hash",
    "sid",
    "name",
    "preferred_username",
    "email",
    "email_verified",
    "groups",
    "updated_at",
];

/// The metadata, the same at both addresses.
#[derive(Debug, Clone, Copy)]
pub struct Metadata;

impl Metadata {
    /// The document of the provider at `public_url`, which is its issuer without a slash at the end.
    /// `algs` are those that it has keys for.
    #[must_use]
    pub fn document(public_url: &str, algs: &[IdTokenAlg]) -> String {
        let issuer = public_url.trim_end_matches('/');
        let at = |path: &str| format!("{issuer}{path}");
        let algs: Vec<_> = algs.iter().map(|alg| alg.name()).collect();
        let secrets = [ClientAuthMethod::Basic, ClientAuthMethod::Post].map(ClientAuthMethod::name);
        let mut any = secrets.to_vec();
        any.push(ClientAuthMethod::None.name());
        let document: Value = json!({
            "issuer": issuer,
            "authorization_endpoint": at(paths::AUTHORIZE),
            "token_endpoint": at(paths::TOKEN),
            "device_authorization_endpoint": at(paths::DEVICE_AUTHORIZATION),
            "userinfo_endpoint": at(paths::USERINFO),
            "jwks_uri": at(paths::JWKS),
            "introspection_endpoint": at(paths::INTROSPECT),
            "revocation_endpoint": at(paths::REVOKE),
            "end_session_endpoint": at(paths::END_SESSION),
            "scopes_supported": SCOPES,
            "response_types_supported": ["code"],
            "response_modes_supported": [Delivery::Query.name(), Delivery::FormPost.name()],
            "grant_types_supported": ["authorization_code", "refresh_token", DEVICE_GRANT],
            "subject_types_supported": ["public", "pairwise"],
            "id_token_signing_alg_values_supported": algs,
            "token_endpoint_auth_methods_supported": any,
            "introspection_endpoint_auth_methods_supported": secrets,
            "revocation_endpoint_auth_methods_supported": any,
            "code_challenge_methods_supported": [ChallengeMethod::S256.name()],
            "authorization_response_iss_parameter_supported": true,
            "backchannel_logout_supported": true,
            "backchannel_logout_session_supported": true,
            "claim_types_supported": ["normal"],
            "claims_supported": CLAIMS,
            "claims_parameter_supported": true,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
            "prompt_values_supported": Prompt::ALL.map(Prompt::name),
        });
        document.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alg::SigningAlg;
    use crate::discovery;
    use crate::issuer::Issuer;

    #[test]
    fn our_own_client_reads_it() {
        let issuer = Issuer::parse("https://mail.example.org").unwrap();
        let text = Metadata::document("https://mail.example.org/", &IdTokenAlg::ALL);
        let discovery = discovery::Metadata::parse(text.as_bytes(), &issuer).unwrap();
        assert_eq!(
            discovery.usable_algs(),
            Some(vec![SigningAlg::Es256, SigningAlg::Rs256])
        );
        assert_eq!(discovery.knows_scope("groups"), Some(true));
        assert!(discovery.backchannel_logout && discovery.end_session_endpoint.is_some());
        assert!(discovery.answers_by(Delivery::Query) && discovery.answers_by(Delivery::FormPost));
        let other = Issuer::parse("https://mail.example.org/").unwrap();
        assert!(discovery::Metadata::parse(text.as_bytes(), &other).is_err());
    }

    #[test]
    fn every_endpoint_is_below_the_issuer() {
        let text = Metadata::document("https://mail.example.org:8443", &[IdTokenAlg::Es256]);
        let document: Value = serde_json::from_str(&text).unwrap();
        let document = document.as_object().unwrap();
        assert_eq!(document["issuer"], "https://mail.example.org:8443");
        let endpoints: Vec<_> = document
            .iter()
            .filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri")
            .collect();
        assert_eq!(endpoints.len(), 8);
        for (name, url) in endpoints {
            let url = url.as_str().unwrap();
            assert!(
                url.starts_with("https://mail.example.org:8443/oauth/"),
                "{name}: {url}"
            );
        }
        assert_eq!(
            document["id_token_signing_alg_values_supported"],
            json!(["ES256"])
        );
        assert_eq!(
            document["code_challenge_methods_supported"],
            json!(["S256"])
        );
        assert_eq!(document["request_uri_parameter_supported"], false);
    }
}
