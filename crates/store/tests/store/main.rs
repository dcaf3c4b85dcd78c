//! The store from outside: a real database in a temporary directory for each test.

#![expect(clippy::unwrap_used, reason = "tests")]

mod keys;
mod processes;
mod support;
mod writer;
