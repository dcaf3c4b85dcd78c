//! The device grant (RFC 8628): a television or a command line shows a short code, and a person
//! types it in a browser.
//!
//! A device begins by asking for its codes ([`crate::App::begin_device`]) and then asks the token
//! endpoint again and again, which costs no write until there is something to give. The person's
//! page is [`crate::App::connect`]: every visit of it is judged from zero.

mod asks;
mod begin;
mod memory;
mod room;
mod visit;

pub(super) use asks::{Heard, heard, pending};
pub use begin::DeviceStart;
pub(crate) use memory::DeviceMemory;
pub use visit::{Ask, Connect, ConnectVisit, Done, SignInFirst};

use std::time::Duration;

/// How long a code is good.
pub const LIFETIME: Duration = Duration::from_secs(600);
/// How long what became of a code is remembered after its end.
pub const KEPT: Duration = Duration::from_secs(600);
/// How long a device waits between two questions, until it is told to wait longer.
const INTERVAL: Duration = Duration::from_secs(5);
