//! Discovery documents (OpenID Connect Discovery section 3, RFC 8414 section 2).

use crate::alg::SigningAlg;
use crate::callback::Delivery;
use crate::endpoint::{Endpoint, UrlError};
use crate::foreign::printable;
use crate::issuer::Issuer;
use crate::json::{self, JsonError};
use serde_json::{Map, Value};

/// How many entries one list of the document may have.
const MAX_LIST: usize = 1000;

/// Why a discovery document cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// Not a JSON object we accept.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A member we need is absent.
    #[error("member {0} is missing")]
    Missing(&'static str),
    /// A member has another type than the specification gives it.
    #[error("member {member} is a {observed}, not a {expected}")]
    Type {
        /// Which member.
        member: &'static str,
        /// Its JSON type.
        observed: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// A member that is no usable URL.
    #[error("member {member} is no usable URL: {why}")]
    Url {
        /// Which member.
        member: &'static str,
        /// What is wrong with it.
        why: UrlError,
    },
    /// The document speaks for another issuer (OpenID Connect Discovery section 4.3).
    #[error("issuer differs: configured {configured}, answered {answered}")]
    Issuer {
        /// As an administrator set it.
        configured: String,
        /// As the document states it.
        answered: String,
    },
}

impl DiscoveryError {
    /// The issuer to offer in its place, when the two differ in a trailing slash only.
    #[must_use]
    pub fn slash_answer(&self) -> Option<&str> {
        match self {
            Self::Issuer {
                configured,
                answered,
            } if Issuer::parse(configured).is_ok_and(|i| i.differs_by_slash_only(answered)) => {
                Some(answered)
            }
            _ => None,
        }
    }
}

/// What a provider says about itself. Lists that are absent are `None`: "does not say", which is
/// another thing than an empty list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Its name for itself.
    pub issuer: String,
    /// Where the person is sent.
    pub authorization_endpoint: Endpoint,
    /// Where codes are exchanged.
    pub token_endpoint: Endpoint,
    /// Where its keys are.
    pub jwks_uri: Endpoint,
    /// Where claims are, unless all of them are in the ID token.
    pub userinfo_endpoint: Option<Endpoint>,
    /// Where a person signs out.
    pub end_session_endpoint: Option<Endpoint>,
    /// Where tokens are revoked.
    pub revocation_endpoint: Option<Endpoint>,
    /// Scopes it says it knows; many providers know more.
    pub scopes: Option<Vec<String>>,
    /// Claims it says it can send.
    pub claims: Option<Vec<String>>,
    /// Response types, each a space-separated set.
    pub response_types: Option<Vec<String>>,
    /// Ways of sending an answer; absent means `query` and `fragment`.
    pub response_modes: Option<Vec<String>>,
    /// Grant types.
    pub grant_types: Option<Vec<String>>,
    /// How clients authenticate at the token endpoint.
    pub token_auth_methods: Option<Vec<String>>,
    /// PKCE methods (RFC 8414).
    pub pkce_methods: Option<Vec<String>>,
    /// Algorithms of ID tokens, as it names them.
    pub id_token_algs: Option<Vec<String>>,
    /// Whether every authorization response carries `iss` (RFC 9207 section 3).
    pub response_iss: bool,
    /// Whether it tells us when a person signs out there.
    pub backchannel_logout: bool,
}

impl Metadata {
    /// Parses the document and demands that it speaks for `issuer`, byte for byte.
    ///
    /// # Errors
    /// [`DiscoveryError`]: what is wrong with which member.
    pub fn parse(bytes: &[u8], issuer: &Issuer) -> Result<Self, DiscoveryError> {
        let metadata = Self::parse_any(bytes)?;
        if metadata.issuer == issuer.as_str() {
            Ok(metadata)
        } else {
            Err(DiscoveryError::Issuer {
                configured: issuer.as_str().to_owned(),
                answered: printable(&metadata.issuer, 300),
            })
        }
    }

    /// Parses the document whatever issuer it names. Only for learning an issuer that an
    /// administrator then confirms; a sign-in goes through [`Metadata::parse`].
    ///
    /// # Errors
    /// As [`Metadata::parse`], except a differing issuer.
    pub fn parse_any(bytes: &[u8]) -> Result<Self, DiscoveryError> {
        let doc = Document(json::object(bytes)?);
        Ok(Self {
            issuer: doc
                .text("issuer")?
                .ok_or(DiscoveryError::Missing("issuer"))?
                .to_owned(),
            authorization_endpoint: doc.needed_url("authorization_endpoint")?,
            token_endpoint: doc.needed_url("token_endpoint")?,
            jwks_uri: doc.needed_url("jwks_uri")?,
            userinfo_endpoint: doc.url("userinfo_endpoint")?,
            end_session_endpoint: doc.url("end_session_endpoint")?,
            revocation_endpoint: doc.url("revocation_endpoint")?,
            scopes: doc.list("scopes_supported")?,
            claims: doc.list("claims_supported")?,
            response_types: doc.list("response_types_supported")?,
            response_modes: doc.list("response_modes_supported")?,
            grant_types: doc.list("grant_types_supported")?,
            token_auth_methods: doc.list("token_endpoint_auth_methods_supported")?,
            pkce_methods: doc.list("code_challenge_methods_supported")?,
            id_token_algs: doc.list("id_token_signing_alg_values_supported")?,
            response_iss: doc.flag("authorization_response_iss_parameter_supported")?,
            backchannel_logout: doc.flag("backchannel_logout_supported")?,
        })
    }

    /// Whether it says that it knows `scope`; `None` when it does not say.
    #[must_use]
    pub fn knows_scope(&self, scope: &str) -> Option<bool> {
        self.scopes
            .as_ref()
            .map(|known| known.iter().any(|s| s == scope))
    }

    /// Whether it says that it can answer so. Silence means the query and not a form.
    #[must_use]
    pub fn answers_by(&self, way: Delivery) -> bool {
        match &self.response_modes {
            None => way == Delivery::Query,
            Some(known) => known.iter().any(|name| name == way.name()),
        }
    }

    /// Whether it says that it can answer by a form and not in the query.
    #[must_use]
    pub fn only_posts(&self) -> bool {
        self.answers_by(Delivery::FormPost) && !self.answers_by(Delivery::Query)
    }

    /// The algorithms of its ID tokens that we verify; `None` when it does not say.
    #[must_use]
    pub fn usable_algs(&self) -> Option<Vec<SigningAlg>> {
        self.id_token_algs
            .as_ref()
            .map(|names| names.iter().filter_map(|n| SigningAlg::parse(n)).collect())
    }
}

/// Typed access to members. `null` counts as absent: several providers write it.
struct Document(Map<String, Value>);

impl Document {
    fn get(&self, member: &'static str) -> Option<&Value> {
        self.0.get(member).filter(|value| !value.is_null())
    }

    fn text(&self, member: &'static str) -> Result<Option<&str>, DiscoveryError> {
        match self.get(member) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_type(member, other, "text")),
        }
    }

    fn url(&self, member: &'static str) -> Result<Option<Endpoint>, DiscoveryError> {
        self.text(member)?
            .map(|text| Endpoint::parse(text).map_err(|why| DiscoveryError::Url { member, why }))
            .transpose()
    }

    fn needed_url(&self, member: &'static str) -> Result<Endpoint, DiscoveryError> {
        self.url(member)?.ok_or(DiscoveryError::Missing(member))
    }

    fn flag(&self, member: &'static str) -> Result<bool, DiscoveryError> {
        match self.get(member) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(wrong_type(member, other, "boolean")),
        }
    }

    fn list(&self, member: &'static str) -> Result<Option<Vec<String>>, DiscoveryError> {
        let Some(value) = self.get(member) else {
            return Ok(None);
        };
        let items = value
            .as_array()
            .filter(|items| items.len() <= MAX_LIST)
            .ok_or_else(|| wrong_type(member, value, "list of at most 1000 texts"))?;
        items
            .iter()
            .map(|item| {
                item.as_str()
                    .map(str::to_owned)
                    .ok_or_else(|| wrong_type(member, item, "list of texts"))
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }
}

const fn wrong_type(
    member: &'static str,
    observed: &Value,
    expected: &'static str,
) -> DiscoveryError {
    DiscoveryError::Type {
        member,
        observed: json::kind(observed),
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn document() -> Value {
        json!({
            "issuer": "https://a.example/x/",
            "authorization_endpoint": "https://a.example/authorize?realm=x",
            "token_endpoint": "https://a.example/token",
            "jwks_uri": "https://keys.example/jwks",
            "userinfo_endpoint": null,
            "scopes_supported": ["openid", "email"],
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none", "ES512", "EdDSA"],
            "authorization_response_iss_parameter_supported": true,
            "unknown_member": {"a": 1}
        })
    }

    fn parse(document: &Value, issuer: &str) -> Result<Metadata, DiscoveryError> {
        let bytes = serde_json::to_vec(document).unwrap();
        Metadata::parse(&bytes, &Issuer::parse(issuer).unwrap())
    }

    #[test]
    fn reads_what_we_use() {
        let metadata = parse(&document(), "https://a.example/x/").unwrap();
        assert_eq!(
            metadata.authorization_endpoint.as_str(),
            "https://a.example/authorize?realm=x"
        );
        assert_eq!(metadata.userinfo_endpoint, None);
        assert_eq!(metadata.knows_scope("email"), Some(true));
        assert_eq!(metadata.knows_scope("mailcow_template"), Some(false));
        assert_eq!(metadata.grant_types, None);
        assert!(metadata.response_iss && !metadata.backchannel_logout);
        assert_eq!(
            metadata.usable_algs().unwrap(),
            [SigningAlg::Rs256, SigningAlg::EdDsa]
        );
    }

    #[test]
    fn a_form_is_needed_only_where_nothing_else_is_offered() {
        let only_posts = |modes: Value| {
            let mut document = document();
            document["response_modes_supported"] = modes;
            parse(&document, "https://a.example/x/")
                .unwrap()
                .only_posts()
        };
        assert!(only_posts(json!(["form_post"])));
        assert!(only_posts(json!(["fragment", "form_post"])));
        for modes in [
            json!(null),
            json!([]),
            json!(["query", "form_post"]),
            json!(["fragment"]),
        ] {
            assert!(!only_posts(modes.clone()), "{modes}");
        }
    }

    #[test]
    fn another_issuer_is_refused_even_by_a_slash() {
        let error = parse(&document(), "https://a.example/x").unwrap_err();
        assert_eq!(error.slash_answer(), Some("https://a.example/x/"));
        assert_eq!(
            error.to_string(),
            "issuer differs: configured https://a.example/x, answered https://a.example/x/"
        );
        let error = parse(&document(), "https://b.example/x/").unwrap_err();
        assert_eq!(error.slash_answer(), None);
    }

    #[test]
    fn each_fault_names_its_member() {
        let broken = |member: &str, value: Value| {
            let mut document = document();
            document[member] = value;
            parse(&document, "https://a.example/x/")
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            broken("token_endpoint", json!(null)),
            "member token_endpoint is missing"
        );
        assert_eq!(
            broken("token_endpoint", json!(["https://a.example"])),
            "member token_endpoint is a list, not a text"
        );
        assert_eq!(
            broken("jwks_uri", json!("/jwks")),
            "member jwks_uri is no usable URL: not an absolute URL such as https://auth.example.org/path"
        );
        assert_eq!(
            broken("scopes_supported", json!("openid")),
            "member scopes_supported is a string, not a list of at most 1000 texts"
        );
        assert_eq!(
            broken("backchannel_logout_supported", json!("yes")),
            "member backchannel_logout_supported is a string, not a boolean"
        );
        assert!(matches!(
            parse(&json!([1]), "https://a.example/x/"),
            Err(DiscoveryError::Json(JsonError::NotAnObject("list")))
        ));
    }

    proptest! {
        #[test]
        fn foreign_documents_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Metadata::parse_any(&bytes);
        }
    }
}
