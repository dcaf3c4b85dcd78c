//! The store from outside: a real database in a temporary directory for each test.

#![expect(clippy::unwrap_used, reason = "tests")]

mod alerts;
mod aliases;
mod app_passwords;
mod apps;
mod blocks;
mod domains;
mod keys;
mod links;
mod mail_lookup;
mod mailbox_list;
mod mailbox_tags;
mod mailboxes;
mod processes;
mod providers;
mod records;
mod refresh_tokens;
mod relinks;
mod rules;
mod sessions;
mod sign_in;
mod support;
mod writer;
