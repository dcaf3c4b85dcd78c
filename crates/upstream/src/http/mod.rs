//! The guarded HTTP client: the one way out.
//!
//! Every call to a provider passes here. The guard decides where a connection may go at the moment
//! it is made, after the name was resolved ([`guard`], [`resolve`]); time, size and redirects are
//! bounded ([`client`]); certificates are checked by the provider's own trust ([`tls`]); and what
//! goes wrong has a type of its own ([`error`]), because "could not connect" helps nobody.

pub mod address;
mod breaker;
pub mod certificate;
pub mod client;
mod diagnose;
pub mod error;
pub mod guard;
mod pool;
pub mod resolve;
pub mod tls;

pub(crate) use diagnose::from_io;

pub use client::{Request, Response};
pub use error::{HttpError, TlsFault};
pub use guard::{Guard, Origin};
pub use pool::{Access, Http};
pub use resolve::{Lookup, SystemLookup};
