//! The mail edge from the outside: real sockets, decisions that the test chooses.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on shall say where"
)]

mod auth_master;
mod auth_socket;
mod handover;
mod maps_and_policy;
mod support;
