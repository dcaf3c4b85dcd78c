//! `gatepost attempt`

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use app::attempts::AttemptFilter;
use app::foresight::{Change, Foretold};
use model::attempt::{Reference, Step, StepState};
use model::outcome::Code;

use super::office::{Listing, Office, Verbs};
use super::output::{details, table, when};
use crate::administration::Request;
use crate::administration::attempts::{
    AttemptDetails, AttemptDocument, AttemptList, AttemptRequest,
};
use crate::exit;

/// Most bytes of claims that are read.
const MOST_CLAIMS: u64 = 1 << 20;

/// Recorded attempts to sign in.
#[derive(Debug, clap::Subcommand)]
#[command(before_long_help = "Examples:
  gatepost attempt list --refused --address alice@example.org
  gatepost attempt show 7K4Q-M2XD")]
pub(super) enum Verb {
    /// Print attempts, newest first.
    List {
        /// Of this address only.
        #[arg(
            long,
            value_name = "ADDRESS",
            default_value = "",
            hide_default_value = true
        )]
        address: String,
        /// Refused ones only.
        #[arg(long)]
        refused: bool,
        /// With this code only.
        #[arg(long, value_name = "CODE", value_parser = code)]
        code: Option<Code>,
        #[command(flatten)]
        listing: Listing,
    },
    /// Print one attempt with its steps and claims.
    Show {
        /// What the person told the helpdesk.
        #[arg(value_parser = reference)]
        reference: Reference,
        /// With the values of private claims too; that they were asked for is on record.
        #[arg(long)]
        open: bool,
    },
    /// Decide anew on what an attempt brought, by the rules as they are now; changes nothing. Exit
    /// code 7 if it would be refused.
    #[command(before_long_help = "Examples:
  gatepost attempt replay 7K4Q-M2XD
  gatepost attempt replay 7K4Q-M2XD --json")]
    Replay {
        /// What the person told the helpdesk.
        #[arg(value_parser = reference)]
        reference: Reference,
    },
    /// Say what would happen if somebody came with these claims; changes nothing. Exit code 7 if
    /// they would be refused.
    #[command(before_long_help = "Examples:
  gatepost attempt what-if example-sso --claims claims.json
  gatepost attempt what-if example-sso --claims - < claims.json")]
    WhatIf {
        /// The provider.
        #[arg(value_name = "SLUG")]
        provider: String,
        /// A file with the claims as a JSON object; - for standard input.
        #[arg(long, value_name = "FILE")]
        claims: PathBuf,
    },
}

fn code(text: &str) -> Result<Code, String> {
    super::help::code(text).ok_or_else(|| "a code looks like SSO-405".to_owned())
}

fn reference(text: &str) -> Result<Reference, String> {
    Reference::parse(text).ok_or_else(|| "a reference looks like 7K4Q-M2XD".to_owned())
}

pub(super) fn run(arguments: Verbs<Verb>) -> anyhow::Result<ExitCode> {
    arguments.run(act)
}

async fn act(office: &mut Office, verb: Verb) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::List {
            address,
            refused,
            code,
            listing,
        } => {
            let page = |page| {
                let filter = AttemptFilter {
                    refused,
                    code,
                    app: None,
                };
                Request::Attempt(AttemptRequest::List { filter, page })
            };
            let document = office.list("attempts", &listing, &address, page).await?;
            office.show_list(document, |list: AttemptList| table_of(&list.attempts))
        }
        Verb::Replay { reference } => {
            let request = Request::Attempt(AttemptRequest::Replay(reference));
            told(office, request).await
        }
        Verb::WhatIf { provider, claims } => {
            let claims = read(&claims)?;
            told(
                office,
                Request::Attempt(AttemptRequest::WhatIf { provider, claims }),
            )
            .await
        }
        Verb::Show { reference, open } => {
            let request = Request::Attempt(if open {
                AttemptRequest::Open(reference)
            } else {
                AttemptRequest::Show(reference)
            });
            let document = office.ask(request).await?;
            office.show(document, one)
        }
    }
}

/// Prints what would happen; exit 7 if the person would not get in.
async fn told(office: &mut Office, request: Request) -> anyhow::Result<ExitCode> {
    let document = office.ask(request).await?;
    let foretold: Foretold = serde_json::from_value(document.clone())?;
    office.show(document, foretold_text)?;
    Ok(if foretold.gets_in {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(exit::PROBLEMS_FOUND)
    })
}

fn read(file: &Path) -> anyhow::Result<String> {
    let text = if file == Path::new("-") {
        std::io::read_to_string(std::io::stdin().take(MOST_CLAIMS))
    } else {
        std::fs::File::open(file).and_then(|file| std::io::read_to_string(file.take(MOST_CLAIMS)))
    };
    text.with_context(|| format!("cannot read {}", file.display()))
}

fn foretold_text(foretold: Foretold) -> String {
    let mut text = match &foretold.refusal {
        Some(refusal) => format!("[{}] {}", refusal.code, foretold.sentence),
        None => foretold.sentence.clone(),
    };
    if !foretold.cut.is_empty() {
        let cut = foretold.cut.join(", ");
        text.push_str(&format!("\ndecided without {cut}: too large to be kept"));
    }
    for Change {
        field,
        before,
        after,
    } in &foretold.changes
    {
        let before = if before.is_empty() { "-" } else { before };
        text.push_str(&format!("\n{field}: {before} -> {after}"));
    }
    text.push('\n');
    for step in &foretold.steps {
        text.push_str(&format!("\n{}", step_line(step)));
    }
    text
}

fn step_line(step: &Step) -> String {
    let took = step
        .ms
        .map(|ms| format!("{ms:>6} ms  "))
        .unwrap_or_default();
    format!(
        "{took}{:8} {}: {}",
        state(step.state),
        step.gate,
        step.evidence
    )
}

/// Attempts as rows.
pub(super) fn table_of(attempts: &[AttemptDocument]) -> String {
    let row = |attempt: &AttemptDocument| {
        [
            attempt.reference.clone(),
            when(&attempt.at),
            attempt.address.clone().unwrap_or_default(),
            door(attempt),
            attempt.ip.clone().unwrap_or_default(),
            ended(attempt),
        ]
    };
    let rows: Vec<_> = attempts.iter().map(row).collect();
    let heading = ["REFERENCE", "WHEN", "ADDRESS", "BY", "FROM", "ENDED"];
    table(heading, &rows)
}

pub(super) fn door(attempt: &AttemptDocument) -> String {
    attempt
        .provider
        .clone()
        .unwrap_or_else(|| attempt.door.clone())
}

pub(super) fn ended(attempt: &AttemptDocument) -> String {
    let times = match attempt.count {
        1 => String::new(),
        count => format!(" ({count} times)"),
    };
    let Some(id) = &attempt.code else {
        return format!("signed in{times}");
    };
    // The title, as the page of the same list has it; the whole reason is in the attempt.
    match id.parse::<Code>() {
        Ok(code) => format!("{id} {}{times}", code.entry().title),
        Err(_) => format!("{id}{times}"),
    }
}

fn one(details_of: AttemptDetails) -> String {
    let AttemptDetails {
        attempt,
        person,
        user_agent,
        steps,
        claims,
    } = details_of;
    let steps: Vec<_> = steps.iter().map(step_line).collect();
    let claims: Vec<_> = claims
        .iter()
        .map(|claim| format!("{} = {} ({})", claim.name, claim.value, claim.origin))
        .collect();
    let by = door(&attempt);
    let ended = ended(&attempt);
    details(&[
        ("Reference", attempt.reference),
        ("When", when(&attempt.at)),
        ("Address", attempt.address.unwrap_or_default()),
        ("By", by),
        ("From", attempt.ip.unwrap_or_default()),
        ("Browser", user_agent),
        ("Ended", ended),
        ("Reason", attempt.reason.unwrap_or_default()),
        ("Person read", person.unwrap_or_default()),
        ("Notice", attempt.notice.unwrap_or_default()),
        ("Steps", steps.join("\n")),
        ("Claims", claims.join("\n")),
    ])
}

/// The state of a step in a word.
pub(super) const fn state(state: StepState) -> &'static str {
    match state {
        StepState::Ok => "ok",
        StepState::Blocked => "blocked",
        StepState::Warn => "warn",
        StepState::Note => "note",
        StepState::NotReached => "-",
    }
}
