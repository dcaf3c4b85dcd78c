//! Which of a person's claims a set of scopes releases (OpenID Connect Core section 5.4).

use crate::person::Person;
use crate::provider::Provider;
use serde_json::{Map, Value, json};

/// Claims of the standard scopes; every other claim belongs to the scope of its own name where
/// one exists, as Authelia's custom claims are usually set up, and else to `profile`.
const STANDARD: [(&str, &str); 5] = [
    ("email", "email"),
    ("email_verified", "email"),
    ("name", "profile"),
    ("preferred_username", "profile"),
    ("groups", "groups"),
];

/// The released claims, without `sub`.
pub(crate) fn released(
    provider: &Provider,
    person: &Person,
    scopes: &[String],
) -> Map<String, Value> {
    let mut all = Map::from_iter([
        ("name".to_owned(), json!(person.name)),
        ("preferred_username".to_owned(), json!(person.login)),
        ("email".to_owned(), json!(person.email)),
        ("email_verified".to_owned(), json!(true)),
    ]);
    all.extend(person.claims.clone());
    let known = &provider.options.scopes;
    all.retain(|claim, _| scopes.iter().any(|scope| scope == scope_of(claim, known)));
    provider.company.conduct().claims(&mut all);
    all
}

fn scope_of<'a>(claim: &'a str, known: &[String]) -> &'a str {
    match STANDARD.iter().find(|(name, _)| *name == claim) {
        Some((_, scope)) => scope,
        None if known.iter().any(|scope| scope == claim) => claim,
        None => "profile",
    }
}
