//! Mailboxes from a file.

use app::import::{ImportFate, ImportLine};
use app::{App, Problem};
use model::audit::Actor;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Progress, document};
use crate::wiring::WireSecret;

/// What to import.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImportRequest {
    /// The whole CSV file; it may hold passwords.
    pub csv: WireSecret,
    /// Only tell what would happen.
    pub dry_run: bool,
}

/// What happened to a line of the file; told as it happens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImportLineDocument {
    /// Line number in the file, from 1, the header being 1.
    pub line: u64,
    /// The address as it stood there.
    pub address: String,
    /// `created`, `exists` or `failed`.
    pub fate: Fate,
    /// Why it failed.
    pub problem: Option<String>,
}

/// What happened to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Created, or would be.
    Created,
    /// Exists already and was left alone.
    Exists,
    /// Not created.
    Failed,
}

/// The sum.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImportSum {
    /// Nothing was created.
    pub dry_run: bool,
    /// Created, or would be.
    pub created: u64,
    /// Existed already.
    pub existed: u64,
    /// Failed.
    pub failed: u64,
}

impl From<&ImportLine> for ImportLineDocument {
    fn from(line: &ImportLine) -> Self {
        let (fate, problem) = match &line.fate {
            ImportFate::Created => (Fate::Created, None),
            ImportFate::Exists => (Fate::Exists, None),
            ImportFate::Failed(problem) => (Fate::Failed, Some(problem.to_string())),
        };
        Self {
            line: line.line,
            address: line.address.clone(),
            fate,
            problem,
        }
    }
}

pub(super) async fn answer(
    app: &App,
    actor: &Actor,
    request: ImportRequest,
    progress: Progress<'_>,
) -> Result<Value, Problem> {
    let ImportRequest { csv, dry_run } = request;
    let mut tell = |line: &ImportLine| {
        // A line of texts and numbers always has a JSON form.
        if let Ok(line) = document(ImportLineDocument::from(line)) {
            progress(line);
        }
    };
    let report = app
        .import_mailboxes(actor, csv.expose().as_bytes(), dry_run, &mut tell)
        .await?;
    document(ImportSum {
        dry_run,
        created: report.created,
        existed: report.existed,
        failed: report.failed,
    })
}
