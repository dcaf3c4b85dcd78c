//! `gatepost completions`

use std::process::ExitCode;

use clap_complete::{Shell, generate};

use super::output;

/// Print what makes a shell complete these commands.
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  gatepost completions bash > /etc/bash_completion.d/gatepost
  gatepost completions fish > ~/.config/fish/completions/gatepost.fish")]
pub(super) struct Arguments {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments, mut command: clap::Command) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    generate(arguments.shell, &mut command, "gatepost", &mut script);
    output::line(String::from_utf8(script)?.trim_end());
    Ok(ExitCode::SUCCESS)
}
