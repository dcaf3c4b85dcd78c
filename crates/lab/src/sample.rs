//! The people of the demo's sample company, one for each part of its story.

use crate::company::Company;
use crate::person::Person;
use serde_json::json;

/// What the sample company is called.
pub const NAME: &str = "Example & Co";

/// Everybody's password at the sample company. It opens nothing but the demo.
pub const PASSWORD: &str = "correct horse";

/// The claim that chooses a template, named as in mailcow's guides.
pub const TEMPLATE_CLAIM: &str = "mailcow_template";

/// The sample company with everybody in it, their addresses under `domain`. No clients yet.
#[must_use]
pub fn company(domain: &str) -> Company {
    let company = Company::new(NAME);
    for person in people(domain) {
        company.add_person(person);
    }
    company
}

/// Alice and Bob carry a template; Carol has none, so no mapping fits her; Dave's template is
/// one that nobody has made.
#[must_use]
pub fn people(domain: &str) -> Vec<Person> {
    let person = |login: &str, subject: &str, name: &str| {
        Person::new(login, subject, name, &format!("{login}@{domain}"), PASSWORD)
    };
    vec![
        person(
            "alice",
            "0b9d6c1e-6f5e-4c77-9a37-5d3a52c9f0a1",
            "Alice Aalto",
        )
        .with_claim(TEMPLATE_CLAIM, "staff")
        .with_claim("groups", json!(["staff", "sales"])),
        person("bob", "5e0f2b7a-9b0c-4d0e-8c55-0f6a9a7d21b2", "Bob Brandt")
            .with_claim(TEMPLATE_CLAIM, "staff")
            .with_claim("groups", json!(["staff"])),
        person(
            "carol",
            "a7c31d54-1f8b-47f6-b1a9-63c08e4d7fc3",
            "Carol Costa",
        )
        .with_claim("groups", json!(["guests"])),
        person(
            "dave",
            "d4e8a0f6-3c2d-4b9e-9f10-7b25c6e8a3d4",
            "Dave Dvořák",
        )
        .with_claim(TEMPLATE_CLAIM, "board")
        .with_claim("groups", json!(["board"])),
    ]
}
