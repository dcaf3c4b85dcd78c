//! Claim rules: which template a person gets (design decision 4).

use crate::ids::TemplateId;
use serde::{Deserialize, Serialize};

/// One line of a provider's mapping. First match wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Path of the claim: names separated by dots (`custom.mail.template`). A claim whose whole
    /// name holds dots is found by that name first.
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
    /// The string, or a list that holds it.
    Is(String),
    /// One of the strings, or a list that holds one of them.
    OneOf(Vec<String>),
    /// A string, or a list with a string, that starts so.
    StartsWith(String),
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
}
