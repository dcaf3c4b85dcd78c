//! `gatepost activity`

use std::process::ExitCode;

use app::activity::Range;

use super::office::{self, Common};
use super::output::{table, when};
use crate::administration::Request;
use crate::administration::activity::ActivityDocument;

/// Say how many signed in and why others were refused.
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  gatepost activity
  gatepost activity --range 30d --json")]
pub(super) struct Arguments {
    /// How far to look back: 24h, 7d or 30d.
    #[arg(long, default_value = "24h")]
    range: Range,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { range, common } = arguments;
    office::run(&common, async |office| {
        let document = office.ask(Request::Activity(range)).await?;
        office.show(document, text)
    })
}

fn text(activity: ActivityDocument) -> String {
    let bars: Vec<_> = activity
        .bars
        .iter()
        .map(|bar| [when(&bar.from), bar.ok.to_string(), bar.refused.to_string()])
        .collect();
    let mut text = table(["FROM", "SIGNED IN", "REFUSED"], &bars);
    if !activity.reasons.is_empty() {
        let reasons: Vec<_> = activity
            .reasons
            .iter()
            .map(|reason| {
                [
                    reason.count.to_string(),
                    reason.code.to_string(),
                    reason.code.entry().title.to_owned(),
                ]
            })
            .collect();
        text.push_str("\n\n");
        text.push_str(&table(["TIMES", "CODE", "REASON"], &reasons));
    }
    text
}
