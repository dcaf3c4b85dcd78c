//! Dovecot's configuration. One file per release line; `conf` writes the syntax they share.

mod conf;
mod limits;
pub mod v2_3;
