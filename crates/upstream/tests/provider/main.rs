//! The relying party against a small provider on loopback that does as each test says: honest,
//! broken or hostile. One binary, so that it is linked once.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod certificates;
mod guard;
mod keys;
mod outage;
mod probe;
mod server;
mod signin;
mod support;
mod tell_app;
mod token;
