//! Local administrators.

use super::form::{FormPage, Yes, ask, problems_of};
use crate::error::Failure;
use crate::form::{Posted, Typed as Secret};
use crate::page::Page;
use crate::parts::{Field, Icon, Link, Notice, Problems, Question, State as Standing, Tag, When};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::admins::{Admin, NewAdmin};
use app::local_password::{MAX_CHARS, MIN_CHARS};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

const LIST: &str = AdminEntry::Administrators.path();

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .get(Policy::Administrator, LIST, list)
        .post(Policy::Administrator, LIST, create)
        .get(Policy::Administrator, "/admin/administrators/new", new)
        .get(
            Policy::Administrator,
            "/admin/administrators/{id}/reset",
            show_reset,
        )
        .post(
            Policy::Administrator,
            "/admin/administrators/{id}/reset",
            reset,
        )
        .get(
            Policy::Administrator,
            "/admin/administrators/{id}/delete",
            ask_to_delete,
        )
        .post(
            Policy::Administrator,
            "/admin/administrators/{id}/delete",
            delete,
        )
}

#[derive(Template)]
#[template(path = "admin/administrators.html")]
struct ListPage {
    shell: AdminShell,
    admins: Vec<Row>,
    alone: bool,
}

struct Row {
    admin: Admin,
    you: Option<Tag>,
}

async fn list(State(state): State<WebState>, admin: Administrator) -> Result<Response, Failure> {
    let admins = state.app.admins().await?;
    let row = |row: Admin| Row {
        you: (row.id == admin.admin.id).then(|| Tag::new(Standing::Neutral, "You")),
        admin: row,
    };
    Ok(Page(ListPage {
        shell: admin.shell(AdminEntry::Administrators),
        alone: admins.len() == 1,
        admins: admins.into_iter().map(row).collect(),
    })
    .into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Typed {
    name: String,
    email: String,
    password: Secret,
}

/// The fields of a new administrator, here and at set-up.
pub(super) fn fields(name: &str, email: &str, problems: &Problems) -> Vec<Field> {
    vec![
        Field::code("name", "Name", name)
            .help("For signing in: letters, digits and . _ -, no @")
            .autocomplete("username")
            .at_most(64)
            .required()
            .problem(problems.of("name")),
        Field::code("email", "E-mail", email)
            .help("Where mail about this server goes.")
            .autocomplete("email")
            .at_most(254)
            .required()
            .problem(problems.of("email")),
        new_password(problems),
    ]
}

fn new_password(problems: &Problems) -> Field {
    Field::secret("password", "Password", "new-password")
        .help(format!(
            "At least {MIN_CHARS} characters; a few words are easiest to remember."
        ))
        .at_most(MAX_CHARS)
        .required()
        .problem(problems.of("password"))
}

async fn new(admin: Administrator) -> Response {
    new_page(&admin, &Typed::default(), Problems::new())
}

fn new_page(admin: &Administrator, typed: &Typed, problems: Problems) -> Response {
    FormPage {
        shell: admin.shell(AdminEntry::Administrators),
        back: Link::new(LIST, "Administrators"),
        title: "Add an administrator".to_owned(),
        intro: "Local administrators can sign in when every provider is down.".to_owned(),
        action: LIST.to_owned(),
        hidden: vec![],
        fields: fields(&typed.name, &typed.email, &problems),
        submit: "Add administrator",
        danger: false,
        apart: None,
        problems,
    }
    .answer()
}

async fn create(
    State(state): State<WebState>,
    admin: Administrator,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let new = NewAdmin {
        name: typed.name.clone(),
        email: typed.email.clone(),
        password: typed.password.0.clone(),
    };
    match state.app.create_admin(&admin.actor(), new).await {
        Ok(added) => {
            admin.tell(Notice::done(format!(
                "The administrator {} is added.",
                added.name
            )));
            Ok(Redirect::to(LIST).into_response())
        }
        Err(problem) => Ok(new_page(&admin, &typed, problems_of(problem, "", &[])?)),
    }
}

async fn show_reset(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let other = of(&state, &id).await?;
    Ok(reset_page(&admin, &other, Problems::new()))
}

fn reset_page(admin: &Administrator, other: &Admin, problems: Problems) -> Response {
    let own = other.id == admin.admin.id;
    FormPage {
        shell: admin.shell(AdminEntry::Administrators),
        back: Link::new(LIST, "Administrators"),
        title: format!("New password for {}", other.name),
        intro: if own {
            "You are signed out everywhere and sign in again with the new one.".to_owned()
        } else {
            format!("{} is signed out everywhere.", other.name)
        },
        action: format!("{LIST}/{}/reset", other.id),
        hidden: vec![],
        fields: vec![new_password(&problems)],
        submit: "Set password",
        danger: false,
        apart: None,
        problems,
    }
    .answer()
}

#[derive(Debug, Deserialize)]
struct NewPassword {
    #[serde(default)]
    password: Secret,
}

async fn reset(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
    Posted(form): Posted<NewPassword>,
) -> Result<Response, Failure> {
    let other = of(&state, &id).await?;
    match state
        .app
        .reset_admin(&admin.actor(), &other.name, form.password.0)
        .await
    {
        Ok(()) => {
            admin.tell(Notice::done(format!("{} has a new password.", other.name)));
            Ok(Redirect::to(LIST).into_response())
        }
        Err(problem) => Ok(reset_page(&admin, &other, problems_of(problem, "", &[])?)),
    }
}

async fn ask_to_delete(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let other = of(&state, &id).await?;
    let mut lines = vec![format!(
        "{} is signed out and cannot sign in any more.",
        other.name
    )];
    if other.id == admin.admin.id {
        lines.insert(0, "This is you.".to_owned());
    }
    let question = Question {
        title: format!("Delete the administrator {}?", other.name),
        lines,
        action: format!("{LIST}/{}/delete", other.id),
        act: "Delete",
        danger: true,
        back: LIST.to_owned(),
        hidden: vec![],
        token: admin.token.clone(),
    };
    Ok(ask(&admin, AdminEntry::Administrators, question))
}

async fn delete(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Redirect, Failure> {
    let other = of(&state, &id).await?;
    state.app.delete_admin(&admin.actor(), &other.name).await?;
    admin.tell(Notice::done(format!(
        "The administrator {} is deleted.",
        other.name
    )));
    Ok(Redirect::to(LIST))
}

async fn of(state: &WebState, id: &str) -> Result<Admin, Failure> {
    let admins = state.app.admins().await?;
    let found = admins.into_iter().find(|admin| admin.id.to_string() == id);
    found.ok_or_else(Failure::not_found)
}
