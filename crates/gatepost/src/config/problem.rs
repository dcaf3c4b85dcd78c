//! What is wrong with a configuration, said with the place and the way out.

use std::fmt;
use std::path::PathBuf;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, such as `listen.web`; empty when the file as a whole is meant.
    pub key: String,
    /// Where the value came from.
    pub origin: Origin,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Where a wrong value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The file, at a line when it is known.
    File(Option<usize>),
    /// An environment variable.
    Environment(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            out.write_str(&self.key)?;
        }
        match (&self.origin, self.key.is_empty()) {
            (Origin::File(Some(line)), true) => write!(out, "line {line}: ")?,
            (Origin::File(Some(line)), false) => write!(out, " (line {line}): ")?,
            (Origin::File(None), true) => {}
            (Origin::File(None), false) => out.write_str(": ")?,
            (Origin::Environment(variable), true) => write!(out, "{variable}: ")?,
            (Origin::Environment(variable), false) => write!(out, " (from {variable}): ")?,
        }
        out.write_str(&self.message)
    }
}

/// Collects problems, so that one run names them all.
#[derive(Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds a problem of `key`.
    pub fn add(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem {
            key: key.into(),
            origin: Origin::File(None),
            message: message.into(),
        });
    }

    /// The problems in the order they were found.
    #[must_use]
    pub fn into_vec(self) -> Vec<Problem> {
        self.0
    }
}

/// Why there is no usable configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {source}", file.display())]
    Read {
        /// The file as it was named.
        file: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file can be read, but says something wrong; never empty.
    #[error("{}", list(file, problems))]
    Invalid {
        /// The file as it was named.
        file: PathBuf,
        /// Everything found, in the order of the file's sections.
        problems: Vec<Problem>,
    },
}

fn list(file: &std::path::Path, problems: &[Problem]) -> String {
    let mut text = format!("the configuration {} is wrong:", file.display());
    for problem in problems {
        text.push_str("\n  ");
        // A message may hold several lines; keep them under their key.
        text.push_str(&problem.to_string().replace('\n', "\n    "));
    }
    text
}
