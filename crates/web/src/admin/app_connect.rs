//! What is to be pasted at an app's own side.

use super::app_head::{Head, Tab};
use super::apps::{of, path_of};
use crate::error::Failure;
use crate::page::Page;
use crate::parts::{Code as Block, Copied, Notice, State as Standing};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};

/// The routes of this page.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new().get(Policy::Administrator, "/admin/apps/{id}/connect", connect)
}

#[derive(Template)]
#[template(path = "admin/app_connect.html")]
struct ConnectPage {
    shell: AdminShell,
    head: Head,
    name: String,
    steps: Vec<String>,
    values: Vec<Copied>,
    block: Option<Block>,
    remarks: Vec<String>,
    /// The secret, shown this once.
    fresh: Option<Copied>,
    /// Where a new secret is made, as a placeholder stands in for the one there is.
    renew: Option<String>,
}

async fn connect(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let app = of(&state, &id).await?;
    let key = (admin.session.id, app.id);
    let secret = state.app_secrets.take(&key, state.app.now());
    let guide = state.app.app_guide(&app, secret.as_ref());
    let values = guide.values.into_iter().enumerate();
    let renew = guide.secret_hidden;
    Ok(Page(ConnectPage {
        shell: admin.shell(AdminEntry::Apps),
        head: Head::of(&app, Tab::Connect),
        name: app.settings.name.clone(),
        steps: guide.steps,
        values: values
            .map(|(n, value)| Copied::new(format!("there-{n}"), value.field, value.value))
            .collect(),
        block: guide
            .block
            .map(|block| Block::new("there", block.title, block.text)),
        remarks: guide.remarks,
        fresh: secret.map(|secret| {
            use secrecy::ExposeSecret as _;
            Copied::new("secret", "Client secret", secret.expose_secret())
        }),
        renew: renew.then(|| format!("{}/secrets", path_of(app.id))),
    })
    .into_response())
}
