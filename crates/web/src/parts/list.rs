use super::{Icon, Link};
use askama::Template;

/// Turning the pages of a list: only back and forth, because lists are paged by key.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "parts/pager.html")]
pub struct Pager {
    /// What is shown: "50 of 4,212 mailboxes".
    pub summary: String,
    /// The page before.
    pub previous: Option<String>,
    /// The page after.
    pub next: Option<String>,
}

/// Nothing here yet, and what to do about it.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/empty.html")]
pub struct Empty {
    title: String,
    text: String,
    action: Option<Link>,
}

impl Empty {
    /// What is missing and what it is for.
    pub fn new(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            text: text.into(),
            action: None,
        }
    }

    /// With the first step.
    #[must_use]
    pub fn with(mut self, action: Link) -> Self {
        self.action = Some(action);
        self
    }
}
