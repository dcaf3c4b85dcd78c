//! Human passwords: hashing, verifying, and the budgets of failures.
//!
//! Runs in the auth worker, which owns the only pool of slow hashes (design decision 9) and all
//! failure budgets (decision 11); the web worker asks it over the internal channel.

mod budget;
mod desk;
mod handover;
mod known;
mod levels;
mod meter;
mod network;
mod pool;
mod scheme;
mod starts;

pub use budget::{Budgets, Charge, Delay, Held};
pub use desk::LocalDesk;
pub use handover::UnknownBudgets;
pub(crate) use meter::Meter;
pub(crate) use network::Network;
pub use pool::HashPool;
pub use scheme::{SchemeError, StoredHash};
pub(crate) use starts::Starts;
