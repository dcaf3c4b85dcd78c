//! Claim rules: which template a person gets (design decision 4).

use crate::ids::TemplateId;
use serde::{Deserialize, Serialize};

mod pattern;

pub use pattern::{Pattern, PatternError};

/// One line of a provider's mapping. First match wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Path of the claim: names separated by dots (`custom.mail.template`). A claim whose own name
    /// holds dots is found by that name first. Lists on the way are gone through: `roles.name`
    /// finds the `name` of every object in the list `roles`.
    pub claim: String,
    /// What its value must be.
    pub test: Test,
    /// The template people get who match.
    pub template: TemplateId,
}

/// What a claim's value must be. Comparison is typed and exact: only strings, and strings within
/// lists, ever match a text; `true` or `1` never do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "test", content = "value")]
pub enum Test {
    /// The string, or a list that holds it: as mailcow compares its `mailcow_template`.
    Is(String),
    /// One of the strings, or a list that holds one of them.
    OneOf(Vec<String>),
    /// A list with an element that is exactly this string; a string that holds it anywhere.
    Contains(String),
    /// A string, or a list with a string, that starts so.
    StartsWith(String),
    /// A string, or a list with a string, that the whole pattern describes.
    Matches(Pattern),
    /// Present and neither null, false, empty text nor empty list.
    Present,
}

/// The claim mailcow maps by; `mailcow_template` = value is one rule among others here.
pub const MAILCOW_CLAIM: &str = "mailcow_template";

impl Rule {
    /// mailcow's attribute mapping as a rule.
    #[must_use]
    pub fn mailcow(value: &str, template: TemplateId) -> Self {
        Self {
            claim: MAILCOW_CLAIM.to_owned(),
            test: Test::Is(value.to_owned()),
            template,
        }
    }

    /// The rule as people read it: `mailcow_template is staff`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} {}", self.claim, self.test.words())
    }
}

impl Test {
    /// What is asked of the claim, as people read it: `is staff`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Is(value) => format!("is {value}"),
            Self::OneOf(values) => format!("is one of {}", values.join(", ")),
            Self::Contains(value) => format!("contains {value}"),
            Self::StartsWith(value) => format!("starts with {value}"),
            Self::Matches(pattern) => format!("matches {}", pattern.text()),
            Self::Present => "is present".to_owned(),
        }
    }

    /// The texts it compares with, if it compares with whole texts.
    #[must_use]
    pub fn texts(&self) -> &[String] {
        match self {
            Self::Is(value) | Self::Contains(value) => std::slice::from_ref(value),
            Self::OneOf(values) => values,
            Self::StartsWith(_) | Self::Matches(_) | Self::Present => &[],
        }
    }
}
