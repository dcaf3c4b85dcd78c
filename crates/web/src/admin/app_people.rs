//! Who connected an app.

use super::app_head::{Head, Tab};
use super::apps::{of, path_of};
use super::form::{Yes, ask};
use super::list::{Turn, count};
use crate::error::Failure;
use crate::form::Posted;
use crate::page::Page;
use crate::parts::{Empty, Notice, Question, When};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::domains::Page as Wanted;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use model::ids::MailboxId;
use serde::Deserialize;

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    let admin = Policy::Administrator;
    Routes::new()
        .get(admin, "/admin/apps/{id}/people", people)
        .get(
            admin,
            "/admin/apps/{id}/people/{name}/disconnect",
            ask_to_disconnect,
        )
        .post(
            admin,
            "/admin/apps/{id}/people/{name}/disconnect",
            disconnect,
        )
}

#[derive(Template)]
#[template(path = "admin/app_people.html")]
struct PeoplePage {
    shell: AdminShell,
    head: Head,
    path: String,
    rows: Vec<PersonRow>,
    empty: Option<Empty>,
    turn: Turn,
}

struct PersonRow {
    mailbox: MailboxId,
    address: String,
    page: String,
    scopes: String,
    asked: &'static str,
    since: When,
    used: When,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    after: String,
}

async fn people(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let app = of(&state, &id).await?;
    let wanted = Wanted {
        after: Some(asked.after.clone()).filter(|after| !after.is_empty()),
        ..Wanted::default()
    };
    let listed = state.app.app_people(app.id, wanted).await?;
    let path = format!("{}/people", path_of(app.id));
    let now = state.app.now();
    let rows: Vec<_> = listed
        .rows
        .into_iter()
        .map(|person| PersonRow {
            mailbox: person.connection.mailbox,
            page: super::mailboxes::path_of(&person.address),
            address: person.address.to_string(),
            scopes: person.connection.scopes.replace(' ', ", "),
            asked: if person.connection.asked {
                "allowed it"
            } else {
                "was not asked"
            },
            since: When::exactly(person.connection.since),
            used: When::ago(person.connection.last_used, now),
        })
        .collect();
    Ok(Page(PeoplePage {
        shell: admin.shell(AdminEntry::Apps),
        head: Head::of(&app, Tab::People),
        empty: (rows.is_empty() && asked.after.is_empty()).then(|| {
            Empty::new(
                "Nobody has connected it yet",
                "Whoever signs in to this app is listed here, with its last use.",
            )
        }),
        turn: Turn::of(
            count(rows.len(), "person on this page", "people on this page"),
            &path,
            &[],
            &asked.after,
            listed.next.as_deref(),
            listed.previous.as_deref(),
        ),
        path,
        rows,
    })
    .into_response())
}

async fn ask_to_disconnect(
    State(state): State<WebState>,
    admin: Administrator,
    Path((id, name)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let app = of(&state, &id).await?;
    let mailbox = mailbox_id(&name)?;
    let address = state.app.connected_address(app.id, mailbox).await?;
    let path = format!("{}/people", path_of(app.id));
    let question = Question {
        title: format!("Disconnect {address} from {}?", app.settings.name),
        lines: vec![
            "What the app was given for them opens nothing from now on. They may connect it again."
                .to_owned(),
        ],
        action: format!("{path}/{mailbox}/disconnect"),
        act: "Disconnect",
        danger: true,
        back: path,
        hidden: vec![],
        token: admin.token.clone(),
    };
    Ok(ask(&admin, AdminEntry::Apps, question))
}

async fn disconnect(
    State(state): State<WebState>,
    admin: Administrator,
    Path((id, name)): Path<(String, String)>,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Redirect, Failure> {
    let id = of(&state, &id).await?.id;
    let mailbox = mailbox_id(&name)?;
    state
        .app
        .disconnect_person(id, mailbox, &admin.actor())
        .await?;
    admin.tell(Notice::done("Disconnected."));
    Ok(Redirect::to(&format!("{}/people", path_of(id))))
}

fn mailbox_id(name: &str) -> Result<MailboxId, Failure> {
    name.parse().map_err(|_| Failure::not_found())
}
