//! The command line: one file per verb.
//!
//! To add a command: a file with its arguments (`#[derive(clap::Args)]`, or for a noun its verbs,
//! `#[derive(clap::Subcommand)]`) and a `run` that returns `anyhow::Result<ExitCode>`, a variant of
//! `Command`, and an arm in [`run`]. Commands that administer work in an `office`: it finds the way
//! to the use cases ([`crate::administration`]) and prints documents as text or JSON.

mod activity;
mod admin;
mod alert;
mod alias;
mod app;
mod attempt;
mod completions;
mod config;
mod demo;
mod device;
mod doctor;
mod domain;
mod events;
mod failed_lines;
mod failure;
mod help;
mod import;
mod input;
mod mailbox;
mod office;
mod output;
mod provider;
mod rule;
mod serve;
mod settings;
mod setup;
mod template;
mod values;
mod why;
mod worker;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::administration::Deleted;
use office::Verbs;

/// Single sign-on for the mail you host.
#[derive(Debug, Parser)]
#[command(
    name = "gatepost",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The whole command line, for what is written from it.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server: web, authentication, Dovecot and Postfix.
    Serve(serve::Arguments),
    /// Show it all on this machine, with a sample company.
    Demo(demo::Arguments),
    Setup(Verbs<setup::Verb>),
    Admin(Verbs<admin::Verb>),
    Domain(Verbs<domain::Verb>),
    Template(Verbs<template::Verb>),
    Mailbox(Verbs<mailbox::Verb>),
    Alias(Verbs<alias::Verb>),
    Provider(Verbs<provider::Verb>),
    Rule(Verbs<rule::Verb>),
    App(Verbs<app::Verb>),
    Device(Verbs<device::Verb>),
    Why(why::Arguments),
    Attempt(Verbs<attempt::Verb>),
    Alert(Verbs<alert::Verb>),
    Activity(activity::Arguments),
    Events(events::Arguments),
    Settings(Verbs<settings::Verb>),
    Import(import::Arguments),
    Doctor(doctor::Arguments),
    /// Look at the configuration.
    Config(config::Arguments),
    Help(help::Arguments),
    Completions(completions::Arguments),
    /// Started by the server, not by people.
    #[command(hide = true)]
    Worker(worker::Arguments),
}

/// Parses the command line, does what it says, and reports what went wrong.
#[must_use]
pub fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Demo(arguments) => demo::run(arguments),
        Command::Setup(arguments) => setup::run(arguments),
        Command::Admin(arguments) => admin::run(arguments),
        Command::Domain(arguments) => domain::run(arguments),
        Command::Template(arguments) => template::run(arguments),
        Command::Mailbox(arguments) => mailbox::run(arguments),
        Command::Alias(arguments) => alias::run(arguments),
        Command::Provider(arguments) => provider::run(arguments),
        Command::Rule(arguments) => rule::run(arguments),
        Command::App(arguments) => app::run(arguments),
        Command::Device(arguments) => device::run(arguments),
        Command::Why(arguments) => why::run(arguments),
        Command::Attempt(arguments) => attempt::run(arguments),
        Command::Alert(arguments) => alert::run(arguments),
        Command::Activity(arguments) => activity::run(arguments),
        Command::Events(arguments) => events::run(arguments),
        Command::Settings(arguments) => settings::run(arguments),
        Command::Import(arguments) => import::run(arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Config(arguments) => config::run(&arguments),
        Command::Help(arguments) => help::run(&arguments, Cli::command()),
        Command::Completions(arguments) => completions::run(&arguments, Cli::command()),
        Command::Worker(arguments) => worker::run(&arguments),
    };
    result.unwrap_or_else(|error| failure::report(&error))
}

/// An object that is gone.
fn deleted(gone: Deleted) -> String {
    let mail = gone
        .mail_kept_until
        .map(|until| format!("; its mail is kept until {}", output::when(&until)));
    format!("{} is deleted{}", gone.deleted, mail.unwrap_or_default())
}
