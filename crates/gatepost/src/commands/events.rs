//! `gatepost events`

use std::process::ExitCode;
use std::time::Duration;

use app::events::Place;
use serde_json::Value;

use super::attempt::{door, ended};
use super::office::{self, Common, Office};
use super::output::{self, when};
use crate::administration::Request;
use crate::administration::events::{EventDocument, EventList, EventRequest};
use crate::exit;

/// How often a stream looks for more.
const PACE: Duration = Duration::from_secs(1);

/// Print what happened: attempts to sign in, and changes.
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  gatepost events --last 50
  gatepost events --follow --json

With --follow, events are printed as they come until Ctrl-C, also across a restart of the server;
with --json too, one JSON document a line. Attempts that are alike are one event within a minute.")]
pub(super) struct Arguments {
    /// How many events to begin with.
    #[arg(long, value_name = "N", default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(app::events::MOST)))]
    last: u32,
    /// Go on printing as they come.
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments {
        last,
        follow: on,
        common,
    } = arguments;
    office::run(&common, async |office| {
        if on {
            return follow(office, last).await;
        }
        let request = Request::Events(EventRequest {
            after: None,
            limit: last,
        });
        let document = office.ask(request).await?;
        office.show(document, |list: EventList| {
            let lines: Vec<_> = list.events.iter().map(line).collect();
            lines.join("\n")
        })
    })
}

/// Prints what comes, asking the server again and again: it keeps nothing for us meanwhile, and one
/// that restarts is simply asked from where we are.
async fn follow(office: &mut Office, last: u32) -> anyhow::Result<ExitCode> {
    let (mut after, mut away) = (None::<Place>, false);
    loop {
        let limit = after.map_or(last, |_| app::events::MOST);
        let request = Request::Events(EventRequest { after, limit });
        let Some(mut document) = office.ask_server(request).await? else {
            if after.is_none() {
                output::problem("no server runs here, so nothing can happen");
                return Ok(ExitCode::from(exit::UNREACHABLE));
            }
            if !std::mem::replace(&mut away, true) {
                output::problem("the server is away; waiting for it");
            }
            tokio::time::sleep(PACE).await;
            continue;
        };
        if std::mem::take(&mut away) {
            output::problem("the server is back");
        }
        let full = print(office.json, document["events"].take(), limit)?;
        after = Some(serde_json::from_value(document["next"].take())?);
        // More may be waiting behind a full answer.
        if !full {
            tokio::time::sleep(PACE).await;
        }
    }
}

/// Prints events; tells whether there were as many as asked for.
fn print(json: bool, events: Value, limit: u32) -> anyhow::Result<bool> {
    let Value::Array(events) = events else {
        return Ok(false);
    };
    let full = events.len() >= limit as usize;
    for event in events {
        if json {
            output::line(&event.to_string());
        } else {
            output::line(&line(&serde_json::from_value(event)?));
        }
    }
    Ok(full)
}

fn line(event: &EventDocument) -> String {
    match event {
        EventDocument::Attempt(attempt) => format!(
            "{}  {}  {} by {}{}: {}",
            when(&attempt.at),
            attempt.reference,
            attempt.address.as_deref().unwrap_or("somebody"),
            door(attempt),
            match &attempt.ip {
                Some(ip) => format!(" from {ip}"),
                None => String::new(),
            },
            ended(attempt),
        ),
        EventDocument::Change {
            at,
            actor,
            action,
            object,
            ..
        } => format!("{}  {actor}: {action} {object}", when(at)),
    }
}
