//! Background checks of a provider that have stopped, and letting them go on.

use super::fix::path_of;
use super::form::Yes;
use crate::error::Failure;
use crate::form::Posted;
use crate::parts::{Notice, When};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::state::WebState;
use axum::extract::{Path, State};
use axum::response::Redirect;
use model::provider::Provider;

/// The routes of this act.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new().post(
        Policy::Administrator,
        "/admin/providers/{name}/resume-checks",
        resume,
    )
}

/// What is said while they have stopped.
pub(super) fn stopped(provider: &Provider) -> Option<String> {
    let since = When::exactly(provider.checks_stopped?);
    Some(format!(
        "{} said of too many people at once that they are gone, so nobody is asked about since {}. \
         People go on working. Look at the provider first; then resume the background checks.",
        provider.settings.name,
        since.text()
    ))
}

async fn resume(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Redirect, Failure> {
    let provider = state.app.resume_checks(&admin.actor(), &name).await?;
    let shown = &provider.settings.name;
    admin.tell(Notice::done(format!("Background checks of {shown} go on.")));
    Ok(Redirect::to(&path_of(&provider.slug)))
}
