//! What apps learn about people: claims by scope and by name, and mailcow's profile.

use super::names::Scope;
use model::grant::{Bearer, GrantPerson};
use model::oauth_app::{AppSettings, FullName};
use model::time::Timestamp;
use oidc::op::claims_request::ClaimsRequest;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use store::{Conn, StoreError};

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
        let changed = person.modified.secs() != person.created.secs();
        Self {
            success: true,
            username: address.clone(),
            id: address.clone(),
            identifier: address.clone(),
            email: address.clone(),
            full_name: full_name.clone(),
            created: date_and_time(person.created),
            modified: if changed {
                date_and_time(person.modified)
            } else {
                String::new()
            },
            active: 1,
            display_name: name,
        }
    }

    pub(super) fn full_name(&self) -> &str {
        &self.full_name
    }
}

/// Scopes and the claims that they open (OpenID Connect Core section 5.4).
const BY_SCOPE: [(Scope, &[&str]); 3] = [
    (
        Scope::Profile,
        &["name", "preferred_username", "updated_at"],
    ),
    (Scope::Email, &["email", "email_verified"]),
    (Scope::Groups, &[GROUPS]),
];

const GROUPS: &str = "groups";

/// The claims of userinfo, without `sub`. Those that were asked for by name add nothing: people allow
/// scopes, and what they were not asked about is not told.
pub(super) async fn for_userinfo(
    sql: &mut Conn,
    bearer: &Bearer,
) -> Result<Map<String, Value>, StoreError> {
    released(sql, &bearer.person, &by_scope(&bearer.scopes)).await
}

/// The claims about the person that an ID token has: those that were asked for in it by name, and that
/// a granted scope opens. All others are for userinfo.
pub(super) async fn for_id_token(
    sql: &mut Conn,
    bearer: &Bearer,
) -> Result<Map<String, Value>, StoreError> {
    let open = by_scope(&bearer.scopes);
    let asked = asked(bearer).id_token;
    let names = open.into_iter().filter(|name| asked.contains_key(*name));
    let names = names.collect();
    released(sql, &bearer.person, &names).await
}

fn by_scope(scopes: &str) -> BTreeSet<&'static str> {
    let opened = BY_SCOPE.iter().filter(|(scope, _)| scope.is_in(scopes));
    opened.flat_map(|(_, names)| *names).copied().collect()
}

fn asked(bearer: &Bearer) -> ClaimsRequest {
    let kept = bearer.claims.as_deref();
    // Written by us, after it was checked.
    kept.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

async fn released(
    sql: &mut Conn,
    person: &GrantPerson,
    names: &BTreeSet<&'static str>,
) -> Result<Map<String, Value>, StoreError> {
    let mut claims = known(person, names);
    if names.contains(GROUPS) {
        let tags = store::mailbox_tags::of(sql, person.mailbox).await?;
        claims.insert(GROUPS.to_owned(), tags.iter().collect());
    }
    Ok(claims)
}

/// What the person's own row says.
fn known(person: &GrantPerson, names: &BTreeSet<&'static str>) -> Map<String, Value> {
    let value = |name: &str| match name {
        "name" => Some(name_or_address(person).into()),
        "preferred_username" | "email" => Some(person.address.clone().into()),
        "email_verified" => Some(true.into()),
        "updated_at" => Some(person.modified.secs().into()),
        _ => None,
    };
    let known = names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), value(name)?)));
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

    #[test]
    fn scopes_open_their_claims_and_no_others() {
        let names = |scopes| by_scope(scopes).into_iter().collect::<Vec<_>>();
        assert!(names("openid offline_access").is_empty());
        assert_eq!(names("openid email"), ["email", "email_verified"]);
        assert_eq!(names("groups"), ["groups"]);
        let profile = ["name", "preferred_username", "updated_at"];
        assert_eq!(names("profile"), profile);
    }

    #[test]
    fn times_are_written_as_mailcow_writes_them() {
        assert_eq!(
            date_and_time(Timestamp::from_secs(1_795_341_845)),
            "2026-11-22 10:04:05"
        );
    }
}
