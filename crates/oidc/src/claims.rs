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
    ///
    /// An address and the word that it is verified belong together (OpenID Connect Core section
    /// 5.1): where userinfo names another address and says nothing about it, the ID token's
    /// `email_verified: true` is about an address that does not count, and is dropped.
    ///
    /// Where aggregated and distributed claims are to be fetched (`_claim_sources`) is left out:
    /// nothing follows it, and it may hold access tokens, which nobody may keep.
    #[must_use]
    pub fn union(mut id_token: Map<String, Value>, userinfo: Map<String, Value>) -> Self {
        if vouches_for_another(&id_token, &userinfo) {
            id_token.remove(VERIFIED);
        }
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
        claims.remove("_claim_sources");
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

const EMAIL: &str = "email";
const VERIFIED: &str = "email_verified";

/// Whether the ID token calls an address verified that userinfo replaces by one it says nothing of.
fn vouches_for_another(id_token: &Map<String, Value>, userinfo: &Map<String, Value>) -> bool {
    let said = |claims: &Map<String, Value>, name: &str| {
        claims.get(name).filter(|value| !value.is_null()).cloned()
    };
    let replaced = match (said(id_token, EMAIL), said(userinfo, EMAIL)) {
        (Some(vouched), Some(counts)) => vouched != counts,
        _ => false,
    };
    replaced
        && said(id_token, VERIFIED) == Some(Value::Bool(true))
        && said(userinfo, VERIFIED).is_none()
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
            object(json!({
                "sub": "1", "email": "new@a.example", "groups": ["x"], "name": null,
                "_claim_sources": {"src1": {"endpoint": "https://a.example", "access_token": "s"}},
            })),
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
        assert_eq!(claims.get("_claim_sources"), None);
        assert_eq!(claims.values().len(), 5);
    }

    #[test]
    fn an_address_is_verified_by_whoever_names_it() {
        let object = |value: Value| value.as_object().unwrap().clone();
        let verified = |id_token: Value, userinfo: Value| {
            let claims = Claims::union(object(id_token), object(userinfo));
            claims.get("email_verified").map(|c| c.value.clone())
        };
        let own = json!({"email": "own@a.example", "email_verified": true});
        let other = json!({"email": "other@a.example"});
        assert_eq!(verified(own.clone(), other.clone()), None);
        let null = json!({"email": "other@a.example", "email_verified": null});
        assert_ne!(verified(own.clone(), null), Some(json!(true)));
        for userinfo in [
            json!({}),
            json!({"email": "own@a.example"}),
            json!({"email": null}),
            json!({"email": "other@a.example", "email_verified": true}),
        ] {
            let words = userinfo.to_string();
            assert_eq!(
                verified(own.clone(), userinfo),
                Some(json!(true)),
                "{words}"
            );
        }
        // What was not verified stays so, and a word without an address is about the person's only one.
        let not = json!({"email": "own@a.example", "email_verified": false});
        assert_eq!(verified(not, other.clone()), Some(json!(false)));
        assert_eq!(
            verified(json!({"email_verified": true}), other),
            Some(json!(true))
        );
    }
}
