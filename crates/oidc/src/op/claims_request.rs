//! Claims asked for one by one (OpenID Connect Core section 5.5).

use crate::json::{self, JsonError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// How many claims one request may name, and how many values for one of them.
const MAX_ASKED: usize = 100;

/// Why a claims parameter is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimsRequestError {
    /// Not a JSON object we accept.
    #[error("claims: {0}")]
    Json(#[from] JsonError),
    /// A part of it has another type than the specification gives it.
    #[error("claims is not of the shape that OpenID Connect Core section 5.5 describes")]
    Shape,
    /// More than anybody asks for.
    #[error("claims asks for more than {MAX_ASKED} claims or values")]
    TooMany,
}

/// What is asked about one claim.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClaimAsk {
    /// The app says that it cannot do without. No reason to refuse it anything (section 5.5.1).
    #[serde(default)]
    pub essential: bool,
    /// The values it would take; none for any.
    #[serde(default)]
    pub values: Vec<Value>,
}

/// The claims that a request names. Kept with the grant as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClaimsRequest {
    /// For userinfo.
    #[serde(default)]
    pub userinfo: BTreeMap<String, ClaimAsk>,
    /// For the ID token.
    #[serde(default)]
    pub id_token: BTreeMap<String, ClaimAsk>,
}

impl ClaimsRequest {
    /// Reads the parameter. Members that are not known are ignored, as the specification wants.
    ///
    /// # Errors
    /// [`ClaimsRequestError`].
    pub fn parse(text: &str) -> Result<Self, ClaimsRequestError> {
        let document = json::object(text.as_bytes())?;
        let request = Self {
            userinfo: section(document.get("userinfo"))?,
            id_token: section(document.get("id_token"))?,
        };
        let subjects = [&request.userinfo, &request.id_token]
            .into_iter()
            .filter_map(|section| section.get("sub"));
        for ask in subjects {
            if !ask.values.iter().all(Value::is_string) {
                return Err(ClaimsRequestError::Shape);
            }
        }
        Ok(request)
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.userinfo.is_empty() && self.id_token.is_empty()
    }

    /// Whether an answer about `subject` is wanted. One about anybody else must not be given
    /// (section 5.5.1).
    #[must_use]
    pub fn allows_subject(&self, subject: &str) -> bool {
        [&self.userinfo, &self.id_token]
            .into_iter()
            .filter_map(|section| section.get("sub"))
            .all(|ask| ask.values.is_empty() || ask.values.iter().any(|value| value == subject))
    }
}

fn section(value: Option<&Value>) -> Result<BTreeMap<String, ClaimAsk>, ClaimsRequestError> {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return Ok(BTreeMap::new());
    };
    let members = value.as_object().ok_or(ClaimsRequestError::Shape)?;
    if members.len() > MAX_ASKED {
        return Err(ClaimsRequestError::TooMany);
    }
    members
        .iter()
        .map(|(name, value)| Ok((name.clone(), ask(value)?)))
        .collect()
}

fn ask(value: &Value) -> Result<ClaimAsk, ClaimsRequestError> {
    let members: &Map<String, Value> = match value {
        Value::Null => return Ok(ClaimAsk::default()),
        Value::Object(members) => members,
        _ => return Err(ClaimsRequestError::Shape),
    };
    let essential = match members.get("essential") {
        None => false,
        Some(Value::Bool(essential)) => *essential,
        Some(_) => return Err(ClaimsRequestError::Shape),
    };
    let values = match (members.get("value"), members.get("values")) {
        (None, None) => Vec::new(),
        (Some(value), None) => vec![value.clone()],
        (None, Some(Value::Array(values))) if values.len() > MAX_ASKED => {
            return Err(ClaimsRequestError::TooMany);
        }
        // An empty list would read like no wish at all.
        (None, Some(Value::Array(values))) if !values.is_empty() => values.clone(),
        _ => return Err(ClaimsRequestError::Shape),
    };
    Ok(ClaimAsk { essential, values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification() {
        let request = ClaimsRequest::parse(
            r#"{
             "userinfo": {
               "given_name": {"essential": true}, "nickname": null,
               "email": {"essential": true}, "picture": null,
               "http://example.info/claims/groups": null
             },
             "id_token": {
               "auth_time": {"essential": true},
               "acr": {"values": ["urn:mace:incommon:iap:silver"]}
             }
            }"#,
        )
        .unwrap();
        assert_eq!(request.userinfo.len(), 5);
        assert!(request.userinfo["email"].essential && !request.userinfo["picture"].essential);
        assert!(request.id_token["auth_time"].essential);
        assert_eq!(request.id_token["acr"].values.len(), 1);
        let kept = serde_json::to_string(&request).unwrap();
        assert_eq!(
            serde_json::from_str::<ClaimsRequest>(&kept).unwrap(),
            request
        );
        assert!(request.allows_subject("anybody") && !request.is_empty());
    }

    #[test]
    fn a_subject_can_be_asked_for() {
        let allows = |text: &str, sub| ClaimsRequest::parse(text).unwrap().allows_subject(sub);
        let one = r#"{"id_token":{"sub":{"value":"a"}}}"#;
        assert!(allows(one, "a") && !allows(one, "b") && !allows(one, ""));
        let some = r#"{"userinfo":{"sub":{"values":["a","b"]}}}"#;
        assert!(allows(some, "b") && !allows(some, "c"));
        let both = r#"{"id_token":{"sub":{"value":"a"}},"userinfo":{"sub":{"value":"b"}}}"#;
        assert!(!allows(both, "a") && !allows(both, "b"));
        assert!(allows("{}", "a") && allows(r#"{"id_token":{"sub":null}}"#, "a"));
    }

    #[test]
    fn other_shapes_are_refused() {
        for text in [
            r#"{"id_token":[]}"#,
            r#"{"userinfo":"email"}"#,
            r#"{"userinfo":{"email":true}}"#,
            r#"{"userinfo":{"email":{"essential":"yes"}}}"#,
            r#"{"userinfo":{"email":{"values":"x"}}}"#,
            r#"{"userinfo":{"email":{"value":"x","values":["x"]}}}"#,
            r#"{"id_token":{"sub":{"value":7}}}"#,
            r#"{"id_token":{"sub":{"values":[]}}}"#,
            r#"{"id_token":{"sub":{"values":["a",null]}}}"#,
        ] {
            assert_eq!(
                ClaimsRequest::parse(text),
                Err(ClaimsRequestError::Shape),
                "{text}"
            );
        }
        for text in [
            "",
            "[]",
            "x",
            "{\"id_token\":{\"sub\":null,\"sub\":null}}",
            "{\"id_token\":",
        ] {
            let error = ClaimsRequest::parse(text).unwrap_err();
            assert!(
                matches!(error, ClaimsRequestError::Json(_)),
                "{text}: {error}"
            );
        }
        let many: Map<_, _> = (0..=MAX_ASKED)
            .map(|n| (n.to_string(), Value::Null))
            .collect();
        let text = serde_json::json!({ "userinfo": many }).to_string();
        assert_eq!(
            ClaimsRequest::parse(&text),
            Err(ClaimsRequestError::TooMany)
        );
        let values = vec![0; MAX_ASKED + 1];
        let text = serde_json::json!({ "userinfo": { "a": { "values": values } } }).to_string();
        assert_eq!(
            ClaimsRequest::parse(&text),
            Err(ClaimsRequestError::TooMany)
        );
    }
}
