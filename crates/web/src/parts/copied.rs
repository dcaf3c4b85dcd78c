use super::Icon;
use askama::Template;
use secrecy::{ExposeSecret as _, SecretString};

/// A named value to copy; stands in a `div` of class `rows`.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/copied.html")]
pub struct Copied {
    id: String,
    name: String,
    value: String,
    copies: Option<SecretString>,
    large: bool,
}

impl Copied {
    /// A row; `id` is unique on its page.
    pub fn new(
        id: impl Into<String>,
        name: impl Into<String>,
        value: impl std::fmt::Display,
    ) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            value: value.to_string(),
            copies: None,
            large: false,
        }
    }

    /// Copies another form of the value than the one to read and type.
    #[must_use]
    pub fn copying(mut self, value: SecretString) -> Self {
        self.copies = Some(value);
        self
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
    id: String,
    title: String,
    text: String,
}

impl Code {
    /// A block; `id` is unique on its page.
    pub fn new(id: impl Into<String>, title: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            title: title.into(),
            text: text.into(),
        }
    }
}
