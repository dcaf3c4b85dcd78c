//! Renders, validates, starts, watches, reloads and kicks Dovecot and Postfix.
//!
//! One neutral [`MailSystem`] describes the instance. [`render`](render::render) turns it into the
//! files of both engines, [`files`] puts them in force atomically, and [`Engines`] runs the engines
//! as children. The host's own Dovecot and Postfix are never touched.
//!
//! To support another release of an engine: a line in [`version`], a renderer beside the others in
//! `dovecot/` or `postfix/`, its snapshot, and the black-box tests run against it.

pub mod check;
pub mod description;
mod dovecot;
pub mod kick;
pub mod layout;
mod postfix;
pub mod render;
pub mod rendered;
pub mod version;

pub use description::MailSystem;
