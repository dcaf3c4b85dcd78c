//! A person's first page.

use crate::error::Failure;
use crate::page::Page;
use crate::parts::{Notice, State as Standing, When, bytes};
use crate::route::{Policy, Routes};
use crate::session::Person;
use crate::shell::{PersonEntry, PersonShell};
use crate::state::WebState;
use app::sessions::Who;
use app::sign_in::SignedIn;
use askama::Template;
use axum::extract::State;
use model::rules::confirmation;
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
    standing: Option<Notice>,
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
        standing: standing(&state, &person).await?,
        mail_programs: !person.mailbox.protocols.is_empty(),
    }))
}

/// Tells that mail programs, and websites that go on alone, stop soon or have stopped, for want of a
/// provider's word. A sign-in by the provider mends both, so the way there is part of it.
async fn standing(state: &WebState, person: &Person) -> Result<Option<Notice>, Failure> {
    let now = state.app.now();
    let Some(standing) = state.app.standing(person.mailbox.id).await? else {
        return Ok(None);
    };
    const AGAIN: &str = "Sign out and sign in again by your company's sign-in.";
    if confirmation::stands(&standing, now).is_err() {
        let words = format!(
            "Your mail programs, and websites that go on without you, have stopped. {AGAIN}"
        );
        return Ok(Some(Notice::new(Standing::Error, words)));
    }
    Ok(standing.near(now).map(|end| {
        let day = When::day(end).text();
        let words = format!(
            "Your mail programs, and websites that go on without you, stop on {day}. {AGAIN}"
        );
        Notice::new(Standing::Warn, words)
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
