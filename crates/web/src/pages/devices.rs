//! Devices and mail programs: a person's app passwords.

use super::device_words::{purpose, suggested_name};
use crate::error::Failure;
use crate::form::Posted;
use crate::page::Page;
use crate::parts::{
    Copied, Field, Icon, Notice, Opt, Problems, Question, State as Standing, Tag, When,
};
use crate::problem::in_form;
use crate::route::{Policy, Routes};
use crate::session::{Person, Visitor};
use crate::shell::{PersonEntry, PersonShell};
use crate::state::WebState;
use app::devices::{MailServer, NewDevice};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;
use model::app_password::{AppPassword, NAME_CHARS, grouped};
use model::ids::AppPasswordId;
use model::protocol::{Protocol, Protocols};
use model::time::{DAY, Timestamp};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use std::time::Duration;
use time::Date;
use time::macros::format_description;

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .get(Policy::Person, PersonEntry::Devices.path(), list)
        .post(Policy::Person, PersonEntry::Devices.path(), create)
        .get(Policy::Person, "/devices/new", new)
        .get(Policy::Person, "/devices/{id}", show)
        .get(Policy::Person, "/devices/{id}/made", made)
        .get(Policy::Person, "/devices/{id}/revoke", ask_to_revoke)
        .post(Policy::Person, "/devices/{id}/revoke", revoke)
}

/// An app password that nobody used for so long was probably never set up.
const NEVER_USED_AFTER: u32 = 30;

/// How long after its making a device's page waits for the first connection.
const FRESH: Duration = Duration::from_secs(3600);

#[derive(Template)]
#[template(path = "pages/devices.html")]
struct ListPage {
    shell: PersonShell,
    devices: Vec<Device>,
    mail_programs: bool,
    now: Timestamp,
}

/// An app password with its words.
struct Device {
    row: AppPassword,
    state: Option<Tag>,
}

impl Device {
    fn of(row: AppPassword, now: Timestamp) -> Self {
        let ended = row.ends.is_some_and(|ends| ends <= now);
        let unused = row.last_used.is_none() && now.since(row.created) > DAY * NEVER_USED_AFTER;
        let state = if ended {
            Some(Tag::new(Standing::Error, "Ended"))
        } else {
            unused.then(|| Tag::new(Standing::Warn, "Never used"))
        };
        Self { row, state }
    }

    /// Whether somebody may still be setting it up, so that the page says when it connects.
    fn is_fresh(&self, now: Timestamp) -> bool {
        now.since(self.row.created) < FRESH
    }

    fn made(&self) -> When {
        When::day(self.row.created)
    }

    /// The last day it works on.
    fn last_day(&self) -> Option<When> {
        let ends = self.row.ends?;
        Some(When::day(ends.minus(Duration::from_secs(1))))
    }

    fn protocols(&self) -> String {
        let labels: Vec<&str> = self.row.protocols.iter().map(Protocol::label).collect();
        labels.join(", ")
    }
}

async fn list(State(state): State<WebState>, person: Person) -> Result<Page<ListPage>, Failure> {
    let now = state.app.now();
    let rows = state.app.devices_of(person.mailbox.id).await?;
    Ok(Page(ListPage {
        shell: person.shell(PersonEntry::Devices),
        devices: rows.into_iter().map(|row| Device::of(row, now)).collect(),
        mail_programs: !person.mailbox.protocols.is_empty(),
        now,
    }))
}

#[derive(Template)]
#[template(path = "pages/device_new.html")]
struct NewPage {
    shell: PersonShell,
    problems: Problems,
    fields: [Field; 3],
}

#[derive(Debug, Default, Deserialize)]
struct DeviceForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    protocols: Vec<Protocol>,
    #[serde(default)]
    ends: String,
}

async fn new(person: Person, Visitor(client): Visitor) -> Page<NewPage> {
    let form = DeviceForm {
        name: suggested_name(&client.user_agent).to_owned(),
        protocols: vec![Protocol::Imap, Protocol::Smtp],
        ends: String::new(),
    };
    Page(NewPage::of(&person, &form, Problems::new()))
}

impl NewPage {
    fn of(person: &Person, form: &DeviceForm, problems: Problems) -> Self {
        let allowed = person.mailbox.protocols;
        let option = |protocol: Protocol| {
            Opt::new(
                protocol.name(),
                purpose(protocol),
                form.protocols.contains(&protocol),
            )
        };
        Self {
            shell: person.shell(PersonEntry::Devices),
            fields: [
                Field::text("name", "Name", form.name.as_str())
                    .help(
                        "So that you recognise it in your list: “Alice's phone”, “Office printer”.",
                    )
                    .at_most(NAME_CHARS)
                    .autocomplete("off")
                    .required()
                    .problem(problems.of("name")),
                Field::checks(
                    "protocols",
                    "What it may do",
                    allowed.iter().map(option).collect(),
                )
                .problem(problems.of("protocols")),
                Field::date("ends", "Last day", form.ends.as_str())
                    .help("After this day its password stops working. Leave it empty for no end.")
                    .optional()
                    .problem(problems.of("ends")),
            ],
            problems,
        }
    }
}

async fn create(
    State(state): State<WebState>,
    person: Person,
    Posted(form): Posted<DeviceForm>,
) -> Result<Response, Failure> {
    let wrong = |problems| {
        let page = NewPage::of(&person, &form, problems);
        Ok((StatusCode::UNPROCESSABLE_ENTITY, Page(page)).into_response())
    };
    let Ok(ends) = end_of(&form.ends) else {
        let mut problems = Problems::new();
        problems.add(
            "ends",
            "Write the day as year-month-day, such as 2027-01-31.",
        );
        return wrong(problems);
    };
    let add = |set: Protocols, protocol: &Protocol| set.with(*protocol, true);
    let new = NewDevice {
        name: form.name.clone(),
        protocols: form.protocols.iter().fold(Protocols::NONE, add),
        ends,
    };
    match state
        .app
        .create_device(&person.actor(), person.mailbox.id, new)
        .await
    {
        Ok(made) => {
            let id = made.device.id;
            state
                .made
                .put((person.session.id, id), made, state.app.now());
            Ok(Redirect::to(&format!("/devices/{id}/made")).into_response())
        }
        Err(problem) => wrong(in_form(problem)?),
    }
}

/// The instant at which a last day is over, in UTC.
fn end_of(day: &str) -> Result<Option<Timestamp>, time::error::Parse> {
    let day = day.trim();
    if day.is_empty() {
        return Ok(None);
    }
    let date = Date::parse(day, format_description!("[year]-[month]-[day]"))?;
    let begins = date.midnight().assume_utc().unix_timestamp();
    Ok(Some(Timestamp::from_secs(begins).plus(DAY)))
}

#[derive(Template)]
#[template(path = "pages/device_made.html")]
struct MadePage {
    shell: PersonShell,
    device: Device,
    rows: Vec<Copied>,
    servers: Vec<ServerRows>,
    now: Timestamp,
}

/// What to enter for one direction of mail.
struct ServerRows {
    title: String,
    rows: Vec<Copied>,
}

impl ServerRows {
    fn of(protocols: Protocols, servers: &[MailServer]) -> Vec<Self> {
        let wanted = servers
            .iter()
            .filter(|server| protocols.contains(server.protocol));
        let rows = |(n, server): (usize, &MailServer)| Self {
            title: match server.protocol {
                Protocol::Imap => format!("Incoming mail (IMAP, {})", server.security),
                Protocol::Pop3 => format!("Incoming mail (POP3, {})", server.security),
                Protocol::Smtp => format!("Outgoing mail (SMTP, {})", server.security),
                Protocol::Sieve => format!("Filters (Sieve, {})", server.security),
            },
            rows: vec![
                Copied::new(format!("server-{n}"), "Server", &server.host),
                Copied::new(format!("port-{n}"), "Port", server.port),
            ],
        };
        wanted.enumerate().map(rows).collect()
    }
}

#[derive(Template)]
#[template(path = "pages/device_gone.html")]
struct GonePage {
    shell: PersonShell,
    device: Device,
}

/// The password and what goes with it, once; a reload says that it was shown.
async fn made(
    State(state): State<WebState>,
    person: Person,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let device = of(&state, &person, &id).await?;
    let now = state.app.now();
    let shell = person.shell(PersonEntry::Devices);
    let Some(made) = state.made.take(&(person.session.id, device.row.id), now) else {
        return Ok((StatusCode::GONE, Page(GonePage { shell, device })).into_response());
    };
    let servers = ServerRows::of(device.row.protocols, &state.app.server_settings().servers);
    Ok(Page(MadePage {
        rows: vec![
            Copied::new("user", "User name", &person.mailbox.address),
            Copied::new(
                "password",
                "Password",
                grouped(&made.secret).expose_secret(),
            )
            .copying(made.secret)
            .large(),
        ],
        shell,
        device,
        servers,
        now,
    })
    .into_response())
}

#[derive(Template)]
#[template(path = "pages/device.html")]
struct DevicePage {
    shell: PersonShell,
    device: Device,
    servers: Vec<ServerRows>,
    now: Timestamp,
}

async fn show(
    State(state): State<WebState>,
    person: Person,
    Path(id): Path<String>,
) -> Result<Page<DevicePage>, Failure> {
    let device = of(&state, &person, &id).await?;
    Ok(Page(DevicePage {
        shell: person.shell(PersonEntry::Devices),
        servers: ServerRows::of(device.row.protocols, &state.app.server_settings().servers),
        device,
        now: state.app.now(),
    }))
}

#[derive(Template)]
#[template(path = "pages/device_revoke.html")]
struct RevokePage {
    shell: PersonShell,
    question: Question,
}

async fn ask_to_revoke(
    State(state): State<WebState>,
    person: Person,
    Path(id): Path<String>,
) -> Result<Page<RevokePage>, Failure> {
    let device = of(&state, &person, &id).await?;
    Ok(Page(RevokePage {
        shell: person.shell(PersonEntry::Devices),
        question: Question {
            title: format!("Revoke “{}”?", device.row.name),
            lines: vec![
                "Its password stops working at once, and mail programs that use it are \
                 disconnected. This cannot be undone; you can set the device up again."
                    .to_owned(),
            ],
            action: format!("/devices/{}/revoke", device.row.id),
            act: "Revoke",
            danger: true,
            back: PersonEntry::Devices.path().to_owned(),
            hidden: vec![],
            token: person.token.clone(),
        },
    }))
}

#[derive(Debug, Deserialize)]
struct Yes {}

async fn revoke(
    State(state): State<WebState>,
    person: Person,
    Path(id): Path<String>,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Redirect, Failure> {
    let device = of(&state, &person, &id).await?;
    state
        .app
        .revoke_device(&person.actor(), person.mailbox.id, device.row.id)
        .await?;
    person.tell(Notice::done(format!(
        "“{}” is revoked. Its password no longer works.",
        device.row.name
    )));
    Ok(Redirect::to(PersonEntry::Devices.path()))
}

/// One of the person's own devices; another's is as unknown as one that does not exist.
async fn of(state: &WebState, person: &Person, id: &str) -> Result<Device, Failure> {
    let id: AppPasswordId = id.parse().map_err(|_| Failure::not_found())?;
    let rows = state.app.devices_of(person.mailbox.id).await?;
    let row = rows.into_iter().find(|row| row.id == id);
    let row = row.ok_or_else(Failure::not_found)?;
    Ok(Device::of(row, state.app.now()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_day_counts_until_its_end() {
        assert_eq!(end_of(" ").unwrap(), None);
        let end = end_of("2026-11-22").unwrap().unwrap();
        assert_eq!(end, Timestamp::from_secs(1_795_392_000));
        for bad in [
            "22.11.2026",
            "2026-13-01",
            "2026-02-30",
            "tomorrow",
            "2026-11-22T10:00",
        ] {
            assert!(end_of(bad).is_err(), "{bad}");
        }
    }
}
