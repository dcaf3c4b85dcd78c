//! The order of the providers, which is that of the buttons on the sign-in page.

use crate::error::Failure;
use crate::form::Posted;
use crate::parts::Notice;
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::AdminEntry;
use crate::state::WebState;
use axum::extract::{Path, State};
use axum::response::Redirect;
use serde::Deserialize;

/// The routes of the buttons in the list.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new().post(
        Policy::Administrator,
        "/admin/providers/{name}/move",
        move_to,
    )
}

#[derive(Debug, Deserialize)]
struct Place {
    number: usize,
}

async fn move_to(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Posted(Place { number }): Posted<Place>,
) -> Result<Redirect, Failure> {
    let actor = admin.actor();
    let all = state.app.move_provider(&actor, &name, number).await?;
    if let Some(moved) = all.iter().find(|provider| provider.slug == name) {
        let words = format!("{} is number {number} now.", moved.settings.name);
        admin.tell(Notice::done(words));
    }
    Ok(Redirect::to(AdminEntry::Providers.path()))
}
