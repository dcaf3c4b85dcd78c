//! Postfix's `main.cf` syntax.

use std::fmt::{Display, Write as _};

/// Parameters in order, in groups. Values are written as they are: [`crate::check`] has refused
/// whatever Postfix would read as syntax.
#[derive(Debug, Default)]
pub(super) struct MainCf(String);

impl MainCf {
    /// `name = value`
    pub(super) fn set(&mut self, name: &str, value: impl Display) -> &mut Self {
        let value = value.to_string();
        let space = if value.is_empty() { "" } else { " " };
        let _ = writeln!(self.0, "{name} ={space}{value}");
        self
    }

    /// An empty line and `# text`.
    pub(super) fn note(&mut self, text: &str) -> &mut Self {
        let space = if self.0.is_empty() { "" } else { "\n" };
        let _ = writeln!(self.0, "{space}# {text}");
        self
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}
