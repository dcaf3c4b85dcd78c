//! From an error to its message and exit code.

use std::process::ExitCode;

use super::output;
use crate::config::ConfigError;
use crate::exit;
use crate::keeper::KeeperError;

/// Prints the error and returns its exit code.
pub(super) fn report(error: &anyhow::Error) -> ExitCode {
    output::problem(&format!("error: {error:#}"));
    ExitCode::from(exit_code(error))
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if let Some(error) = error.downcast_ref::<KeeperError>() {
        error.exit_code()
    } else if error.downcast_ref::<ConfigError>().is_some() {
        exit::CONFIG_INVALID
    } else {
        exit::FAILED
    }
}
