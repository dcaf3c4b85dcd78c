//! What can go wrong in a use case on an object.

use crate::ports::{Unavailable, Wait};
use model::outcome::Refusal;
use serde::{Deserialize, Serialize};
use store::{StoreError, Taken};

/// Why a use case did nothing. Every variant leaves the store as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "problem", content = "of")]
pub enum Problem {
    /// Input that cannot be right: one entry a field.
    #[error("{}", join(.0))]
    Invalid(Vec<FieldProblem>),
    /// Something that must be unique is there already; at the field that named it.
    #[error("{}: {}", .0.field, .0.message)]
    Exists(FieldProblem),
    /// The object was changed by somebody else since the form was shown.
    #[error("this was changed in the meantime; look at it again before you save")]
    Stale,
    /// No such object.
    #[error("there is no {0}")]
    NotFound(String),
    /// A rule says no: a limit, a state.
    #[error("{0}")]
    Refused(Refusal),
    /// Still needed by something else.
    #[error("{0}")]
    InUse(String),
    /// Too many tries; wait this many seconds.
    #[error("too many tries; wait {wait_seconds} seconds")]
    Throttled {
        /// Whole seconds, at least 1.
        wait_seconds: u64,
    },
    /// Our own fault or an upstream's: try again later. The words are for the log.
    #[error("not available at the moment: {0}")]
    Unavailable(String),
}

/// One field that cannot be right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldProblem {
    /// The field's name as forms, CLI options and JSON spell it.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Problem {
    /// One wrong field.
    #[must_use]
    pub fn field(field: &str, message: impl std::fmt::Display) -> Self {
        Self::Invalid(vec![FieldProblem::new(field, message)])
    }

    fn exists(field: &str, message: &str) -> Self {
        Self::Exists(FieldProblem::new(field, message))
    }
}

impl FieldProblem {
    fn new(field: &str, message: impl std::fmt::Display) -> Self {
        Self {
            field: field.to_owned(),
            message: message.to_string(),
        }
    }
}

fn join(problems: &[FieldProblem]) -> String {
    problems
        .iter()
        .map(|p| format!("{}: {}", p.field, p.message))
        .collect::<Vec<_>>()
        .join("; ")
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let words = error.to_string();
        match error {
            StoreError::Taken(Taken::Address) => {
                Self::exists("address", "this address is a mailbox or an alias already")
            }
            StoreError::Taken(Taken::Domain) => Self::exists("name", "this domain exists already"),
            StoreError::Taken(Taken::TemplateName) => {
                Self::exists("name", "a template of this name exists already")
            }
            StoreError::Taken(Taken::AdminName) => {
                Self::exists("name", "an administrator of this name exists already")
            }
            StoreError::Taken(Taken::ProviderSlug) => {
                Self::exists("slug", "a provider of this short name exists already")
            }
            StoreError::Taken(Taken::Redirect) => Self::exists(
                "redirect",
                "another provider uses the bare origin already; only one can",
            ),
            StoreError::Taken(Taken::MailboxAtProvider | Taken::Subject) => Self::InUse(words),
            StoreError::Missing => Self::NotFound("such object any more".to_owned()),
            StoreError::NotEmpty | StoreError::InUse | StoreError::LastAdmin => Self::InUse(words),
            StoreError::Cursor => {
                Self::field("after", "this page does not exist; start from the first")
            }
            StoreError::Taken(Taken::Token)
            | StoreError::Unavailable(_)
            | StoreError::Constraint(_)
            | StoreError::Unreadable { .. } => Self::Unavailable(words),
        }
    }
}

impl From<Unavailable> for Problem {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<Wait> for Problem {
    fn from(Wait(wait): Wait) -> Self {
        Self::Throttled {
            wait_seconds: wait.as_secs().max(1),
        }
    }
}

impl From<store::SealError> for Problem {
    fn from(error: store::SealError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
