//! Decisions: facts in, a verdict with its reasons out.
//!
//! Nothing here does I/O. `app` gathers the facts, asks, and carries the verdict out in one store
//! transaction; the reasons go into the attempt's trace and feed the explanation pages.

pub mod access;
pub mod alerts;
pub mod apps;
pub mod claims;
pub mod confirmation;
pub mod departures;
pub mod difference;
pub mod effect;
#[cfg(test)]
mod example;
pub mod fields;
pub mod gates;
pub mod limits;
pub mod lint;
pub mod mapping;
pub mod outcomes;
pub mod privacy;
pub mod provision;
pub mod routing;
pub mod seen;
pub mod sign_out;
pub mod suggest;
pub mod trial;
pub mod versions;
