//! `gatepost why`

use std::process::ExitCode;

use app::explain::Verdict;
use model::attempt::Step;

use super::attempt::{state, table_of};
use super::office::{self, Common};
use super::output::when;
use crate::administration::Request;
use crate::administration::why::{AskedDocument, WhyDocument, WhyRequest};
use crate::exit;

/// Say why somebody can or cannot sign in.
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  gatepost why alice@example.org
  gatepost why 7K4Q-M2XD --check

Exit code 7 if something stands in their way now.")]
pub(super) struct Arguments {
    /// An address, or the reference that the person was shown.
    #[arg(value_name = "ADDRESS|REFERENCE")]
    who: String,
    /// Ask the provider now whether it can be reached; at most 15 seconds.
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { who, check, common } = arguments;
    office::run(&common, async |office| {
        let document = office.ask(Request::Why(WhyRequest { who, check })).await?;
        let why: WhyDocument = serde_json::from_value(document.clone())?;
        office.show(document, text)?;
        Ok(match why.verdict {
            Verdict::BlockedNow => ExitCode::from(exit::PROBLEMS_FOUND),
            Verdict::WouldWorkNow | Verdict::CouldNotTell => ExitCode::SUCCESS,
        })
    })
}

fn text(why: WhyDocument) -> String {
    let asked = why.asked.as_ref().map(asked_for).unwrap_or_default();
    if why.address.is_empty() {
        return asked;
    }
    let now = now(why);
    if asked.is_empty() {
        now
    } else {
        format!("{asked}\n\n{now}")
    }
}

/// The attempt that was asked for: what the person read, and what it means.
fn asked_for(asked: &AskedDocument) -> String {
    let attempt = &asked.attempt;
    let mut text = format!("Attempt {}, {}: ", attempt.reference, when(&attempt.at));
    match (&attempt.code, &attempt.reason) {
        (Some(code), Some(reason)) => text.push_str(&format!("[{code}] {reason}")),
        _ => text.push_str("signed in"),
    }
    if let Some(person) = &asked.person {
        text.push_str(&format!("\nthe person read: {person}"));
    }
    if let Some(fix) = &asked.fix {
        text.push_str(&format!("\nfix: {fix}"));
    }
    if let Some(code) = &attempt.code {
        text.push_str(&format!("\nmore: gatepost help {code}"));
    }
    text
}

/// How it stands now.
fn now(why: WhyDocument) -> String {
    let mut text = match &why.code {
        Some(code) => format!("[{code}] {}", why.sentence),
        None => why.sentence,
    };
    if let Some(fix) = &why.fix {
        text.push_str(&format!("\nfix: {fix}"));
    }
    if let Some(code) = &why.code {
        text.push_str(&format!("\nmore: gatepost help {code}"));
    }
    if !why.gates.is_empty() {
        text.push('\n');
    }
    text.push_str(&lines(&why.gates));
    if !why.others.is_empty() {
        text.push_str("\n\nOther ways in");
        text.push_str(&lines(&why.others));
    }
    if !why.attempts.is_empty() {
        text.push_str("\n\nLast attempts\n");
        text.push_str(&table_of(&why.attempts));
    }
    text
}

fn lines(gates: &[Step]) -> String {
    let line = |gate: &Step| {
        let at = gate
            .at
            .map(|at| format!(" ({})", when(&at.rfc3339())))
            .unwrap_or_default();
        let evidence = match gate.evidence.as_str() {
            "" => String::new(),
            evidence => format!(": {evidence}"),
        };
        format!("\n{:8} {}{evidence}{at}", state(gate.state), gate.gate)
    };
    gates.iter().map(line).collect()
}
