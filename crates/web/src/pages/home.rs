//! A person's first page.

use crate::error::Failure;
use crate::page::Page;
use crate::parts::{Notice, State as Standing, bytes};
use crate::route::{Policy, Routes};
use crate::session::Person;
use crate::shell::{PersonEntry, PersonShell};
use crate::state::WebState;
use app::sessions::Who;
use app::sign_in::SignedIn;
use askama::Template;
use axum::extract::State;
use secrecy::ExposeSecret as _;

/// The routes of this page.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new().get(Policy::Person, PersonEntry::Home.path(), show)
}

#[derive(Template)]
#[template(path = "pages/home.html")]
struct HomePage {
    shell: PersonShell,
    name: String,
    storage: String,
    devices: usize,
    mail_programs: bool,
}

async fn show(State(state): State<WebState>, person: Person) -> Result<Page<HomePage>, Failure> {
    let devices = state.app.devices_of(person.mailbox.id).await?;
    Ok(Page(HomePage {
        shell: person.shell(PersonEntry::Home),
        name: person.mailbox.name.clone(),
        storage: match person.mailbox.quota {
            0 => "no limit".to_owned(),
            quota => bytes(quota),
        },
        devices: devices.len(),
        mail_programs: !person.mailbox.protocols.is_empty(),
    }))
}

/// Leaves a message about the sign-in itself for the first page: that the mailbox was made, or what
/// the person should notice.
pub(super) async fn greet(state: &WebState, signed_in: &SignedIn) -> Result<(), Failure> {
    let notice = match (&signed_in.who, &signed_in.notice) {
        (_, Some(notice)) => Notice::new(Standing::Neutral, notice.person()),
        (Who::Person { mailbox, .. }, None) if signed_in.created => {
            Notice::done(format!("Your mailbox {} was created.", mailbox.address))
        }
        _ => return Ok(()),
    };
    if let Some(current) = state.app.session(signed_in.token.expose_secret()).await? {
        state.tell(current.session.id, notice);
    }
    Ok(())
}
