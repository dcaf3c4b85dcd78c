//! `gatepost provider relink` and its neighbours: moving people from one provider to another.

use std::process::ExitCode;

use app::relinks::{RelinkForm, RelinkPreview};
use model::address::DomainName;
use model::ids::RelinkId;
use model::time::Timestamp;

use crate::administration::Request;
use crate::administration::relinks::{RelinkDocument, RelinkList, RelinkRequest};
use crate::commands::office::Office;
use crate::commands::output::{details, table, when};
use crate::commands::values;

#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  gatepost provider relink old-sso new-sso --domain example.org --until 30d --dry-run
  gatepost provider relink old-sso new-sso --domain example.org --until 2026-12-31")]
pub(in crate::commands) struct Arguments {
    /// The provider at which people are linked now.
    from: String,
    /// The provider by which they come from now on.
    to: String,
    /// A domain it is about; may be said again.
    #[arg(long = "domain", value_name = "DOMAIN", required = true, value_parser = values::domain)]
    domains: Vec<DomainName>,
    /// When it ends by itself: a day, or 30d; 90 days at most.
    #[arg(long, value_name = "END", value_parser = values::end)]
    until: Timestamp,
    /// Say whom it would move, and do nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(office: &mut Office, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let form = RelinkForm {
        from: arguments.from,
        to: arguments.to,
        domains: arguments.domains,
        ends: arguments.until,
    };
    if arguments.dry_run {
        let request = Request::Relink(RelinkRequest::Preview(form));
        let document = office.ask(request).await?;
        return office.show(document, preview);
    }
    let request = Request::Relink(RelinkRequest::Start(form));
    let document = office.ask(request).await?;
    office.show(document, one)
}

pub(super) async fn list(office: &mut Office) -> anyhow::Result<ExitCode> {
    let document = office.ask(Request::Relink(RelinkRequest::List)).await?;
    office.show(document, |list: RelinkList| {
        let row = |relink: RelinkDocument| {
            [
                relink.number.to_string(),
                relink.from,
                relink.to,
                relink.domains.join(", "),
                relink.state,
                relink.moved.to_string(),
                when(&relink.ends),
            ]
        };
        let rows: Vec<_> = list.relinks.into_iter().map(row).collect();
        let heading = ["NUMBER", "FROM", "TO", "DOMAINS", "STATE", "MOVED", "ENDS"];
        table(heading, &rows)
    })
}

pub(super) async fn stop(office: &mut Office, number: i64) -> anyhow::Result<ExitCode> {
    let request = Request::Relink(RelinkRequest::Stop(RelinkId(number)));
    let document = office.ask(request).await?;
    office.show(document, one)
}

fn one(relink: RelinkDocument) -> String {
    details(&[
        ("Campaign", relink.number.to_string()),
        ("From", relink.from),
        ("To", relink.to),
        ("Domains", relink.domains.join(", ")),
        ("State", relink.state),
        ("Moved so far", relink.moved.to_string()),
        ("Ends", when(&relink.ends)),
        (
            "Stopped",
            relink.stopped.as_deref().map(when).unwrap_or_default(),
        ),
        ("Started", when(&relink.created)),
        ("Started by", relink.created_by),
    ])
}

fn preview(preview: RelinkPreview) -> String {
    let more = if preview.more { "more than " } else { "" };
    let mut text = format!(
        "Nothing was changed.\n{more}{} can move:\n",
        preview.movable
    );
    for address in &preview.addresses {
        text.push_str(&format!("  {address}\n"));
    }
    if preview.movable > preview.addresses.len() {
        text.push_str("  …\n");
    }
    for (why, count) in &preview.left {
        text.push_str(&format!("{count} stay: {why}\n"));
    }
    for address in &preview.left_addresses {
        text.push_str(&format!("  {address}\n"));
    }
    for note in &preview.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text.truncate(text.trim_end().len());
    text
}
