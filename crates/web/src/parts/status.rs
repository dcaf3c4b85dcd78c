use super::{Link, State};
use askama::Template;
use std::borrow::Cow;

/// A message about what just happened. It stays until the next page.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/notice.html")]
pub struct Notice {
    state: State,
    text: Cow<'static, str>,
    action: Option<Link>,
}

impl Notice {
    /// Something was done.
    pub fn done(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(State::Ok, text)
    }

    /// A message of another kind.
    pub fn new(state: State, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            state,
            text: text.into(),
            action: None,
        }
    }

    /// With a place to go on.
    #[must_use]
    pub fn with(mut self, action: Link) -> Self {
        self.action = Some(action);
        self
    }
}

/// The answer to a page's question, in one sentence and with at most one button.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/verdict.html")]
pub struct Verdict {
    state: State,
    title: String,
    text: String,
    action: Option<Link>,
}

impl Verdict {
    /// The sentence.
    pub fn new(state: State, title: impl Into<String>) -> Self {
        Self {
            state,
            title: title.into(),
            text: String::new(),
            action: None,
        }
    }

    /// With what is behind it.
    #[must_use]
    pub fn because(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// With the button that fixes it.
    #[must_use]
    pub fn with(mut self, action: Link) -> Self {
        self.action = Some(action);
        self
    }
}

/// One word of status.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/tag.html")]
pub struct Tag {
    state: State,
    word: Cow<'static, str>,
}

impl Tag {
    /// The word and how good it is.
    pub fn new(state: State, word: impl Into<Cow<'static, str>>) -> Self {
        Self {
            state,
            word: word.into(),
        }
    }
}
