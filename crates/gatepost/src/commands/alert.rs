//! `gatepost alert`

use std::process::ExitCode;

use app::alerts::AlertAct;
use model::ids::AlertId;

use super::office::{self, Common};
use super::output::{table, when};
use crate::administration::Request;
use crate::administration::activity::{AlertDocument, AlertList, AlertRequest};

/// What several people met for one cause, told once.
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  gatepost alert list
  gatepost alert close 12")]
pub(super) struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Print the alerts that nobody has closed, the latest first.
    List,
    /// Take note of one: it stays on the list and counts on.
    Acknowledge {
        /// Its number in the list.
        id: AlertId,
    },
    /// Take one off the list; whoever meets its cause next begins another.
    Close {
        /// Its number in the list.
        id: AlertId,
    },
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { common, verb } = arguments;
    office::run(&common, async |office| {
        let settle = |id, act| Request::Alert(AlertRequest::Settle { id, act });
        let request = match verb {
            Verb::List => {
                let document = office.ask(Request::Alert(AlertRequest::List)).await?;
                return office.show(document, |list: AlertList| rows(&list.alerts));
            }
            Verb::Acknowledge { id } => settle(id, AlertAct::Acknowledge),
            Verb::Close { id } => settle(id, AlertAct::Close),
        };
        let document = office.ask(request).await?;
        office.show(document, |alert: AlertDocument| text(&alert))
    })
}

fn rows(alerts: &[AlertDocument]) -> String {
    let row = |alert: &AlertDocument| {
        [
            alert.id.to_string(),
            when(&alert.last),
            alert.about.clone(),
            format!("{} times", alert.count),
            if alert.acknowledged { "noted" } else { "new" }.to_owned(),
            alert.topic.clone(),
        ]
    };
    let mut rows: Vec<_> = alerts.iter().map(row).collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut text = table(["ID", "LAST", "ABOUT", "MET", "STATE", "TOPIC"], &rows);
    rows.clear();
    for alert in alerts {
        text.push_str(&format!("\n\n{}. {}", alert.id, self::text(alert)));
    }
    text
}

fn text(alert: &AlertDocument) -> String {
    let mut text = alert.sentence.clone();
    if let Some(fix) = &alert.fix {
        text.push_str(&format!("\nfix: {fix}"));
    }
    text
}
