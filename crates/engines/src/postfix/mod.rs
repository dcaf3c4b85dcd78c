//! Postfix's configuration. One renderer per release line.

mod main_cf;
mod master_cf;
pub mod v3_7;
