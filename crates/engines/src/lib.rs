//! Renders, validates, starts, watches, reloads and kicks Dovecot and Postfix.
//!
//! One neutral [`MailSystem`] describes the instance. [`render`](render::render) turns it into the
//! files of both engines, [`files`] puts them in force atomically, and [`Engines`] runs the engines
//! as children. The host's own Dovecot and Postfix are never touched.
//!
//! To support another release of an engine: a line in [`version`], a renderer beside the others in
//! `dovecot/` or `postfix/`, its snapshot, and the black-box tests run against it.

pub mod accounts;
mod addresses;
pub mod certs;
pub mod check;
mod command;
pub mod description;
mod dovecot;
pub mod files;
mod internal_tls;
pub mod kick;
pub mod layout;
pub mod post;
mod postfix;
pub mod prepare;
mod processes;
pub mod programs;
pub mod render;
pub mod rendered;
pub mod supervise;
pub mod validate;
pub mod version;

pub use addresses::AddressError;
pub use command::CommandError;
pub use description::MailSystem;
pub use internal_tls::InternalTlsError;
pub use supervise::Engines;
