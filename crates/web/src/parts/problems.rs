use super::Icon;
use askama::Template;
use std::borrow::Cow;

/// What is wrong with a form as it was sent: shown on top with links, and beside each field.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "parts/problems.html")]
pub struct Problems {
    list: Vec<(Cow<'static, str>, String)>,
}

impl Problems {
    /// Nothing wrong so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes what is wrong with a field; with an empty name, with the form as a whole.
    pub fn add(&mut self, field: impl Into<Cow<'static, str>>, text: impl Into<String>) {
        self.list.push((field.into(), text.into()));
    }

    /// The first thing wrong with a field.
    #[must_use]
    pub fn of(&self, field: &str) -> Option<&str> {
        let found = self.list.iter().find(|(name, _)| *name == field);
        found.map(|(_, text)| text.as_str())
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}
