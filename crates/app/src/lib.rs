//! Use cases: one file per thing a person or a system does.
//!
//! Web, CLI and the mail edge all call these; none of them touches the store or an upstream by
//! itself. A use case gathers facts, asks `model::rules`, writes in one store transaction and puts
//! side effects on the engines into the outbox, which runs after commit.
//!
//! [`App`] is what the web worker (or a command line that holds the data directory) works with;
//! [`mail::MailApp`] is the read-only half in the auth worker.

pub mod activity;
pub mod admins;
pub mod alerts;
pub mod aliases;
pub mod attempts;
mod audit;
mod background_checks;
mod blocks;
pub mod confirmation;
pub mod context;
mod departures;
pub mod devices;
pub mod domains;
mod ended;
pub mod events;
pub mod explain;
mod facts;
pub mod foresight;
mod helpdesk;
pub mod import;
mod learned;
pub mod local_password;
pub mod mail;
pub mod mailboxes;
pub mod mending;
pub mod oauth;
pub mod outbox;
pub mod passwords;
pub mod ports;
pub mod privacy;
pub mod problem;
mod provider_calls;
pub mod provider_logout;
pub mod providers;
pub mod relinks;
mod removal;
pub mod retention;
mod revoke;
pub mod rules;
pub mod sessions;
pub mod settings;
pub mod setup;
pub mod sign_in;
pub mod sign_out;
pub mod step_up;
pub mod templates;
pub mod test_provider;
pub mod test_sign_in;
pub mod tries;
pub mod warn_people;
mod web_passwords;

pub use context::{App, AppConfig, Client, HelpdeskPages, Parts};
pub use problem::{FieldProblem, Problem};
