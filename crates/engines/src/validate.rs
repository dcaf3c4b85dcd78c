//! Asking the engines whether they accept a configuration, before it comes into force.

use std::path::Path;
use std::time::Duration;

use crate::command::{self, CommandError};
use crate::layout::{DOVECOT_CONF, POSTFIX_DIRECTORY};
use crate::programs::Programs;

/// An engine refused a configuration.
#[derive(Debug, thiserror::Error)]
#[error("{engine} refuses its configuration: {words}")]
pub struct Refused {
    /// `Dovecot` or `Postfix`.
    pub engine: &'static str,
    /// The engine's own words.
    pub words: String,
}

/// Generous: on a busy machine `postfix check` has taken seconds.
const LIMIT: Duration = Duration::from_secs(60);

/// Has both engines read the generation in `directory`. Creates a missing Postfix queue on the way
/// (`postfix check` does). Warnings are logged and accepted.
///
/// # Errors
/// [`Refused`] with what the engine said.
pub async fn validate(programs: &Programs, directory: &Path) -> Result<(), Refused> {
    tokio::try_join!(dovecot(programs, directory), postfix(programs, directory)).map(|_| ())
}

async fn dovecot(programs: &Programs, directory: &Path) -> Result<(), Refused> {
    let conf = directory.join(DOVECOT_CONF);
    let arguments = ["-n".as_ref(), "-c".as_ref(), conf.as_os_str()];
    let printed = command::run(&programs.doveconf, arguments, LIMIT)
        .await
        .map_err(|error| refused("Dovecot", error))?;
    warn("Dovecot", &printed.stderr);
    Ok(())
}

/// Only where it was rendered for.
async fn postfix(programs: &Programs, directory: &Path) -> Result<(), Refused> {
    let directory = directory.join(POSTFIX_DIRECTORY);
    let Some(postfix) = programs.postfix.as_ref().filter(|_| directory.is_dir()) else {
        return Ok(());
    };
    // postconf names unknown parameters, as warnings; a misspelt one would silently do nothing.
    for what in ["-n", "-P"] {
        let arguments = ["-c".as_ref(), directory.as_os_str(), what.as_ref()];
        let printed = command::run(&postfix.postconf, arguments, LIMIT)
            .await
            .map_err(|error| refused("Postfix", error))?;
        if printed.stderr.contains("unused parameter")
            || printed.stderr.contains("undefined parameter")
        {
            return Err(Refused {
                engine: "Postfix",
                words: printed.stderr.trim().to_owned(),
            });
        }
        warn("Postfix", &printed.stderr);
    }
    let arguments = ["-c".as_ref(), directory.as_os_str(), "check".as_ref()];
    let printed = command::run(&postfix.postfix, arguments, LIMIT)
        .await
        .map_err(|error| refused("Postfix", error))?;
    warn("Postfix", &printed.stderr);
    Ok(())
}

fn refused(engine: &'static str, error: CommandError) -> Refused {
    let words = match error {
        // Postfix keeps some complaints for a terminal.
        CommandError::Failed {
            program,
            status,
            words,
        } if words.is_empty() => {
            format!("{} {status}, without a word", program.display())
        }
        CommandError::Failed { words, .. } => words,
        other => other.to_string(),
    };
    Refused { engine, words }
}

fn warn(engine: &'static str, stderr: &str) {
    for line in stderr.lines().filter(|line| !line.trim().is_empty()) {
        tracing::warn!(
            engine.name = engine,
            engine.line = line,
            "engine remarks on its configuration"
        );
    }
}
