//! `gatepost alert`

use std::process::ExitCode;

use app::alerts::AlertAct;
use model::ids::AlertId;

use super::office::Verbs;
use super::output::{table, when};
use crate::administration::Request;
use crate::administration::activity::{AlertDocument, AlertList, AlertRequest};

/// What several people met for one cause, told once.
#[derive(Debug, clap::Subcommand)]
#[command(before_long_help = "Examples:
  gatepost alert list
  gatepost alert close 12")]
pub(super) enum Verb {
    /// Print the alerts that nobody has closed, the latest first.
    #[command(before_long_help = "Examples:
  gatepost alert list
  gatepost alert list --json")]
    List,
    /// Say that somebody is at it: it stays on the list and counts on.
    #[command(before_long_help = "Examples:
  gatepost alert acknowledge 12
  gatepost alert acknowledge 12 --json")]
    Acknowledge {
        /// Its number in the list.
        id: AlertId,
    },
    /// Take one off the list; whoever meets its cause next begins another.
    #[command(before_long_help = "Examples:
  gatepost alert close 12
  gatepost alert close 12 --json")]
    Close {
        /// Its number in the list.
        id: AlertId,
    },
}

pub(super) fn run(arguments: Verbs<Verb>) -> anyhow::Result<ExitCode> {
    arguments.run(async |office, verb| {
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
            if alert.acknowledged {
                "acknowledged"
            } else {
                "new"
            }
            .to_owned(),
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
