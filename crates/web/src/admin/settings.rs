//! Settings that are changed while the server runs: how long records are kept, which claims are
//! private.

use super::form::{FormPage, problems_of};
use crate::error::Failure;
use crate::form::Posted;
use crate::parts::{Field, Link, Notice, Problems};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::AdminEntry;
use crate::state::WebState;
use app::settings::{Records, Retention};
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use model::time::DAY;
use serde::Deserialize;

const HERE: &str = AdminEntry::Settings.path();

/// The routes of this page.
#[must_use]
pub fn routes() -> Routes<WebState> {
    let admin = Policy::Administrator;
    Routes::new().get(admin, HERE, show).post(admin, HERE, save)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Typed {
    keep_attempts: String,
    keep_mail_attempts: String,
    keep_audit: String,
    private_claims: String,
}

impl Typed {
    async fn now(state: &WebState) -> Result<Self, Failure> {
        let set = state.app.retention().await?;
        let days = |records| set.of(records).map_or_else(String::new, |d| d.to_string());
        Ok(Self {
            keep_attempts: days(Records::Attempts),
            keep_mail_attempts: days(Records::MailAttempts),
            keep_audit: days(Records::Audit),
            private_claims: state.app.private_claims().await?.join("\n"),
        })
    }

    fn retention(&self, problems: &mut Problems) -> Retention {
        let mut days = |typed: &str, records: Records| match typed.trim() {
            "" => None,
            typed => typed
                .parse()
                .inspect_err(|_| problems.add(records.field(), "Write a number of days."))
                .ok(),
        };
        Retention {
            keep_attempts: days(&self.keep_attempts, Records::Attempts),
            keep_mail_attempts: days(&self.keep_mail_attempts, Records::MailAttempts),
            keep_audit: days(&self.keep_audit, Records::Audit),
        }
    }

    fn page(self, state: &WebState, admin: &Administrator, problems: Problems) -> Response {
        let field = |records: Records, label: &'static str, typed: String| {
            let (bounds, none) = (records.bounds(), Retention::default());
            let file = state.app.kept_for(&none, records).as_secs() / DAY.as_secs();
            let (least, most) = (*bounds.start(), *bounds.end());
            Field::number(records.field(), label, typed)
                .help(format!(
                    "Days, {least} to {most}. Empty: {file}, as the configuration file has it."
                ))
                .attribute("min", least.to_string())
                .attribute("max", most.to_string())
                .short()
                .problem(problems.of(records.field()))
        };
        FormPage {
            shell: admin.shell(AdminEntry::Settings),
            back: Link::new(AdminEntry::Overview.path(), "Overview"),
            title: "Settings".to_owned(),
            intro: "What is older than it is kept goes within minutes of saving, for good. The \
                counts behind the charts stay for a year."
                .to_owned(),
            action: HERE.to_owned(),
            hidden: vec![],
            fields: vec![
                field(Records::Attempts, "Attempts on the web", self.keep_attempts),
                field(
                    Records::MailAttempts,
                    "Attempts of mail programs",
                    self.keep_mail_attempts,
                ),
                field(Records::Audit, "Record of changes", self.keep_audit),
                Field::area("private_claims", "Private claims", self.private_claims, 6)
                    .help(
                        "One name a line. Their values are hidden on every page, in the command \
                         line and in JSON, until an administrator opens those of one attempt, \
                         which is written down.",
                    )
                    .problem(problems.of("private_claims")),
            ],
            submit: "Save",
            danger: false,
            apart: None,
            problems,
        }
        .answer()
    }
}

async fn show(State(state): State<WebState>, admin: Administrator) -> Result<Response, Failure> {
    let typed = Typed::now(&state).await?;
    Ok(typed.page(&state, &admin, Problems::new()))
}

async fn save(
    State(state): State<WebState>,
    admin: Administrator,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let mut problems = Problems::new();
    let retention = typed.retention(&mut problems);
    if !problems.is_empty() {
        return Ok(typed.page(&state, &admin, problems));
    }
    let names = typed.private_claims.lines().map(str::to_owned).collect();
    let actor = admin.actor();
    let saved = match state.app.set_retention(&actor, retention).await {
        Ok(()) => state.app.set_private_claims(&actor, names).await.map(drop),
        Err(problem) => Err(problem),
    };
    match saved {
        Ok(()) => {
            admin.tell(Notice::done("The settings are saved."));
            Ok(Redirect::to(HERE).into_response())
        }
        Err(problem) => Ok(typed.page(&state, &admin, problems_of(problem, "", &[])?)),
    }
}
