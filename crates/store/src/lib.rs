//! The store: SQLite, migrations, one file per noun, the group-commit writer, sealing at rest.
//!
//! Reads run inline on pooled connections ([`Store::read`]); a change is a job of the one writer
//! ([`Store::write`]), acknowledged once it is on the disk. Functions of nouns take a [`Conn`] and
//! know neither. They hold no rules: limits and permissions are decided in `model`, inside the
//! transaction that acts on them; the store adds uniqueness and references.
//!
//! To add a noun: its table in a migration, one file here whose statements stand in `statements!`,
//! and its line in the list below, which also has all of them prepared by a test.

#[macro_use]
mod statements;

// The nouns.
pub mod admins;
pub mod alerts;
pub mod aliases;
pub mod app_codes;
pub mod app_connections;
pub mod app_devices;
pub mod app_grants;
pub mod app_logouts;
pub mod app_passwords;
pub mod app_sessions;
pub mod app_tokens;
pub mod attempt_counts;
pub mod attempts;
pub mod audit;
pub mod blocks;
pub mod confirmation;
pub mod departures;
pub mod domains;
pub mod ends;
pub mod helpdesk;
pub mod link_claims;
pub mod link_proofs;
pub mod links;
pub mod logout_tokens;
pub mod mail_lookup;
pub mod mailbox_tags;
pub mod mailboxes;
pub mod oauth_apps;
pub mod outbox;
pub mod password_uses;
pub mod providers;
pub mod refresh_tokens;
pub mod relinks;
pub mod replaced_sessions;
pub mod rule_versions;
pub mod sessions;
pub mod settings;
pub mod setup_links;
pub mod sign_in_flows;
pub mod signing_keys;
pub mod templates;

// What they stand on.
mod db;
mod error;
mod key_file;
pub mod keys;
mod migrate;
mod page;
mod pool;
mod random;
mod seal;
mod sqlite;
mod store;
mod tag;
mod value;
mod writer;

pub use db::Conn;
pub use error::{StoreError, Taken, Unavailable};
pub use keys::{AuthKeys, KeyError, KeyId, MasterKey, PurposeKeys};
pub use migrate::{MigrateError, Report, migrate};
pub use page::{Listed, Page};
pub use pool::Reader;
pub use random::OsRandom;
pub use seal::{SealError, SealKey};
pub use store::Store;
pub use tag::PurposeKey;
pub use value::{FromValue, Row, Value};
pub use writer::WriterCounts;
