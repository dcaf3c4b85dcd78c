//! Development only: what tests of several rooms need.
//!
//! It depends on `model` alone, so that any room can use it in its tests without meeting a second
//! copy of itself. Helpers hand errors back with the whole story in their text (the redirects that
//! were followed, the output of a child process); tests unwrap them.

pub mod browser;
pub mod clock;
pub mod poll;
pub mod ports;
pub mod process;
pub mod provider;
pub mod random;
pub mod relying_party;
pub mod skip;
pub mod tempdir;
pub mod tls;
