//! What a use case could not do, as a page says it.

use crate::error::Failure;
use crate::parts::Problems;
use app::Problem;
use http::StatusCode;

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Invalid(_) => {
                let words = problem.to_string();
                Self::new(StatusCode::UNPROCESSABLE_ENTITY).saying(words)
            }
            Problem::Exists(field) => {
                Self::new(StatusCode::CONFLICT).saying(sentence(&field.message))
            }
            Problem::Stale => Self::stale(),
            Problem::NotFound(what) => Self::not_found().saying(format!("There is no {what}.")),
            Problem::Refused(refusal) => {
                let status = StatusCode::from_u16(refusal.code.entry().status);
                Self::new(status.unwrap_or(StatusCode::FORBIDDEN)).saying(refusal.person())
            }
            Problem::InUse(words) => Self::new(StatusCode::CONFLICT).saying(sentence(&words)),
            Problem::Throttled { wait_seconds } => Self::new(StatusCode::TOO_MANY_REQUESTS)
                .saying(format!("Too many tries. Wait {}.", wait(wait_seconds))),
            Problem::Unavailable(cause) => Self::unavailable(cause),
        }
    }
}

/// What is wrong with a form, where the form can be shown again with what was typed; anything else
/// is a failure of the request.
///
/// # Errors
/// The failure.
pub fn in_form(problem: Problem) -> Result<Problems, Failure> {
    let mut problems = Problems::new();
    match problem {
        Problem::Invalid(fields) => {
            for field in fields {
                problems.add(field.field, sentence(&field.message));
            }
        }
        Problem::Exists(field) => problems.add(field.field, sentence(&field.message)),
        Problem::InUse(words) => problems.add("", sentence(&words)),
        Problem::Throttled { wait_seconds } => {
            problems.add("", format!("Too many tries. Wait {}.", wait(wait_seconds)));
        }
        Problem::Refused(refusal) => problems.add("", refusal.person()),
        other => return Err(other.into()),
    }
    Ok(problems)
}

/// Words of a use case as a sentence: capital letter and full stop.
fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    let Some(first) = chars.next() else {
        return String::new();
    };
    let end = if words.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{}{}{end}", first.to_uppercase(), chars.as_str())
}

fn wait(seconds: u64) -> String {
    match seconds {
        1 => "1 second".to_owned(),
        0..=90 => format!("{seconds} seconds"),
        more => format!("{} minutes", more.div_ceil(60)),
    }
}
