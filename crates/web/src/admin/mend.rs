//! The attempt that a form is opened for: what would mend it is filled in, and saved by the form's
//! own button alone. The address of such a page names the attempt and no value, so that nothing on
//! it was chosen by whoever made the link.

use crate::error::Failure;
use crate::parts::{Field, Notice, State as Standing};
use app::mending::Mending;
use app::{App, Problem};
use model::attempt::Reference;
use serde::Deserialize;

/// The query of a form's page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct For {
    /// The reference of an attempt.
    #[serde(rename = "for")]
    reference: String,
}

/// A field that is filled in with what would mend the attempt.
pub(super) struct Filled {
    /// Its name.
    pub field: &'static str,
    /// What it is until somebody saves the form, in words.
    pub saved: String,
    /// Of which attempt.
    pub reference: Reference,
}

impl For {
    /// The page of a form for an attempt, with one of its fields in sight.
    pub fn path(path: &str, attempt: Option<&Reference>, field: &str) -> String {
        let reference = attempt.map_or("", Reference::as_str);
        let page = super::list::with_query(path, &[("for", reference)]);
        match field {
            "" => page,
            field => format!("{page}#{field}"),
        }
    }

    /// What the attempt still meets. A text that names no attempt opens the form as it is.
    pub async fn mending(&self, app: &App) -> Result<Option<Mending>, Failure> {
        let Some(reference) = Reference::parse(&self.reference) else {
            return Ok(None);
        };
        match app.mending(&reference).await {
            Ok(mending) => Ok(mending),
            Err(Problem::NotFound(_)) => Ok(None),
            Err(problem) => Err(problem.into()),
        }
    }
}

impl Filled {
    /// A field filled in for an attempt.
    pub fn new(field: &'static str, saved: impl Into<String>, mending: &Mending) -> Self {
        Self {
            field,
            saved: saved.into(),
            reference: mending.reference.clone(),
        }
    }

    /// The words on top of the page.
    pub fn notice(&self) -> Notice {
        let words = format!(
            "What would mend attempt {} is filled in and not saved yet. Look at it, then save.",
            self.reference
        );
        Notice::new(Standing::Neutral, words)
    }

    /// Marks the field among others.
    pub fn mark(&self, fields: &mut [Field]) {
        for field in fields.iter_mut().filter(|field| field.is_named(self.field)) {
            field.suggest(self.saved.clone());
        }
    }
}
