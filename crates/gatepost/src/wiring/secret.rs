//! Secrets that travel between processes of this machine.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A secret in a message of the internal channel or the administration socket: written out there,
/// and nowhere else. It does not print.
#[derive(Clone)]
pub struct WireSecret(SecretString);

impl WireSecret {
    /// The secret as use cases take it.
    #[must_use]
    pub fn into_inner(self) -> SecretString {
        self.0
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<SecretString> for WireSecret {
    fn from(secret: SecretString) -> Self {
        Self(secret)
    }
}

impl From<String> for WireSecret {
    fn from(secret: String) -> Self {
        Self(secret.into())
    }
}

impl std::fmt::Debug for WireSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WireSecret(…)")
    }
}

impl Serialize for WireSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for WireSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn travels_but_does_not_print() {
        let secret = WireSecret::from("hunter2".to_owned());
        let there = serde_json::to_string(&secret).unwrap();
        let back: WireSecret = serde_json::from_str(&there).unwrap();
        assert_eq!(back.expose(), "hunter2");
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}
