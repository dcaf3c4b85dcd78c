//! Switching a provider on and off. On asks for a test sign-in, or for the word that there was none.

use super::fix::path_of;
use super::form::{ask, problems_of, seen, status_of};
use super::list::count;
use crate::csrf::FormToken;
use crate::error::Failure;
use crate::form::Posted;
use crate::page::Page;
use crate::parts::{Field, Notice, Opt, Problems, Question, When};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::providers::{SecretChange, UNTESTED};
use app::step_up::Doer;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use model::provider::Provider;
use serde::Deserialize;

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    let admin = Policy::Administrator;
    Routes::new()
        .get(admin, "/admin/providers/{name}/switch", ask_to_switch)
        .post(admin, "/admin/providers/{name}/switch", switch)
}

#[derive(Debug, Deserialize)]
struct Switched {
    modified: i64,
    #[serde(default)]
    untested: bool,
}

#[derive(Template)]
#[template(path = "admin/provider_switch.html")]
struct OnPage {
    shell: AdminShell,
    name: String,
    path: String,
    modified: i64,
    problems: Problems,
    /// When a test passed by it as it is.
    passed: Option<When>,
    untested: Field,
    token: FormToken,
}

fn on_page(
    state: &WebState,
    admin: &Administrator,
    provider: Provider,
    problems: Problems,
) -> Response {
    let now = state.app.now();
    let waiver = Opt::new("true", "Turn it on untested", false)
        .help("It is remembered among the changes that you did so.");
    let page = OnPage {
        shell: admin.shell(AdminEntry::Providers),
        path: path_of(&provider.slug),
        modified: provider.modified.0,
        passed: state
            .app
            .test_passed(&provider)
            .map(|at| When::ago(at, now)),
        untested: Field::checks(UNTESTED, "Without a test", vec![waiver])
            .problem(problems.of(UNTESTED)),
        name: provider.settings.name,
        token: admin.token.clone(),
        problems,
    };
    (status_of(&page.problems), Page(page)).into_response()
}

async fn ask_to_switch(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let provider = state.app.provider(&name).await?;
    if !provider.settings.active {
        return Ok(on_page(&state, &admin, provider, Problems::new()));
    }
    let path = path_of(&provider.slug);
    let line = "Its button leaves the sign-in page and nobody signs in by it. People who are \
                signed in stay so.";
    let mut lines = vec![line.to_owned()];
    lines.extend(bound_words(&state, &provider).await?);
    Ok(ask(
        &admin,
        AdminEntry::Providers,
        Question {
            title: format!("Switch {} off?", provider.settings.name),
            lines,
            action: format!("{path}/switch"),
            act: "Switch off",
            danger: true,
            back: path,
            hidden: vec![("modified", provider.modified.0.to_string())],
            token: admin.token.clone(),
        },
    ))
}

/// A sentence about the domains that are bound to a provider.
async fn bound_words(state: &WebState, provider: &Provider) -> Result<Option<String>, Failure> {
    let bound = state.app.domains_bound_to(provider.id).await?;
    Ok(match bound.as_slice() {
        [] => None,
        [one] => Some(format!(
            "People of {one} sign in by it alone: they cannot until it is on again."
        )),
        [one, more @ ..] => Some(format!(
            "People of {one} and {} sign in by it alone: they cannot until it is on again.",
            count(more.len(), "other domain", "other domains")
        )),
    })
}

async fn switch(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Posted(form): Posted<Switched>,
) -> Result<Response, Failure> {
    let provider = state.app.provider(&name).await?;
    let mut settings = provider.settings.clone();
    settings.active = !settings.active;
    let turned_on = settings.active;
    let doer = Doer::from(&admin.actor()).untested(form.untested);
    let saved = state
        .app
        .edit_provider(
            doer,
            &name,
            settings,
            SecretChange::Keep,
            seen(form.modified),
        )
        .await;
    match saved {
        Ok(saved) => {
            let shown = saved.provider.settings.name;
            let said = if turned_on { "on" } else { "off" };
            admin.tell(Notice::done(format!("{shown} is switched {said}.")));
            Ok(Redirect::to(&path_of(&name)).into_response())
        }
        Err(problem) if turned_on => {
            let problems = problems_of(problem, "", &[])?;
            Ok(on_page(&state, &admin, provider, problems))
        }
        Err(problem) => Err(problem.into()),
    }
}
