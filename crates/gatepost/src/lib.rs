//! Everything behind the `gatepost` command.
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | the configuration file and its environment overrides |
//! | [`first_run`] | the set-up link |
//! | [`keeper`] | `gatepost serve`: sockets, workers, engines, restarts |
//! | [`worker`] | the worker processes, seen from inside |
//! | [`channel`] | how the processes talk to each other |
//! | [`wiring`] | from the configuration to use cases that work |
//! | [`administration`] | the command line's requests, answered by the server or without one |
//! | [`commands`] | the command line, one file per verb |
//! | [`demo`] | `gatepost demo` and its walkthrough |
//!
//! This is the one crate that knows all others: it wires them, and holds no rule of its own.

pub mod administration;
pub mod channel;
pub mod commands;
pub mod config;
pub mod demo;
pub mod exit;
pub mod first_run;
pub mod keeper;
pub mod logging;
pub mod wiring;
pub mod worker;

/// The process's environment, for [`config::Config::load`]. Variables that are not text are none
/// of ours.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
