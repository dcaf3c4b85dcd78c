//! Dovecot's configuration syntax: settings and nested blocks.

use std::fmt::{Display, Write as _};

/// A configuration text in the making. Values are written as they are: [`crate::check`] has
/// refused whatever Dovecot would read as syntax.
#[derive(Debug, Default)]
pub(super) struct Conf {
    text: String,
    depth: usize,
}

impl Conf {
    /// `name = value`
    pub(super) fn set(&mut self, name: &str, value: impl Display) -> &mut Self {
        let value = value.to_string();
        let space = if value.is_empty() { "" } else { " " };
        self.line(format_args!("{name} ={space}{value}"))
    }

    /// `name = <path`: the value is the content of a file, read by Dovecot itself.
    pub(super) fn set_from_file(&mut self, name: &str, path: &std::path::Path) -> &mut Self {
        self.line(format_args!("{name} = <{}", path.display()))
    }

    /// `# text`
    pub(super) fn note(&mut self, text: &str) -> &mut Self {
        self.line(format_args!("# {text}"))
    }

    /// `name { … }`
    pub(super) fn block(&mut self, name: &str, body: impl FnOnce(&mut Self)) -> &mut Self {
        self.line(format_args!("{name} {{"));
        self.depth += 1;
        body(self);
        self.depth -= 1;
        self.line(format_args!("}}"))
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) -> &mut Self {
        for _ in 0..self.depth {
            self.text.push_str("  ");
        }
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{line}");
        self
    }
}
