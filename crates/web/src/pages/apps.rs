//! Apps that know who a person is.

use crate::error::Failure;
use crate::form::Posted;
use crate::oauth::learns;
use crate::page::Page;
use crate::parts::{Notice, Question, When};
use crate::route::{Policy, Routes};
use crate::session::Person;
use crate::shell::{PersonEntry, PersonShell};
use crate::state::WebState;
use app::oauth::connected::Connected;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Redirect;
use model::ids::OauthAppId;
use model::time::Timestamp;
use serde::Deserialize;

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .get(Policy::Person, PersonEntry::Apps.path(), list)
        .get(Policy::Person, DISCONNECT, ask)
        .post(Policy::Person, DISCONNECT, disconnect)
}

const DISCONNECT: &str = "/apps/{id}/disconnect";

#[derive(Template)]
#[template(path = "pages/apps.html")]
struct ListPage {
    shell: PersonShell,
    apps: Vec<Connected>,
    now: Timestamp,
}

impl ListPage {
    /// What an app may know, in words.
    fn knows(app: &Connected) -> Vec<&'static str> {
        learns(&app.scopes)
    }
}

async fn list(State(state): State<WebState>, person: Person) -> Result<Page<ListPage>, Failure> {
    Ok(Page(ListPage {
        apps: state.app.connected(person.mailbox.id).await?,
        shell: person.shell(PersonEntry::Apps),
        now: state.app.now(),
    }))
}

#[derive(Template)]
#[template(path = "pages/app_disconnect.html")]
struct AskPage {
    shell: PersonShell,
    question: Question,
}

async fn ask(
    State(state): State<WebState>,
    Path(id): Path<i64>,
    person: Person,
) -> Result<Page<AskPage>, Failure> {
    let app = named(&state, &person, OauthAppId(id)).await?;
    let next = if app.unasked {
        "If you sign in there again, it may be connected again without a question: an administrator trusts it."
    } else {
        "If you sign in there again, you are asked first."
    };
    let question = Question {
        title: format!("Disconnect {}?", app.name),
        lines: vec![
            format!(
                "{} can no longer see anything about you from here.",
                app.name
            ),
            format!("You may stay signed in there until it notices. {next}"),
        ],
        action: format!("/apps/{id}/disconnect"),
        act: "Disconnect",
        danger: true,
        back: PersonEntry::Apps.path().to_owned(),
        hidden: Vec::new(),
        token: person.token.clone(),
    };
    Ok(Page(AskPage {
        shell: person.shell(PersonEntry::Apps),
        question,
    }))
}

#[derive(Debug, Deserialize)]
struct Nothing {}

async fn disconnect(
    State(state): State<WebState>,
    Path(id): Path<i64>,
    person: Person,
    Posted(Nothing {}): Posted<Nothing>,
) -> Result<Redirect, Failure> {
    let app = named(&state, &person, OauthAppId(id)).await?;
    let actor = person.actor();
    state
        .app
        .disconnect(&actor, person.mailbox.id, app.app)
        .await?;
    person.tell(Notice::done(format!("{} is disconnected.", app.name)));
    Ok(Redirect::to(PersonEntry::Apps.path()))
}

async fn named(state: &WebState, person: &Person, id: OauthAppId) -> Result<Connected, Failure> {
    let all = state.app.connected(person.mailbox.id).await?;
    let found = all.into_iter().find(|connected| connected.app == id);
    found.ok_or_else(Failure::not_found)
}
