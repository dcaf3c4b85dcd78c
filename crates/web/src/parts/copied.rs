use super::Icon;
use askama::Template;

/// A named value to copy; stands in a `div` of class `rows`.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/copied.html")]
pub struct Copied {
    id: &'static str,
    name: String,
    value: String,
    large: bool,
}

impl Copied {
    /// A row; `id` is unique on its page.
    pub fn new(id: &'static str, name: impl Into<String>, value: impl std::fmt::Display) -> Self {
        Self {
            id,
            name: name.into(),
            value: value.to_string(),
            large: false,
        }
    }

    /// In large type, for what is typed on another device.
    #[must_use]
    pub const fn large(mut self) -> Self {
        self.large = true;
        self
    }
}

/// A block of text to copy: configuration for the other side.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/code.html")]
pub struct Code {
    id: &'static str,
    title: String,
    text: String,
}

impl Code {
    /// A block; `id` is unique on its page.
    pub fn new(id: &'static str, title: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            id,
            title: title.into(),
            text: text.into(),
        }
    }
}
