//! Outcome codes: the language in which Gatepost says why (design decision 20).
//!
//! Each code has words for the person, words for the administrator, the place where it is mended
//! and a help page of its own name. Codes are never reused. Before an identity is proven, the
//! person's words never tell whether an account exists.

mod catalogue;
mod of_apps;
pub mod remedy;

pub use catalogue::Code;
pub use remedy::Remedy;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The words and the remedy that belong to a code. `{name}` stands for a live value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The stable text form: `SSO-403`.
    pub id: &'static str,
    /// The title of the person's page.
    pub title: &'static str,
    /// What the person is told: what happened and what to do.
    pub person: &'static str,
    /// What the administrator is told: object, observed and expected value.
    pub admin: &'static str,
    /// Where it is mended.
    pub fix: Fix,
    /// Whether "Try again" can help the person.
    pub retry: bool,
    /// The HTTP status of the person's page.
    pub status: u16,
}

/// The page, and the command, where a refusal is mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fix {
    /// The provider's settings.
    Provider,
    /// The provider's connection test.
    ProviderCheck,
    /// The provider's rules.
    Rules,
    /// The mail domain.
    Domain,
    /// Adding a mail domain.
    AddDomain,
    /// The mailbox.
    Mailbox,
    /// Adding a mailbox by hand.
    AddMailbox,
    /// The alias.
    Alias,
    /// The block of the person.
    Block,
    /// The app.
    App,
    /// The person can do it alone.
    Person,
    /// The server itself: clock, disk, logs.
    Server,
}

/// A refusal: a code and the live values of its words. Values are for administrators unless the
/// person's words name them, which only happens after the identity is proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The code.
    pub code: Code,
    /// Live values by placeholder name.
    #[serde(default)]
    pub facts: BTreeMap<String, String>,
}

/// The fact that holds the id of the app a refusal is about.
pub const APP_ID: &str = "app_id";

/// The fact that the helpdesk was told.
const HELPDESK: &str = "helpdesk";
/// The end of the person's words where an administrator has to hear of it, before and after.
const TELL: &str = "Tell your helpdesk.";
const TOLD: &str = "Your helpdesk has been told.";

impl Refusal {
    /// A refusal without values yet.
    #[must_use]
    pub const fn new(code: Code) -> Self {
        Self {
            code,
            facts: BTreeMap::new(),
        }
    }

    /// Adds a value, cut to 300 characters: values may come from outside.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        let mut value = value.to_string();
        if let Some((end, _)) = value.char_indices().nth(300) {
            value.truncate(end);
        }
        self.facts.insert(name.to_owned(), value);
        self
    }

    /// As [`Refusal::with`], where there is a value.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl std::fmt::Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The title of the person's page.
    #[must_use]
    pub fn title(&self) -> String {
        fill(self.code.entry().title, &self.facts)
    }

    /// The same where the helpdesk was told of it, so that the person need not.
    #[must_use]
    pub fn helpdesk_told(self) -> Self {
        self.with(HELPDESK, "told")
    }

    /// The person's words.
    #[must_use]
    pub fn person(&self) -> String {
        let words = fill(self.code.entry().person, &self.facts);
        match (self.facts.contains_key(HELPDESK), words.strip_suffix(TELL)) {
            (true, Some(words)) => format!("{words}{TOLD}"),
            _ => words,
        }
    }

    /// The administrator's words.
    #[must_use]
    pub fn admin(&self) -> String {
        fill(self.code.entry().admin, &self.facts)
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

/// `SSO-403: the administrator's words`.
impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.admin())
    }
}

impl std::error::Error for Refusal {}

/// Replaces `{name}` by its value; a value that is not known reads as a plain word in its place.
fn fill(text: &str, facts: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        match (facts.get(name), name) {
            (Some(value), _) => out.push_str(value),
            (None, "provider") => out.push_str("Your provider"),
            (None, _) => out.push('–'),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_has_its_own_name_and_words() {
        let names: BTreeSet<_> = Code::ALL.iter().map(|c| c.id()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            let entry = code.entry();
            assert_eq!(entry.id.parse::<Code>().unwrap(), *code);
            assert!(!entry.title.is_empty() && !entry.person.is_empty() && !entry.admin.is_empty());
            // An address stands alone at the end, so that mail programs make a good link of it.
            let ends_well = entry.person.ends_with('.') || entry.person.ends_with(": {url}");
            assert!(ends_well, "{code}: {}", entry.person);
            assert!((200..600).contains(&entry.status), "{code}");
            if code.tells_helpdesk() {
                let told = Refusal::new(*code).helpdesk_told().person();
                assert!(
                    entry.person.ends_with(TELL) && told.ends_with(TOLD),
                    "{told}"
                );
            }
        }
        assert!("SSO-999".parse::<Code>().is_err());
    }

    #[test]
    fn live_values_stand_in_the_words() {
        let refusal = Refusal::new(Code::DomainFull)
            .with("domain", "example.org")
            .with("have", 50);
        assert!(refusal.person().contains("example.org"));
        assert!(refusal.admin().contains("50 of –"), "{}", refusal.admin());
        assert!(
            Refusal::new(Code::ProviderUnreachable)
                .person()
                .starts_with("Your provider")
        );
    }

    #[test]
    fn a_code_is_stored_as_its_name() {
        let json = serde_json::to_string(&Code::NoMapping).unwrap();
        assert_eq!(json, "\"SSO-405\"");
        assert_eq!(
            serde_json::from_str::<Code>(&json).unwrap(),
            Code::NoMapping
        );
    }
}
