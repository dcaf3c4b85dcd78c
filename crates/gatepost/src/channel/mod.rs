//! How the processes of one instance talk to each other.
//!
//! - [`descriptors`] and [`control`]: keeper and worker, over a socket pair on the worker's
//!   standard input. Carries listening sockets, certificates and, at a planned restart, connected
//!   sockets.
//! - [`client`], [`server`] and [`notes`]: questions, answers and batches of notes over a unix
//!   socket with a name: web worker and auth worker (`channel`), command line and web worker
//!   (`admin`). Generic over [`Protocol`]; who uses them brings the message types.
//!
//! Everything is bounded: frame size, questions in flight, queues, waiting time.

pub mod client;
pub mod control;
pub mod descriptors;
mod frame;
pub mod notes;
pub mod server;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The message types of one socket.
pub trait Protocol: Send + Sync + 'static {
    /// What a client asks.
    type Question: Serialize + DeserializeOwned + Send + Sync + 'static;
    /// What the server answers; refusals are values of this type, not errors.
    type Answer: Serialize + DeserializeOwned + Send + Sync + 'static;
    /// What the server tells without being asked. `()` if nothing.
    type Note: Serialize + DeserializeOwned + Send + Sync + 'static;
}
