//! Learning the issuer of a provider that was set up by endpoints.

use super::fix::path_of;
use super::form::{FormPage, problems_of};
use crate::error::Failure;
use crate::form::Posted;
use crate::parts::{Field, Link, Notice, Problems, State as Standing};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::AdminEntry;
use crate::state::WebState;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

/// The routes of this page.
#[must_use]
pub fn routes() -> Routes<WebState> {
    let path = "/admin/providers/{name}/issuer";
    Routes::new()
        .get(Policy::Administrator, path, show)
        .post(Policy::Administrator, path, learn)
}

#[derive(Debug, Default, Deserialize)]
struct Typed {
    #[serde(default)]
    issuer: String,
}

async fn page(
    state: &WebState,
    admin: &Administrator,
    slug: &str,
    typed: Typed,
    problems: Problems,
) -> Result<Response, Failure> {
    let provider = state.app.provider(slug).await?;
    let path = path_of(&provider.slug);
    let name = provider.settings.name;
    let links = match state.app.links_to_move(slug).await? {
        0 => "Nobody is linked to it yet.".to_owned(),
        1 => "The link of 1 person moves to the issuer; they keep their mailbox.".to_owned(),
        1001 => "The links of more than 1000 people move to the issuer; all keep their mailboxes."
            .to_owned(),
        many => {
            format!("The links of {many} people move to the issuer; all keep their mailboxes.")
        }
    };
    let page = FormPage {
        shell: admin.shell(AdminEntry::Providers),
        back: Link::new(path.clone(), name.clone()),
        title: format!("Learn the issuer of {name}?"),
        intro: format!(
            "{links} Its discovery document is read first and must name the hosts of the endpoints \
             typed so far; else nothing changes."
        ),
        action: format!("{path}/issuer"),
        hidden: Vec::new(),
        fields: vec![
            Field::url("issuer", "Issuer", typed.issuer)
                .required()
                .help("As the provider states it, or the address of its discovery document.")
                .problem(problems.of("issuer")),
        ],
        problems,
        submit: "Learn the issuer",
        danger: false,
        apart: None,
    };
    Ok(page.answer())
}

async fn show(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    page(&state, &admin, &name, Typed::default(), Problems::new()).await
}

async fn learn(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let learned = state
        .app
        .learn_issuer(&admin.actor(), &name, &typed.issuer)
        .await;
    match learned {
        Ok(learned) => {
            let saved = learned.saved;
            let shown = &saved.provider.settings.name;
            let words = format!(
                "{shown} is known by its issuer now; links moved: {}.",
                learned.moved
            );
            let notice = if saved.notes.is_empty() {
                Notice::done(words)
            } else {
                Notice::new(Standing::Warn, format!("{words} {}", saved.notes.join(" ")))
            };
            admin.tell(notice);
            Ok(Redirect::to(&path_of(&name)).into_response())
        }
        Err(problem) => {
            let problems = problems_of(problem, "issuer", &[("", "issuer")])?;
            page(&state, &admin, &name, typed, problems).await
        }
    }
}
