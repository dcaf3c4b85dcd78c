//! From an error to its message and exit code.
//!
//! ```text
//! error[SSO-403]: example.org has no free mailbox (50 of 50)
//! help: gatepost domain edit example.org --max-mailboxes 60
//! more: gatepost help SSO-403
//! ```

use std::io;
use std::process::ExitCode;

use app::providers::UNTESTED;
use app::{FieldProblem, Problem, explain};
use model::address::{Address, DomainName};
use model::outcome::Refusal;

use super::output;
use crate::administration::{AskError, OpenError};
use crate::config::ConfigError;
use crate::exit;
use crate::keeper::KeeperError;

/// The command line asks for something that cannot be.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Usage(pub(super) String);

/// The person at the terminal decided otherwise.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotDone(pub(super) String);

/// Ctrl-C.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(super) struct Interrupted;

/// Prints the error and returns its exit code.
pub(super) fn report(error: &anyhow::Error) -> ExitCode {
    if let Some(AskError::Problem(problem)) = error.downcast_ref::<AskError>() {
        tell(problem);
    } else if error.downcast_ref::<Interrupted>().is_none() {
        output::problem(&format!("error: {}", words(error)));
    }
    if let Some(ConfigError::Read { .. }) = error.downcast_ref::<ConfigError>() {
        output::problem("help: name the file with --config FILE or GATEPOST_CONFIG");
    }
    ExitCode::from(exit_code(error))
}

/// The error with its causes, except those that it tells itself.
fn words(error: &anyhow::Error) -> String {
    let mut words = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !words.ends_with(&cause) {
            words = format!("{words}: {cause}");
        }
    }
    words
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if let Some(error) = error.downcast_ref::<KeeperError>() {
        error.exit_code()
    } else if let Some(error) = error.downcast_ref::<AskError>() {
        match error {
            AskError::Problem(problem) => of_problem(problem),
            AskError::Lost(_) => exit::UNREACHABLE,
            AskError::Unknown(_) => exit::FAILED,
        }
    } else if let Some(error) = error.downcast_ref::<OpenError>() {
        of_opening(error)
    } else if error.is::<ConfigError>() {
        exit::CONFIG_INVALID
    } else if error.is::<Usage>() {
        exit::USAGE
    } else if error.is::<Interrupted>() {
        exit::INTERRUPTED
    } else {
        exit::FAILED
    }
}

fn of_problem(problem: &Problem) -> u8 {
    match problem {
        Problem::Invalid(fields) if is_untested(fields) => exit::CONFLICT,
        Problem::Invalid(_) => exit::USAGE,
        Problem::NotFound(_) => exit::NOT_FOUND,
        Problem::Exists(_)
        | Problem::Stale
        | Problem::Refused(_)
        | Problem::InUse(_)
        | Problem::Throttled { .. } => exit::CONFLICT,
        Problem::Unavailable(_) => exit::UNREACHABLE,
    }
}

/// Nothing typed is wrong: a test is missing.
fn is_untested(fields: &[FieldProblem]) -> bool {
    fields.iter().all(|field| field.field == UNTESTED)
}

fn of_opening(error: &OpenError) -> u8 {
    let denied = |source: &io::Error| source.kind() == io::ErrorKind::PermissionDenied;
    match error {
        OpenError::NotPermitted { .. } => exit::NOT_PERMITTED,
        OpenError::NoStore { .. } => exit::NOT_FOUND,
        OpenError::Busy(_) => exit::CONFLICT,
        OpenError::Socket { .. } => exit::UNREACHABLE,
        OpenError::Place(place) if place.source_is(denied) => exit::NOT_PERMITTED,
        OpenError::Place(_) => exit::CONFLICT,
        OpenError::Store(_) => exit::FAILED,
    }
}

fn tell(problem: &Problem) {
    match problem {
        Problem::Invalid(fields) => {
            for field in fields {
                output::problem(&format!("error: {}: {}", field.field, field.message));
            }
            if is_untested(fields) {
                output::problem(
                    "help: gatepost provider test SLUG, then this again; or this with --untested",
                );
            }
        }
        Problem::Refused(refusal) => {
            let code = refusal.code;
            output::problem(&format!("error[{code}]: {}", refusal.admin()));
            if let Some(command) = remedy(refusal) {
                output::problem(&format!("help: {command}"));
            }
            output::problem(&format!("more: gatepost help {code}"));
        }
        other => output::problem(&format!("error: {other}")),
    }
}

/// The command that mends a refusal, if it says whom it met.
fn remedy(refusal: &Refusal) -> Option<String> {
    let fact = |name: &str| refusal.facts.get(name).map(String::as_str);
    let whole = fact("address").and_then(|address| Address::parse(address).ok());
    let address = whole.or_else(|| {
        let domain = DomainName::parse(fact("domain")?).ok()?;
        // Only the domain counts then.
        Address::at("postmaster", &domain).ok()
    })?;
    Some(explain::command(&address, refusal))
}
