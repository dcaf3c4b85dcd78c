//! What a provider said about a person, and where it said it.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Where a claim came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The ID token.
    IdToken,
    /// Userinfo. Where both sent the claim, userinfo's value counts.
    UserInfo,
}

impl Origin {
    /// The name kept with an attempt.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::IdToken => "id_token",
            Self::UserInfo => "userinfo",
        }
    }
}

/// One claim.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// Its value.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
}

/// The claims of one person: ID token and userinfo of the same subject together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Claims(BTreeMap<String, Claim>);

impl Claims {
    /// Both together; userinfo wins where both speak, except that its `null` does not take away
    /// what the ID token said. The caller has checked that both are about the same subject.
    #[must_use]
    pub fn union(id_token: Map<String, Value>, userinfo: Map<String, Value>) -> Self {
        let mut claims = BTreeMap::new();
        for (name, value) in id_token {
            let origin = Origin::IdToken;
            claims.insert(name, Claim { value, origin });
        }
        for (name, value) in userinfo {
            if value.is_null() && claims.contains_key(&name) {
                continue;
            }
            let origin = Origin::UserInfo;
            claims.insert(name, Claim { value, origin });
        }
        Self(claims)
    }

    /// The claim of that exact name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Claim> {
        self.0.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Claim)> {
        self.0.iter().map(|(name, claim)| (name.as_str(), claim))
    }

    /// The values alone, for rules.
    #[must_use]
    pub fn values(&self) -> Map<String, Value> {
        self.0
            .iter()
            .map(|(name, claim)| (name.clone(), claim.value.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn userinfo_wins_and_origins_are_kept() {
        let object = |value: Value| value.as_object().unwrap().clone();
        let claims = Claims::union(
            object(json!({"sub": "1", "email": "old@a.example", "amr": ["pwd"], "name": "A"})),
            object(json!({"sub": "1", "email": "new@a.example", "groups": ["x"], "name": null})),
        );
        let got = |name: &str| {
            let claim = claims.get(name).unwrap();
            (claim.value.clone(), claim.origin.name())
        };
        assert_eq!(got("email"), (json!("new@a.example"), "userinfo"));
        assert_eq!(got("amr"), (json!(["pwd"]), "id_token"));
        assert_eq!(got("name"), (json!("A"), "id_token"));
        assert_eq!(got("groups"), (json!(["x"]), "userinfo"));
        assert_eq!(claims.get("picture"), None);
        assert_eq!(claims.values().len(), 5);
    }
}
