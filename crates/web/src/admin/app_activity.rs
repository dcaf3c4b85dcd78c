//! What went wrong with an app of late: refused sign-ins, redirects that nobody registered, and why it
//! does not hear that sessions ended.

use super::app_head::{Head, Tab};
use super::apps::{of, path_of};
use super::sign_ins::{Row as AttemptRow, rows as attempt_rows};
use crate::error::Failure;
use crate::page::Page;
use crate::parts::{Empty, When};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::attempts::AttemptFilter;
use app::domains::Page as Wanted;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use model::oauth_app::OauthApp;
use oidc::op::difference::{DiffPart, difference};
use oidc::op::redirect::RegisteredRedirect;

/// Refused attempts shown on one page.
const SHOWN: u32 = 20;
/// The fact of a refusal that holds the redirect an app sent.
const RECEIVED: &str = "received";

/// The routes of this page.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new().get(Policy::Administrator, "/admin/apps/{id}/activity", activity)
}

#[derive(Template)]
#[template(path = "admin/app_activity.html")]
struct ActivityPage {
    shell: AdminShell,
    head: Head,
    rows: Vec<AttemptRow>,
    wrong: Vec<WrongRedirect>,
    behind: Option<Behind>,
    empty: Option<Empty>,
}

/// It is not told that sessions ended, for now.
struct Behind {
    problem: String,
    since: When,
    again: When,
}

/// A redirect that an app sent and nobody registered.
struct WrongRedirect {
    received: String,
    parts: Vec<DiffPart>,
    /// The settings with it filled in, if it can be registered.
    add: Option<String>,
}

/// The redirects among refusals that are registered by now neither, each once.
fn wrong_redirects(app: &OauthApp, rows: &[AttemptRow]) -> Vec<WrongRedirect> {
    let registered = &app.settings.redirects;
    let mut found: Vec<WrongRedirect> = Vec::new();
    for row in rows {
        let facts = row.attempt.refusal.as_ref().map(|refusal| &refusal.facts);
        let Some(received) = facts.and_then(|facts| facts.get(RECEIVED)) else {
            continue;
        };
        let known =
            registered.contains(received) || found.iter().any(|one| one.received == *received);
        if known {
            continue;
        }
        let can = RegisteredRedirect::parse(received).is_ok();
        let add = can.then(|| super::list::with_query(&path_of(app.id), &[("redirect", received)]));
        found.push(WrongRedirect {
            received: received.clone(),
            parts: difference(received, registered).unwrap_or_default(),
            add,
        });
    }
    found
}

async fn activity(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let app = of(&state, &id).await?;
    let filter = AttemptFilter {
        refused: true,
        code: None,
        app: Some(app.id),
    };
    let wanted = Wanted {
        limit: SHOWN,
        ..Wanted::default()
    };
    let listed = state.app.attempts(filter, wanted).await?;
    let behind = state.app.not_told(app.id).await?.map(|not_told| Behind {
        problem: not_told.problem,
        since: When::exactly(not_told.since),
        again: When::exactly(not_told.again),
    });
    let providers = state.app.providers().await?;
    let rows = attempt_rows(listed.rows, &providers, state.app.now());
    Ok(Page(ActivityPage {
        shell: admin.shell(AdminEntry::Apps),
        head: Head::of(&app, Tab::Activity),
        wrong: wrong_redirects(&app, &rows),
        behind,
        empty: rows.is_empty().then(|| {
            Empty::new(
                "Nothing was refused",
                "When a sign-in to this app goes wrong, it is here with its reason.",
            )
        }),
        rows,
    })
    .into_response())
}
