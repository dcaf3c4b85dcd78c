//! What the administrator's forms share: their page, the question before an act, and reading what
//! was typed.

use crate::error::Failure;
use crate::page::Page;
use crate::parts::{Field, Link, Problems, Question};
use crate::problem::in_form;
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use app::import::parse_size;
use app::step_up;
use app::{FieldProblem, Problem};
use askama::Template;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use model::address::{Address, DomainName};
use model::time::{DAY, Timestamp};
use serde::Deserialize;
use time::Date;
use time::macros::format_description;

/// The heading of the form for a new one of a kind, whose label may be a name or a few words.
pub(super) fn heading_to_add(kind: &str) -> String {
    match kind.strip_prefix("Another ") {
        Some(rest) => format!("Add another {rest}"),
        None => format!("Add {kind}"),
    }
}

/// A form on a page of its own.
#[derive(Template)]
#[template(path = "admin/form.html")]
pub(super) struct FormPage {
    /// The shell.
    pub shell: AdminShell,
    /// Where it came from; also where Cancel leads.
    pub back: Link,
    /// The heading.
    pub title: String,
    /// A sentence below it; may be empty.
    pub intro: String,
    /// What is wrong with what was sent.
    pub problems: Problems,
    /// Where it is posted.
    pub action: String,
    /// Fields nobody types.
    pub hidden: Vec<(&'static str, String)>,
    /// Fields people type.
    pub fields: Vec<Field>,
    /// The word on its button.
    pub submit: &'static str,
    /// Its button takes something away from somebody.
    pub danger: bool,
    /// A page that asks before something destructive, below the form.
    pub apart: Option<Link>,
}

impl FormPage {
    /// The page: 422 if something is wrong with what was sent.
    pub fn answer(self) -> Response {
        let status = status_of(&self.problems);
        (status, Page(self)).into_response()
    }
}

/// The status of a form: 422 if something is wrong with what was sent.
pub(super) fn status_of(problems: &Problems) -> StatusCode {
    if problems.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    }
}

#[derive(Template)]
#[template(path = "admin/question.html")]
struct QuestionPage {
    shell: AdminShell,
    question: Question,
}

/// The page that asks before an act.
pub(super) fn ask(admin: &Administrator, here: AdminEntry, question: Question) -> Response {
    Page(QuestionPage {
        shell: admin.shell(here),
        question,
    })
    .into_response()
}

/// The answer to a question: a form without fields of its own.
#[derive(Debug, Deserialize)]
pub(super) struct Yes {}

/// What is wrong with a form, in the words for administrators. `places` says at which field of the
/// form a field of the use case stands, where the two differ; something that does not exist is
/// told at the field `missing`, because an administrator named it there.
///
/// # Errors
/// The problem is not about the form: stale, or not available.
pub(super) fn problems_of(
    problem: Problem,
    missing: &'static str,
    places: &[(&str, &'static str)],
) -> Result<Problems, Failure> {
    let mut problems = Problems::new();
    let placed = |field: FieldProblem| {
        let place = places.iter().find(|(theirs, _)| *theirs == field.field);
        FieldProblem {
            field: place.map_or(field.field, |(_, ours)| (*ours).to_owned()),
            ..field
        }
    };
    match problem {
        Problem::Invalid(fields) => {
            return in_form(Problem::Invalid(fields.into_iter().map(placed).collect()));
        }
        Problem::Exists(field) => return in_form(Problem::Exists(placed(field))),
        Problem::NotFound(what) => problems.add(missing, format!("There is no {what}.")),
        Problem::Refused(refusal) => {
            problems.add("", format!("{} ({})", refusal.admin(), refusal.code));
        }
        other => return in_form(other),
    }
    Ok(problems)
}

/// The administrator's own password, for an act that asks for it once more.
pub(super) fn own_password(help: &'static str, problems: &Problems) -> Field {
    Field::secret(step_up::FIELD, "Your own password", "current-password")
        .help(help)
        .problem(problems.of(step_up::FIELD))
}

/// A form that does one thing to what its page showed.
#[derive(Debug, Deserialize)]
pub(super) struct Seen {
    pub modified: i64,
}

/// The instant a form was made from, as its hidden field carries it.
pub(super) fn seen(modified: i64) -> Option<Timestamp> {
    Some(Timestamp(modified))
}

/// The address a path names.
pub(super) fn address(name: &str) -> Result<Address, Failure> {
    Address::parse(name).map_err(|_| Failure::not_found())
}

/// The domain a path names.
pub(super) fn domain(name: &str) -> Result<DomainName, Failure> {
    DomainName::parse(name).map_err(|_| Failure::not_found())
}

/// A typed size; empty text means `empty`. What is wrong is noted at `field`.
pub(super) fn size(typed: &str, empty: i64, field: &'static str, problems: &mut Problems) -> i64 {
    if typed.trim().is_empty() {
        return empty;
    }
    parse_size(typed).unwrap_or_else(|| {
        problems.add(field, "Write a size such as 5 GiB or 300 MiB.");
        empty
    })
}

/// A size as [`size`] reads it back exactly.
pub(super) fn size_text(bytes: i64) -> String {
    let units = [
        (1 << 40, "TiB"),
        (1 << 30, "GiB"),
        (1 << 20, "MiB"),
        (1 << 10, "KiB"),
    ];
    let unit = units
        .iter()
        .find(|(unit, _)| bytes != 0 && bytes % unit == 0);
    unit.map_or_else(
        || bytes.to_string(),
        |(unit, name)| format!("{} {name}", bytes / unit),
    )
}

/// The instant at which a typed last day is over, in UTC; `None` for an empty text.
pub(super) fn last_day(
    typed: &str,
    field: &'static str,
    problems: &mut Problems,
) -> Option<Timestamp> {
    let typed = typed.trim();
    if typed.is_empty() {
        return None;
    }
    let Ok(date) = Date::parse(typed, format_description!("[year]-[month]-[day]")) else {
        problems.add(
            field,
            "Write the day as year-month-day, such as 2027-01-31.",
        );
        return None;
    };
    let begins = date.midnight().assume_utc().unix_timestamp();
    Some(Timestamp::from_secs(begins).plus(DAY))
}

/// The last day before `end`, as [`last_day`] reads it.
pub(super) fn day_text(end: Option<Timestamp>) -> String {
    end.map(|end| Timestamp(end.0 - 1).date())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_as_they_are_read() {
        for bytes in [
            0,
            1,
            1023,
            1 << 10,
            300 << 20,
            5 << 30,
            (5 << 30) + 1,
            3 << 40,
        ] {
            let mut problems = Problems::new();
            assert_eq!(size(&size_text(bytes), -1, "quota", &mut problems), bytes);
            assert!(problems.is_empty());
        }
        let mut problems = Problems::new();
        assert_eq!(size("much", 7, "quota", &mut problems), 7);
        assert!(problems.of("quota").is_some());
    }

    #[test]
    fn a_last_day_is_shown_as_it_is_read() {
        let mut problems = Problems::new();
        let end = last_day("2027-01-31", "until", &mut problems);
        assert_eq!(day_text(end), "2027-01-31");
        assert_eq!(last_day(" ", "until", &mut problems), None);
        assert!(problems.is_empty());
        assert_eq!(last_day("31.1.2027", "until", &mut problems), None);
        assert!(problems.of("until").is_some());
    }
}
