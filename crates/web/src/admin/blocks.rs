//! People who may not come back: who is blocked, blocking somebody who is linked, and letting them
//! come again.

use super::form::{FormPage, Yes, address, ask, problems_of};
use super::list::{Turn, count};
use super::mailboxes::path_of;
use crate::error::Failure;
use crate::form::Posted;
use crate::page::Page;
use crate::parts::{Empty, Field, Icon, Link, Notice, Opt, Problems, Question, When};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::Problem;
use app::domains::{Listed, Page as Wanted};
use app::mailboxes::MailboxView;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use model::address::Address;
use model::block::Block;
use model::ids::{BlockId, ProviderId};
use serde::Deserialize;

/// Where they are listed.
pub(super) const LIST: &str = "/admin/blocks";

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    let admin = Policy::Administrator;
    Routes::new()
        .get(admin, LIST, list)
        .get(admin, "/admin/blocks/{id}/lift", ask_to_lift)
        .post(admin, "/admin/blocks/{id}/lift", lift)
        .get(admin, "/admin/mailboxes/{name}/block/{id}", show_block)
        .post(admin, "/admin/mailboxes/{name}/block/{id}", block)
}

/// The choice beside switching off or deleting a mailbox; none where nobody is linked to it.
pub(super) fn choice(view: &MailboxView) -> Option<Field> {
    let names: Vec<_> = view.links.iter().map(|(_, name)| name.as_str()).collect();
    let [first, ..] = names.as_slice() else {
        return None;
    };
    let by = if names.len() == 1 {
        first
    } else {
        "their providers"
    };
    let help = format!(
        "Their sign-in by {by} stays refused, and they are given no new mailbox, until you unblock \
         them."
    );
    let option = Opt::new("true", "Do not let this person come back", false).help(help);
    Some(Field::checks("block", "Later", vec![option]))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    q: String,
    after: String,
}

#[derive(Template)]
#[template(path = "admin/blocks.html")]
struct ListPage {
    shell: AdminShell,
    rows: Vec<Row>,
    filter: [Field; 1],
    empty: Option<Empty>,
    turn: Turn,
}

struct Row {
    block: Block,
    provider: String,
    since: When,
}

async fn list(
    State(state): State<WebState>,
    admin: Administrator,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let wanted = Wanted {
        after: Some(asked.after.clone()).filter(|after| !after.is_empty()),
        limit: 0,
        search: asked.q.clone(),
    };
    let mut problems = Problems::new();
    let listed = match state.app.blocks(wanted).await {
        Ok(listed) => listed,
        Err(problem) => {
            problems = problems_of(problem, "q", &[("search", "q")])?;
            Listed {
                rows: Vec::new(),
                next: None,
                previous: None,
            }
        }
    };
    let empty = listed.rows.is_empty().then(|| {
        if asked.q.is_empty() {
            Empty::new(
                "Nobody is blocked",
                "When you switch a mailbox off or delete it, you can keep its person from coming \
                 back by their provider.",
            )
        } else {
            Empty::new(
                "Nobody is blocked who had this mailbox",
                "The search wants the whole address.",
            )
            .with(Link::new(LIST, "Show everybody who is blocked"))
        }
    });
    let providers = state.app.providers().await?;
    let row = |block: Block| Row {
        provider: providers
            .iter()
            .find(|provider| provider.namespace == block.namespace)
            .map(|provider| provider.settings.name.clone())
            .unwrap_or_default(),
        since: When::exactly(block.at),
        block,
    };
    let page = ListPage {
        shell: admin.shell(AdminEntry::Mailboxes),
        turn: Turn::of(
            count(
                listed.rows.len(),
                "person on this page",
                "people on this page",
            ),
            LIST,
            &[("q", &asked.q)],
            &asked.after,
            listed.next.as_deref(),
            listed.previous.as_deref(),
        ),
        rows: listed.rows.into_iter().map(row).collect(),
        filter: [Field::search("q", "Had the mailbox", asked.q).problem(problems.of("q"))],
        empty,
    };
    Ok((super::form::status_of(&problems), Page(page)).into_response())
}

fn id(text: &str) -> Result<BlockId, Failure> {
    text.parse().map_err(|_| Failure::not_found())
}

/// Where a block was looked at: on the page of the mailbox, as long as that has its person.
async fn shown_at(state: &WebState, block: &Block) -> Result<String, Failure> {
    let Ok(address) = Address::parse(&block.address) else {
        return Ok(LIST.to_owned());
    };
    match state.app.mailbox(&address).await {
        Ok(view) if view.blocks.iter().any(|it| it.id == block.id) => Ok(path_of(&address)),
        Ok(_) | Err(Problem::NotFound(_)) => Ok(LIST.to_owned()),
        Err(problem) => Err(problem.into()),
    }
}

async fn ask_to_lift(
    State(state): State<WebState>,
    admin: Administrator,
    Path(number): Path<String>,
) -> Result<Response, Failure> {
    let block = state.app.block(id(&number)?).await?;
    let back = shown_at(&state, &block).await?;
    let question = Question {
        title: format!("Let the person of {} come back?", block.address),
        lines: vec![
            "They can sign in by their provider again, as far as everything else allows it. What \
             was ended or deleted stays so."
                .to_owned(),
        ],
        action: format!("{LIST}/{}/lift", block.id),
        act: "Unblock",
        danger: false,
        back,
        hidden: vec![],
        token: admin.token.clone(),
    };
    Ok(ask(&admin, AdminEntry::Mailboxes, question))
}

async fn lift(
    State(state): State<WebState>,
    admin: Administrator,
    Path(number): Path<String>,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Redirect, Failure> {
    let block = state.app.block(id(&number)?).await?;
    let back = shown_at(&state, &block).await?;
    let block = state.app.unblock(&admin.actor(), block.id).await?;
    admin.tell(Notice::done(format!(
        "The person of {} is not blocked any more.",
        block.address
    )));
    Ok(Redirect::to(&back))
}

async fn show_block(
    State(state): State<WebState>,
    admin: Administrator,
    Path((name, number)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let (view, provider) = linked(&state, &name, &number).await?;
    let path = path_of(&view.mailbox.address);
    let reason = Field::text("reason", "Reason", "")
        .help("Administrators read it. The person is told only since when they may not come.")
        .at_most(200)
        .optional();
    Ok(FormPage {
        shell: admin.shell(AdminEntry::Mailboxes),
        back: Link::new(path.as_str(), view.mailbox.address.to_string()),
        title: format!("Block the person at {}?", provider.1),
        intro:
            "They are signed out and can no longer sign in by this provider, whatever becomes of \
                the mailbox. App passwords and a local password go on working: to end those too, \
                switch the mailbox off."
                .to_owned(),
        action: format!("{path}/block/{}", provider.0),
        hidden: vec![],
        fields: vec![reason],
        submit: "Block",
        danger: true,
        apart: None,
        problems: Problems::new(),
    }
    .answer())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reason {
    reason: String,
}

async fn block(
    State(state): State<WebState>,
    admin: Administrator,
    Path((name, number)): Path<(String, String)>,
    Posted(form): Posted<Reason>,
) -> Result<Redirect, Failure> {
    let (view, (provider, _)) = linked(&state, &name, &number).await?;
    let address = &view.mailbox.address;
    let (actor, only) = (admin.actor(), Some(provider));
    state
        .app
        .block_people(&actor, address, only, &form.reason)
        .await?;
    admin.tell(Notice::done(format!("The person of {address} is blocked.")));
    Ok(Redirect::to(&path_of(address)))
}

/// A mailbox, and the provider at which somebody is linked to it, with its name.
async fn linked(
    state: &WebState,
    name: &str,
    number: &str,
) -> Result<(MailboxView, (ProviderId, String)), Failure> {
    let view = state.app.mailbox(&address(name)?).await?;
    let id: ProviderId = number.parse().map_err(|_| Failure::not_found())?;
    let link = view.links.iter().find(|(link, _)| link.provider == id);
    let (_, provider) = link.ok_or_else(Failure::not_found)?;
    let provider = (id, provider.clone());
    Ok((view, provider))
}
