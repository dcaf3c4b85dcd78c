//! The crate against the installed Dovecot and Postfix. Needs root; otherwise the tests that start
//! engines say so and pass.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod mail;
mod outward;
mod rendering;
mod supervision;
mod support;
