//! What apps learn about people: claims by scope and by name, and mailcow's profile.

use super::names::Scope;
use model::grant::{Bearer, GrantPerson};
use model::oauth_app::{AppSettings, FullName};
use model::time::Timestamp;
use oidc::op::claims_request::ClaimsRequest;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// mailcow's ten fields in its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Profile {
    success: bool,
    username: String,
    id: String,
    identifier: String,
    email: String,
    full_name: String,
    #[serde(rename = "displayName")]
    display_name: String,
    created: String,
    modified: String,
    active: u8,
}

impl Profile {
    /// Somebody without a name is called by the address: mailcow has one fixed text for all of
    /// them, and apps that make user names of it would take them for one person.
    pub(super) fn of(settings: &AppSettings, person: &GrantPerson) -> Self {
        let address = &person.address;
        let name = name_or_address(person);
        let full_name = match settings.full_name {
            FullName::Name => &name,
            FullName::Address => address,
        };
        let changed = person.modified != person.created;
        Self {
            success: true,
            username: address.clone(),
            id: address.clone(),
            identifier: address.clone(),
            email: address.clone(),
            full_name: full_name.clone(),
            created: date_and_time(person.created),
            modified: changed
                .then(|| date_and_time(person.modified))
                .unwrap_or_default(),
            active: 1,
            display_name: name,
        }
    }
}

/// Scopes and the claims that they open (OpenID Connect Core section 5.4).
const BY_SCOPE: [(Scope, &[&str]); 2] = [
    (
        Scope::Profile,
        &["name", "preferred_username", "updated_at"],
    ),
    (Scope::Email, &["email", "email_verified"]),
];

/// The claims of userinfo, without `sub`.
pub(super) fn for_userinfo(bearer: &Bearer) -> Map<String, Value> {
    let opened = BY_SCOPE
        .iter()
        .filter(|(scope, _)| scope.is_in(&bearer.scopes));
    let mut names: BTreeSet<String> = opened
        .flat_map(|(_, names)| names.iter().map(|name| (*name).to_owned()))
        .collect();
    names.extend(asked(bearer).userinfo.into_keys());
    released(&bearer.person, &names)
}

/// The claims about the person that an ID token has: those that were asked for in it by name. All
/// others are for userinfo.
pub(super) fn for_id_token(bearer: &Bearer) -> Map<String, Value> {
    let names = asked(bearer).id_token.into_keys().collect();
    released(&bearer.person, &names)
}

fn asked(bearer: &Bearer) -> ClaimsRequest {
    let kept = bearer.claims.as_deref();
    // Written by us, after it was checked.
    kept.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

fn released(person: &GrantPerson, names: &BTreeSet<String>) -> Map<String, Value> {
    let value = |name: &str| match name {
        "name" => Some(name_or_address(person).into()),
        "preferred_username" | "email" => Some(person.address.clone().into()),
        "email_verified" => Some(true.into()),
        "updated_at" => Some(person.modified.secs().into()),
        _ => None,
    };
    let known = names
        .iter()
        .filter_map(|name| Some((name.clone(), value(name)?)));
    known.collect()
}

fn name_or_address(person: &GrantPerson) -> String {
    let name = if person.name.is_empty() {
        &person.address
    } else {
        &person.name
    };
    name.clone()
}

/// `2026-11-22 20:30:00`, UTC.
fn date_and_time(at: Timestamp) -> String {
    let text = at.rfc3339();
    text.trim_end_matches('Z').replacen('T', " ", 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::grant::TokenKind;
    use model::ids::{GrantId, MailboxId, OauthAppId};
    use serde_json::json;
    use uuid::Uuid;

    fn bearer(scopes: &str, claims: Option<&str>) -> Bearer {
        let at = Timestamp::from_secs(1_795_341_845);
        Bearer {
            kind: TokenKind::Access,
            scopes: scopes.to_owned(),
            issued: at,
            ends: at,
            used: None,
            grant: GrantId(1),
            auth_time: at,
            sid: "s".to_owned(),
            claims: claims.map(str::to_owned),
            app: OauthAppId(1),
            person: GrantPerson {
                mailbox: MailboxId(1),
                storage: Uuid::nil(),
                address: "erin@example.org".to_owned(),
                name: String::new(),
                active: true,
                created: at,
                modified: at,
            },
        }
    }

    #[test]
    fn claims_follow_scopes_and_names() {
        let openid = bearer("openid offline_access", None);
        assert!(for_userinfo(&openid).is_empty() && for_id_token(&openid).is_empty());
        let all = for_userinfo(&bearer("openid profile email", None));
        assert_eq!(
            Value::Object(all),
            json!({
                "name": "erin@example.org", "preferred_username": "erin@example.org",
                "updated_at": 1_795_341_845, "email": "erin@example.org", "email_verified": true,
            })
        );
        let named = r#"{"userinfo":{"name":{},"sub":{},"made_up":{}},"id_token":{"email":{}}}"#;
        let named = bearer("openid", Some(named));
        assert_eq!(
            Value::Object(for_userinfo(&named)),
            json!({"name": "erin@example.org"})
        );
        assert_eq!(
            Value::Object(for_id_token(&named)),
            json!({"email": "erin@example.org"})
        );
    }

    #[test]
    fn times_are_written_as_mailcow_writes_them() {
        assert_eq!(
            date_and_time(Timestamp::from_secs(1_795_341_845)),
            "2026-11-22 11:24:05"
        );
    }
}
