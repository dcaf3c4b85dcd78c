//! Somebody who works at the company.

use secrecy::SecretString;
use serde_json::{Map, Value};

/// A person with an account at the provider.
#[derive(Debug, Clone)]
pub struct Person {
    /// The name typed at sign-in; also `preferred_username`.
    pub login: String,
    /// The `sub` claim: opaque and lasting, never derived from the address.
    pub subject: String,
    /// The `name` claim.
    pub name: String,
    /// The `email` claim.
    pub email: String,
    /// What the sign-in form asks for.
    pub password: SecretString,
    /// Further claims. One that carries a standard name (`email`, `email_verified`, …) replaces
    /// the standard value.
    pub claims: Map<String, Value>,
    /// Whether the person may sign in. When it turns false, sessions, codes and tokens die too.
    pub active: bool,
}

impl Person {
    /// An active person without further claims.
    #[must_use]
    pub fn new(login: &str, subject: &str, name: &str, email: &str, password: &str) -> Self {
        Self {
            login: login.to_owned(),
            subject: subject.to_owned(),
            name: name.to_owned(),
            email: email.to_owned(),
            password: password.into(),
            claims: Map::new(),
            active: true,
        }
    }

    /// The same person with one more claim.
    #[must_use]
    pub fn with_claim(mut self, claim: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(claim.to_owned(), value.into());
        self
    }

    /// Whether `typed` names this person at the sign-in form: the login or the address.
    pub(crate) fn answers_to(&self, typed: &str) -> bool {
        self.login == typed || self.email.eq_ignore_ascii_case(typed)
    }
}
