//! Where a person is signed in, and their local password if they have one.

use super::device_words::browser;
use crate::error::Failure;
use crate::form::{Posted, Typed};
use crate::page::Page;
use crate::parts::{Field, Notice, Problems, State as Standing, Tag, When};
use crate::problem::in_form;
use crate::route::{Policy, Routes};
use crate::session::{Person, Visitor};
use crate::shell::{PersonEntry, PersonShell};
use crate::state::WebState;
use app::local_password::{MAX_CHARS, MIN_CHARS};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;
use model::ids::SessionId;
use model::session::Session;
use model::time::Timestamp;
use serde::Deserialize;

/// The routes of this page.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .get(Policy::Person, PersonEntry::Security.path(), show)
        .post(Policy::Person, "/security/password", change_password)
        .post(Policy::Person, "/security/sessions/end-others", end_others)
        .post(Policy::Person, "/security/sessions/{id}/end", end)
}

#[derive(Template)]
#[template(path = "pages/security.html")]
struct SecurityPage {
    shell: PersonShell,
    sessions: Vec<Row>,
    own_password: bool,
    provider: Option<String>,
    fields: [Field; 2],
    problems: Problems,
    now: Timestamp,
}

struct Row {
    session: Session,
    by: String,
    browser: String,
    this: Option<Tag>,
}

impl SecurityPage {
    async fn of(state: &WebState, person: &Person, problems: Problems) -> Result<Self, Failure> {
        let providers = state.app.providers().await?;
        let by = |session: &Session| {
            let provider = session
                .provider
                .map(|id| providers.iter().find(|row| row.id == id));
            match provider {
                None => "your password here".to_owned(),
                Some(Some(provider)) => provider.settings.name.clone(),
                Some(None) => "a provider that was removed".to_owned(),
            }
        };
        let sessions = state.app.sessions_of(person.principal()).await?;
        let own = person.session.provider;
        let row = |session: Session| Row {
            by: by(&session),
            browser: browser(&session.user_agent),
            this: (session.id == person.session.id).then(|| Tag::new(Standing::Ok, "This one")),
            session,
        };
        Ok(Self {
            shell: person.shell(PersonEntry::Security),
            sessions: sessions.into_iter().map(row).collect(),
            own_password: person.mailbox.methods.local,
            provider: own
                .and_then(|id| providers.iter().find(|row| row.id == id))
                .map(|provider| provider.settings.name.clone()),
            fields: [
                Field::secret("old", "Current password", "current-password")
                    .required()
                    .problem(problems.of("old")),
                Field::secret("password", "New password", "new-password")
                    .help(format!(
                        "At least {MIN_CHARS} characters; a few words are easiest to remember."
                    ))
                    .at_most(MAX_CHARS)
                    .required()
                    .problem(problems.of("password")),
            ],
            problems,
            now: state.app.now(),
        })
    }
}

async fn show(State(state): State<WebState>, person: Person) -> Result<Response, Failure> {
    let page = SecurityPage::of(&state, &person, Problems::new()).await?;
    Ok(Page(page).into_response())
}

#[derive(Debug, Deserialize)]
struct NewPassword {
    old: Typed,
    password: Typed,
}

async fn change_password(
    State(state): State<WebState>,
    person: Person,
    Visitor(client): Visitor,
    Posted(form): Posted<NewPassword>,
) -> Result<Response, Failure> {
    let (mailbox, session) = (person.mailbox.id, person.session.id);
    let changed = state
        .app
        .change_password(mailbox, session, form.old.0, form.password.0, &client)
        .await;
    match changed {
        Ok(()) => {
            person.tell(Notice::done(
                "Your password is changed. Other browsers are signed out; mail programs that used \
                 the old one must be given the new one.",
            ));
            Ok(Redirect::to(PersonEntry::Security.path()).into_response())
        }
        Err(problem) => {
            let page = SecurityPage::of(&state, &person, in_form(problem)?).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Page(page)).into_response())
        }
    }
}

#[derive(Debug, Deserialize)]
struct Yes {}

async fn end_others(
    State(state): State<WebState>,
    person: Person,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Redirect, Failure> {
    let ended = state
        .app
        .end_other_sessions(person.principal(), person.session.id)
        .await?;
    person.tell(Notice::done(match ended {
        0 => "There was no other browser to sign out.".to_owned(),
        1 => "1 other browser is signed out.".to_owned(),
        more => format!("{more} other browsers are signed out."),
    }));
    Ok(Redirect::to(PersonEntry::Security.path()))
}

async fn end(
    State(state): State<WebState>,
    person: Person,
    Path(id): Path<String>,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Redirect, Failure> {
    let id: SessionId = id.parse().map_err(|_| Failure::not_found())?;
    state.app.end_session(person.principal(), id).await?;
    person.tell(Notice::done("That browser is signed out."));
    Ok(Redirect::to(PersonEntry::Security.path()))
}
