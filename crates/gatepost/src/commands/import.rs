//! `gatepost import`

use std::fs::File;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::office::{self, Common, Office};
use super::{failed_lines, input, output};
use crate::administration::Request;
use crate::administration::imports::{Fate, ImportLineDocument, ImportRequest, ImportSum};
use crate::exit;

/// Largest file: the limit of the use case.
const FILE: u64 = 16 << 20;

/// Between two words about how far it is: often on a terminal, seldom in a log.
const ON_TERMINAL: Duration = Duration::from_millis(200);
const IN_LOG: Duration = Duration::from_secs(10);

/// Mailboxes from elsewhere.
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  gatepost import csv people.csv --dry-run
  gatepost import csv people.csv --failed to-mend.csv")]
pub(super) struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, clap::Subcommand)]
enum From {
    /// Add mailboxes from a CSV file; those that exist are left alone, so it may run again.
    ///
    /// The first line names the columns, in any order: address, and if wanted name, quota,
    /// protocols, template, tags, and one of provider, password, password_hash.
    Csv {
        /// The file; - is standard input.
        file: PathBuf,
        /// Only say what would happen.
        #[arg(long)]
        dry_run: bool,
        /// Write the lines that failed into this new file, with the reason of each in a further
        /// column, to mend and import again.
        #[arg(long, value_name = "OUT")]
        failed: Option<PathBuf>,
    },
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { common, from } = arguments;
    let From::Csv {
        file,
        dry_run,
        failed,
    } = from;
    office::run(&common, async |office| {
        let csv = input::text(&file, FILE).await?;
        let failed = failed.as_deref().map(failed_lines::make).transpose()?;
        let request = ImportRequest {
            csv: csv.into(),
            dry_run,
        };
        act(office, request, failed.as_ref()).await
    })
}

async fn act(
    office: &mut Office,
    request: ImportRequest,
    failed: Option<&File>,
) -> anyhow::Result<ExitCode> {
    let mut progress = Progress::new();
    let csv = request.csv.clone();
    let (mut failures, mut reasons) = (Vec::new(), Vec::new());
    let mut each = |value: Value| {
        if let Ok(line) = serde_json::from_value::<ImportLineDocument>(value) {
            progress.count();
            let reason = || line.problem.clone().unwrap_or_default();
            reasons.push((line.fate == Fate::Failed).then(reason));
            if line.fate == Fate::Failed {
                failures.push(line);
            }
        }
    };
    let outcome = office
        .ask_telling(Request::Import(request), &mut each)
        .await;
    progress.end();
    let mut document = outcome?;
    let sum: ImportSum = serde_json::from_value(document.clone())?;
    document["failures"] = json!(failures);
    if let Some(file) = failed {
        failed_lines::write(file, csv.expose(), &reasons)?;
    }
    if !office.json {
        for line in &failures {
            let problem = line.problem.as_deref().unwrap_or_default();
            output::problem(&format!("line {}: {}: {problem}", line.line, line.address));
        }
    }
    office.show(document, told)?;
    Ok(match (sum.failed, sum.created + sum.existed) {
        (0, _) => ExitCode::SUCCESS,
        (_, 0) => ExitCode::from(exit::FAILED),
        (_, _) => ExitCode::from(exit::PARTLY),
    })
}

fn told(sum: ImportSum) -> String {
    let created = if sum.dry_run {
        "would be created"
    } else {
        "created"
    };
    format!(
        "{} {created}, {} existed already, {} failed",
        sum.created, sum.existed, sum.failed
    )
}

/// Says on standard error how far it is.
struct Progress {
    lines: u64,
    next: Instant,
    terminal: bool,
    said: bool,
}

impl Progress {
    fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        let mut progress = Self {
            lines: 0,
            next: Instant::now(),
            terminal,
            said: false,
        };
        progress.next += progress.pace();
        progress
    }

    const fn pace(&self) -> Duration {
        if self.terminal { ON_TERMINAL } else { IN_LOG }
    }

    fn count(&mut self) {
        self.lines += 1;
        if Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + self.pace();
        self.said = true;
        if self.terminal {
            output::over(&format!("{} lines", self.lines));
        } else {
            output::problem(&format!("{} lines", self.lines));
        }
    }

    fn end(&self) {
        if self.said && self.terminal {
            output::over("");
        }
    }
}
