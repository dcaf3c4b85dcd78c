//! `gatepost worker`: the hidden command behind the worker processes.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::channel::control::Role;
use crate::worker;

/// Started by `gatepost serve` with a control socket as standard input.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[arg(value_parser = parse_role)]
    role: Role,
    /// The instance's run directory: by it a new keeper recognises its own left-overs.
    #[arg(value_name = "RUN")]
    _run: PathBuf,
}

fn parse_role(text: &str) -> Result<Role, String> {
    Role::ALL
        .into_iter()
        .find(|role| role.name() == text)
        .ok_or_else(|| format!("no such worker: {text}"))
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    worker::run(arguments.role)
}
