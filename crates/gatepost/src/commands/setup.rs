//! `gatepost setup`

use std::process::ExitCode;

use super::office::Verbs;
use super::output;
use crate::administration::Request;
use crate::administration::admins::SetupLink;
use crate::first_run;

/// The first administrator.
#[derive(Debug, clap::Subcommand)]
#[command(before_long_help = "Examples:
  gatepost setup link
  gatepost setup link --json")]
pub(super) enum Verb {
    /// Print a new one-time link; it takes the place of earlier ones.
    Link,
}

pub(super) fn run(arguments: Verbs<Verb>) -> anyhow::Result<ExitCode> {
    arguments.run(async |office, Verb::Link| {
        let document = office.ask(Request::SetupLink).await?;
        let mut link: SetupLink = serde_json::from_value(document)?;
        link.link = first_run::through(&office.config, &link.link);
        link.tunnel = first_run::tunnel(&office.config).map(|tunnel| tunnel.command);
        if let Some(command) = &link.tunnel {
            output::problem(&format!(
                "Without a certificate set-up answers on the server only. Run this on your \
                 computer, and open the link there:\n\n  {command}\n"
            ));
        }
        output::problem("Open this link within 60 minutes; it works once:");
        office.show(serde_json::to_value(link)?, |link: SetupLink| link.link)
    })
}
