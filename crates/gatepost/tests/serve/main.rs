//! `gatepost serve` with real processes: starts, crashes, restarts, left-overs, refusals.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod crash;
mod departed;
mod engines;
mod first_run;
mod gone;
mod leftovers;
mod logged;
mod logins;
mod mail;
mod removal;
mod restart;
mod start;
mod support;
mod tested;
