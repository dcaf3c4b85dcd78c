//! The provider from outside, over HTTP.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod honest;
mod misbehaving;
mod relying_party;
