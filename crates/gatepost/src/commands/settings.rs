//! `gatepost settings`

use std::process::ExitCode;

use app::settings::Records;

use super::office::Verbs;
use super::output::details;
use crate::administration::Request;
use crate::administration::settings::{KeepDocument, SettingsDocument, SettingsRequest};

/// Settings that are changed while the server runs.
#[derive(Debug, clap::Subcommand)]
#[command(before_long_help = "Examples:
  gatepost settings show
  gatepost settings edit --keep-attempts 90 --private-claims phone_number,birthdate")]
pub(super) enum Verb {
    /// Print them.
    #[command(before_long_help = "Examples:
  gatepost settings show
  gatepost settings show --json")]
    Show,
    /// Change what is named; the rest stays. Records older than the time they are kept for go
    /// within minutes, for good.
    #[command(before_long_help = "Examples:
  gatepost settings edit --keep-attempts 90 --keep-audit default
  gatepost settings edit --private-claims phone_number,birthdate")]
    Edit(Box<Edit>),
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub(super) struct Edit {
    /// Days for which attempts on the web are kept, 1 to 400; default: as in the configuration.
    #[arg(long, value_name = "DAYS|default", value_parser = days)]
    keep_attempts: Option<Days>,
    /// Days for which attempts of mail programs are kept, 1 to 400.
    #[arg(long, value_name = "DAYS|default", value_parser = days)]
    keep_mail_attempts: Option<Days>,
    /// Days for which the record of changes is kept, 30 to 3660.
    #[arg(long, value_name = "DAYS|default", value_parser = days)]
    keep_audit: Option<Days>,
    /// Claims whose values nobody sees without opening them; an empty text for none.
    #[arg(long, value_name = "NAME,NAME")]
    private_claims: Option<String>,
}

/// Days, or as the configuration has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Days(Option<u32>);

fn days(text: &str) -> Result<Days, String> {
    if text == "default" {
        return Ok(Days(None));
    }
    let days = text.parse().map_err(|_| "days as a number, or default")?;
    Ok(Days(Some(days)))
}

pub(super) fn run(arguments: Verbs<Verb>) -> anyhow::Result<ExitCode> {
    arguments.run(async |office, verb| {
        let request = match verb {
            Verb::Show => SettingsRequest::Show,
            Verb::Edit(edit) => request_of(&edit),
        };
        let document = office.ask(Request::Settings(request)).await?;
        office.show(document, text)
    })
}

fn request_of(edit: &Edit) -> SettingsRequest {
    let keep = [
        (Records::Attempts, edit.keep_attempts),
        (Records::MailAttempts, edit.keep_mail_attempts),
        (Records::Audit, edit.keep_audit),
    ];
    let changed = keep
        .into_iter()
        .filter_map(|(records, days)| Some((records.field().to_owned(), days?.0)));
    let names = edit.private_claims.as_ref();
    SettingsRequest::Edit {
        keep: changed.collect(),
        private_claims: names.map(|names| names.split(',').map(str::to_owned).collect()),
    }
}

fn text(settings: SettingsDocument) -> String {
    let kept = |keep: KeepDocument| {
        let whence = if keep.set {
            "set here"
        } else {
            "as in the configuration"
        };
        format!("{} days ({whence})", keep.days)
    };
    details(&[
        ("Web attempts kept", kept(settings.keep_attempts)),
        ("Mail attempts kept", kept(settings.keep_mail_attempts)),
        ("Changes kept", kept(settings.keep_audit)),
        ("Private claims", settings.private_claims.join(", ")),
    ])
}
