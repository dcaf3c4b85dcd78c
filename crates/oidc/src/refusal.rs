//! Errors as providers state them (RFC 6749 sections 4.1.2.1 and 5.2).

use crate::foreign::printable;
use serde_json::{Map, Value};

/// A provider's error, made printable. For administrators only: never a text for a person's page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}{}", description.as_ref().map(|d| format!(" ({d})")).unwrap_or_default())]
pub struct ErrorResponse {
    /// The error code: `invalid_grant`, `access_denied`, …
    pub error: String,
    /// The provider's explanation.
    pub description: Option<String>,
}

/// What an error means for us, over the providers' differing words for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Client id or secret is wrong, or the authentication method is not the registered one.
    Client,
    /// The code is expired, used, of another client, or its PKCE verifier does not fit.
    Code,
    /// A scope is not known or not allowed.
    Scope,
    /// The redirect URI is not the registered one.
    Redirect,
    /// The person was refused, or refused.
    Denied,
    /// The provider is out of order for the moment.
    Outage,
    /// Anything else.
    Other,
}

impl ErrorResponse {
    /// From the members of an error document or the parameters of an error redirect.
    #[must_use]
    pub fn new(error: &str, description: Option<&str>) -> Self {
        Self {
            error: printable(error, 60),
            description: description
                .map(|text| printable(text, 300))
                .filter(|text| !text.is_empty()),
        }
    }

    /// The error of a JSON document, if it holds one. Some servers nest it:
    /// `{"error": {"code": …, "message": …}}`.
    #[must_use]
    pub fn from_json(document: &Map<String, Value>) -> Option<Self> {
        let text = |map: &Map<String, Value>, names: &[&str]| {
            names
                .iter()
                .find_map(|name| map.get(*name).and_then(Value::as_str))
                .map(str::to_owned)
        };
        match document.get("error")? {
            Value::Null => None,
            Value::String(error) if error.is_empty() => None,
            Value::String(error) => {
                let description = text(document, &["error_description", "message", "error_hint"]);
                Some(Self::new(error, description.as_deref()))
            }
            Value::Object(nested) => {
                let error = text(nested, &["code", "type", "status"]);
                let description = text(nested, &["message", "error_description"]);
                Some(Self::new(
                    error.as_deref().unwrap_or("error"),
                    description.as_deref(),
                ))
            }
            other => Some(Self::new(&other.to_string(), None)),
        }
    }

    /// What it means. Codes differ between providers: Glewlwyd says `invalid_code` and
    /// `unauthorized_client` where RFC 6749 has `invalid_grant` and `invalid_client`; Google has
    /// `redirect_uri_mismatch`; others only mention the redirect URI in their explanation.
    #[must_use]
    pub fn meaning(&self) -> Meaning {
        match self.error.as_str() {
            "redirect_uri_mismatch" | "invalid_redirect_uri" => Meaning::Redirect,
            "invalid_request" | "invalid_client" | "invalid_grant" | "unauthorized_client"
                if self.mentions_redirect() =>
            {
                Meaning::Redirect
            }
            "invalid_client" | "unauthorized_client" => Meaning::Client,
            "invalid_grant" | "invalid_code" => Meaning::Code,
            "invalid_scope" => Meaning::Scope,
            "access_denied" | "consent_required" => Meaning::Denied,
            "server_error" | "temporarily_unavailable" => Meaning::Outage,
            _ => Meaning::Other,
        }
    }

    fn mentions_redirect(&self) -> bool {
        self.description.as_deref().is_some_and(|text| {
            let text = text.to_ascii_lowercase();
            text.contains("redirect_uri") || text.contains("redirect uri")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Option<ErrorResponse> {
        ErrorResponse::from_json(value.as_object().unwrap())
    }

    #[test]
    fn providers_words_are_understood() {
        let meaning = |error, description| ErrorResponse::new(error, description).meaning();
        assert_eq!(meaning("invalid_client", None), Meaning::Client);
        assert_eq!(meaning("unauthorized_client", None), Meaning::Client);
        assert_eq!(meaning("invalid_code", None), Meaning::Code);
        assert_eq!(meaning("redirect_uri_mismatch", None), Meaning::Redirect);
        assert_eq!(
            meaning("invalid_request", Some("Redirect URI is not registered")),
            Meaning::Redirect
        );
        assert_eq!(meaning("access_denied", None), Meaning::Denied);
        assert_eq!(meaning("whatever", None), Meaning::Other);
    }

    #[test]
    fn odd_shapes_still_give_a_printable_error() {
        assert_eq!(read(json!({"access_token": "x"})), None);
        assert_eq!(read(json!({"error": null})), None);
        assert_eq!(read(json!({"error": ""})), None);
        let plain = read(json!({"error": "a\nb", "error_description": 7})).unwrap();
        assert_eq!((plain.error.as_str(), plain.description), ("ab", None));
        let nested = read(json!({"error": {"code": "x", "message": "m"}})).unwrap();
        assert_eq!(nested.to_string(), "x (m)");
        assert_eq!(read(json!({"error": 500})).unwrap().error, "500");
        let long = read(json!({"error": "e".repeat(100_000)})).unwrap();
        assert_eq!(long.error.chars().count(), 61);
    }
}
