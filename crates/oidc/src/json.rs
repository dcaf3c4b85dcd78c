//! Strict JSON for everything a provider sends.
//!
//! Two readers that disagree about a document are a way around its checks, so a repeated member
//! name is an error (RFC 8259 section 4 leaves its meaning open), and so is depth that no real
//! document has.

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::cell::RefCell;
use std::fmt;

/// How deep arrays and objects may nest. Real documents stay under ten.
pub const MAX_DEPTH: usize = 32;

/// Why bytes are not a document we accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON at all, not UTF-8, a number out of range, or cut off.
    #[error("not valid JSON (line {line}, column {column})")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1; 0 at the very start.
        column: usize,
    },
    /// A member name that occurs twice in one object.
    #[error("member {0:?} occurs twice")]
    Repeated(String),
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// Valid JSON, but not an object at the top.
    #[error("a JSON {0}, not an object")]
    NotAnObject(&'static str),
}

/// Parses one object. A leading byte order mark is skipped.
///
/// # Errors
/// [`JsonError`]; nothing of the content but a member name is repeated in it.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, JsonError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let fault = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let seed = Strict {
        depth: 0,
        fault: &fault,
    };
    let parsed = seed
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value));
    match parsed {
        Ok(Value::Object(map)) => Ok(map),
        Ok(other) => Err(JsonError::NotAnObject(kind(&other))),
        Err(error) => Err(fault.into_inner().unwrap_or(JsonError::Syntax {
            line: error.line(),
            column: error.column(),
        })),
    }
}

/// The JSON type of `value`, for messages.
#[must_use]
pub const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// Builds a [`Value`] and keeps the typed reason when it refuses: serde's own errors are text.
struct Strict<'f> {
    depth: usize,
    fault: &'f RefCell<Option<JsonError>>,
}

impl Strict<'_> {
    fn refuse<E: serde::de::Error>(&self, why: JsonError) -> E {
        *self.fault.borrow_mut() = Some(why);
        E::custom("refused")
    }

    fn deeper<E: serde::de::Error>(&self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(self.refuse(JsonError::TooDeep));
        }
        Ok(Self {
            depth: self.depth + 1,
            fault: self.fault,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Strict { ..inner })? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if map.contains_key(&name) {
                let name = crate::foreign::printable(&name, 60);
                return Err(self.refuse(JsonError::Repeated(name)));
            }
            let value = members.next_value_seed(Strict { ..inner })?;
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("repeated member"));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Value, JsonError> {
        object(text.as_bytes()).map(Value::Object)
    }

    #[test]
    fn reads_what_serde_json_reads() {
        let text =
            r#"{"a":[1,-2,3.5,true,null,"x\u00e4"],"b":{"c":{}},"big":18446744073709551615}"#;
        let plain: Value = serde_json::from_str(text).unwrap();
        assert_eq!(parse(text).unwrap(), plain);
        assert_eq!(parse("\u{feff}{}").unwrap(), serde_json::json!({}));
    }

    #[test]
    fn a_repeated_member_is_an_error_at_any_depth() {
        assert_eq!(
            parse(r#"{"sub":"a","sub":"b"}"#),
            Err(JsonError::Repeated("sub".into()))
        );
        assert_eq!(
            parse(r#"{"a":[{"x":1,"\u0078":2}]}"#),
            Err(JsonError::Repeated("x".into()))
        );
    }

    #[test]
    fn depth_is_bounded_before_the_stack_is() {
        let nested = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        assert!(parse(&nested(MAX_DEPTH - 1)).is_ok());
        assert_eq!(parse(&nested(MAX_DEPTH)), Err(JsonError::TooDeep));
        assert_eq!(parse(&nested(1_000_000)), Err(JsonError::TooDeep));
    }

    #[test]
    fn anything_else_is_named() {
        assert_eq!(parse("[]"), Err(JsonError::NotAnObject("list")));
        assert_eq!(parse("\"x\""), Err(JsonError::NotAnObject("string")));
        for bad in [
            "",
            "{",
            "{}x",
            "{} {}",
            "<html></html>",
            "{\"a\":1e309}",
            "{\"a\":NaN}",
            "{\"a\":\"\\ud800\"}",
        ] {
            assert!(
                matches!(parse(bad), Err(JsonError::Syntax { .. })),
                "{bad:?}"
            );
        }
        assert!(matches!(
            object(b"{\"a\":\"\xff\"}"),
            Err(JsonError::Syntax { .. })
        ));
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json_or_refuses(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(map) = object(&bytes) {
                let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
                prop_assert_eq!(serde_json::from_slice::<Value>(text).unwrap(), Value::Object(map));
            }
        }
    }
}
