//! The command line: one file per verb.
//!
//! To add a verb: a file with its arguments (`#[derive(clap::Args)]`) and a `run` that returns
//! `anyhow::Result<ExitCode>`, a variant of [`Command`], and an arm in [`run`].

mod config;
mod failure;
mod output;
mod serve;
mod worker;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Single sign-on for the mail you host.
#[derive(Debug, Parser)]
#[command(name = "gatepost", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server: web, authentication, Dovecot and Postfix.
    Serve(serve::Arguments),
    /// Look at the configuration.
    Config(config::Arguments),
    /// Started by the server, not by people.
    #[command(hide = true)]
    Worker(worker::Arguments),
}

/// Parses the command line, does what it says, and reports what went wrong.
#[must_use]
pub fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Config(arguments) => config::run(arguments),
        Command::Worker(arguments) => worker::run(&arguments),
    };
    result.unwrap_or_else(|error| failure::report(&error))
}
