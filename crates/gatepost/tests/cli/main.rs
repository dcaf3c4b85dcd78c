//! The command line: the real program on a temporary data directory, with and without a server.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod answers;
mod apps;
mod confirmation;
mod diagnosis;
mod documented;
mod help;
mod server;
mod sessions;
mod support;
mod terminal;
