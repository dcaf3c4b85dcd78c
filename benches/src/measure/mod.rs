//! How things are measured: CPU and memory of processes, rounds, latencies.

pub(crate) mod latency;
pub(crate) mod own;
pub(crate) mod processes;
pub(crate) mod rounds;
