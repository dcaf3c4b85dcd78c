//! Words from outside, made fit to be stored and shown to administrators.

pub use model::foreign::printable;
