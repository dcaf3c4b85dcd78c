//! Values, rows and the conversions between them and the nouns.

use crate::error::StoreError;
use model::address::{Address, DomainName};
use model::ids::{
    AdminId, AlertId, AliasId, AppPasswordId, AppSecretId, AttemptId, BlockId, DomainId, GrantId,
    LinkId, MailboxId, OauthAppId, OutboxId, ProviderId, RelinkId, RuleVersionId, SessionId,
    TemplateId, WaitingDeviceId,
};
use model::link::Namespace;
use model::protocol::{Protocol, Protocols};
use model::tag::Tag;
use model::template::TemplateFields;
use model::time::Timestamp;
use serde::de::value::{Error as NoSuchName, StrDeserializer};
use std::net::IpAddr;
use std::sync::Arc;
use uuid::Uuid;

/// A value as both databases know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// NULL.
    Null,
    /// A truth value; an integer 0 or 1 in SQLite.
    Bool(bool),
    /// A 64-bit integer.
    Integer(i64),
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// One row of an answer; columns are read by name.
#[derive(Debug, Clone)]
pub struct Row {
    pub(crate) columns: Arc<[String]>,
    pub(crate) values: Vec<Value>,
}

impl Row {
    /// The value of `column`.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`], naming the column, if it is missing or holds something else.
    pub fn get<T: FromValue>(&self, column: &'static str) -> Result<T, StoreError> {
        self.value(column)
            .and_then(T::from_value)
            .ok_or_else(|| unreadable(column, T::EXPECTED))
    }

    /// The value of a column that holds JSON.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if it is missing or does not fit `T`.
    pub fn json<T: serde::de::DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<T, StoreError> {
        self.text(column)
            .and_then(|text| serde_json::from_str(text).ok())
            .ok_or_else(|| unreadable(column, "JSON of this version"))
    }

    /// The value of a column that holds the name of an enum's variant ([`name`]).
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if it is missing or no such name.
    pub(crate) fn named<T: serde::de::DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<T, StoreError> {
        self.text(column)
            .and_then(|name| T::deserialize(StrDeserializer::<NoSuchName>::new(name)).ok())
            .ok_or_else(|| unreadable(column, "a known name"))
    }

    /// The text of a column, unless it holds something else.
    pub(crate) fn text(&self, column: &str) -> Option<&str> {
        match self.value(column) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn value(&self, column: &str) -> Option<&Value> {
        let at = self.columns.iter().position(|name| name == column)?;
        self.values.get(at)
    }
}

pub(crate) fn unreadable(column: &str, expected: &'static str) -> StoreError {
    StoreError::Unreadable {
        column: column.to_owned(),
        expected,
    }
}

/// JSON text for a column. Our own types always serialise; the error exists for the signature.
pub(crate) fn json<T: serde::Serialize>(value: &T) -> Result<Value, StoreError> {
    serde_json::to_string(value)
        .map(Value::Text)
        .map_err(|e| StoreError::Constraint(e.to_string()))
}

/// The name by which an enum without fields is serialised, for a column.
pub(crate) fn name<T: serde::Serialize>(value: &T) -> Result<Value, StoreError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => Ok(Value::Text(name)),
        _ => Err(StoreError::Constraint("a name was expected".to_owned())),
    }
}

/// A type that a column can be read as.
pub trait FromValue: Sized {
    /// What the column should hold, for the error.
    const EXPECTED: &'static str;
    /// `None` if the value is something else.
    fn from_value(value: &Value) -> Option<Self>;
}

impl<T: FromValue> FromValue for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            other => T::from_value(other).map(Some),
        }
    }
}

impl FromValue for i64 {
    const EXPECTED: &'static str = "an integer";
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }
}

impl FromValue for bool {
    const EXPECTED: &'static str = "a truth value";
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(truth) => Some(*truth),
            Value::Integer(0) => Some(false),
            Value::Integer(1) => Some(true),
            _ => None,
        }
    }
}

impl FromValue for String {
    const EXPECTED: &'static str = "text";
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl FromValue for Vec<u8> {
    const EXPECTED: &'static str = "bytes";
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        }
    }
}

impl FromValue for Uuid {
    const EXPECTED: &'static str = "a UUID of 16 bytes";
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Self::from_slice(bytes).ok(),
            _ => None,
        }
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Uuid> for Value {
    fn from(id: Uuid) -> Self {
        Self::Bytes(id.as_bytes().to_vec())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Nouns that are one integer in the database.
macro_rules! integers {
    ($($noun:ty, $expected:literal, $make:expr, $stored:expr;)*) => {$(
        impl FromValue for $noun {
            const EXPECTED: &'static str = $expected;
            fn from_value(value: &Value) -> Option<Self> {
                i64::from_value(value).map($make)
            }
        }

        impl From<$noun> for Value {
            fn from(noun: $noun) -> Self {
                Self::Integer($stored(noun))
            }
        }
    )*};
}

integers! {
    Timestamp, "a time", Timestamp, |t: Timestamp| t.0;
    Protocols, "a set of protocols", Protocols::from_bits, Protocols::bits;
    TemplateFields, "a set of template fields", TemplateFields::from_bits, TemplateFields::bits;
    DomainId, "an id", DomainId, |id: DomainId| id.0;
    MailboxId, "an id", MailboxId, |id: MailboxId| id.0;
    AliasId, "an id", AliasId, |id: AliasId| id.0;
    TemplateId, "an id", TemplateId, |id: TemplateId| id.0;
    ProviderId, "an id", ProviderId, |id: ProviderId| id.0;
    RelinkId, "an id", RelinkId, |id: RelinkId| id.0;
    BlockId, "an id", BlockId, |id: BlockId| id.0;
    LinkId, "an id", LinkId, |id: LinkId| id.0;
    AppPasswordId, "an id", AppPasswordId, |id: AppPasswordId| id.0;
    AdminId, "an id", AdminId, |id: AdminId| id.0;
    OauthAppId, "an id", OauthAppId, |id: OauthAppId| id.0;
    AppSecretId, "an id", AppSecretId, |id: AppSecretId| id.0;
    GrantId, "an id", GrantId, |id: GrantId| id.0;
    WaitingDeviceId, "an id", WaitingDeviceId, |id: WaitingDeviceId| id.0;
    RuleVersionId, "an id", RuleVersionId, |id: RuleVersionId| id.0;
    SessionId, "an id", SessionId, |id: SessionId| id.0;
    AttemptId, "an id", AttemptId, |id: AttemptId| id.0;
    OutboxId, "an id", OutboxId, |id: OutboxId| id.0;
    AlertId, "an id", AlertId, |id: AlertId| id.0;
}

/// Nouns that are a text in the database.
macro_rules! texts {
    ($($noun:ty, $expected:literal, $make:expr, $stored:expr;)*) => {$(
        impl FromValue for $noun {
            const EXPECTED: &'static str = $expected;
            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    Value::Text(text) => $make(text),
                    _ => None,
                }
            }
        }

        impl From<&$noun> for Value {
            fn from(noun: &$noun) -> Self {
                Self::Text($stored(noun))
            }
        }
    )*};
}

texts! {
    Address, "an address", |t: &str| Address::parse(t).ok(), Address::to_string;
    DomainName, "a domain name", |t: &str| DomainName::parse(t).ok(), DomainName::to_string;
    Namespace, "a namespace", |t: &str| Some(Namespace(t.to_owned())), |n: &Namespace| n.0.clone();
    IpAddr, "an IP address", |t: &str| t.parse().ok(), IpAddr::to_string;
    Tag, "a tag", |t: &str| Tag::parse(t).ok(), Tag::to_string;
    Protocol, "a protocol", |t: &str| t.parse().ok(), |p: &Protocol| p.name().to_owned();
}

impl From<Protocol> for Value {
    fn from(protocol: Protocol) -> Self {
        Self::from(&protocol)
    }
}

impl From<IpAddr> for Value {
    fn from(ip: IpAddr) -> Self {
        Self::from(&ip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: Value) -> Row {
        Row {
            columns: Arc::from([String::from("quota")]),
            values: vec![value],
        }
    }

    #[test]
    fn an_unreadable_value_is_named_by_its_column() {
        let error = row(Value::Text("much".into())).get::<i64>("quota");
        assert_eq!(
            error.unwrap_err().to_string(),
            "column quota holds something other than an integer"
        );
        assert!(row(Value::Null).get::<String>("quota").is_err());
        assert!(row(Value::Integer(2)).get::<bool>("quota").is_err());
        assert!(row(Value::Integer(2)).get::<i64>("name").is_err());
        assert_eq!(row(Value::Null).get::<Option<i64>>("quota"), Ok(None));
    }

    #[test]
    fn nouns_round_trip() {
        let address = Address::parse("a@example.org").unwrap();
        assert_eq!(row(Value::from(&address)).get("quota"), Ok(address));
        let id = Uuid::from_u128(7);
        assert_eq!(row(Value::from(id)).get("quota"), Ok(id));
        let ip: IpAddr = "2001:db8::1".parse().unwrap();
        assert_eq!(row(Value::from(Some(ip))).get("quota"), Ok(Some(ip)));
        assert_eq!(
            row(Value::from(MailboxId(3))).get("quota"),
            Ok(MailboxId(3))
        );
    }
}
