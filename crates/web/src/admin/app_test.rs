//! What an app would receive for a person: decided and made by the code of the real answers.

use super::app_head::{Head, Tab};
use super::apps::{of, path_of};
use super::{domains, mailboxes};
use crate::error::Failure;
use crate::page::Page;
use crate::parts::{
    Check, Checks, Code as Block, Empty, Field, Link, Problems, State as Standing, Verdict,
};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::oauth::received::{AppMend, AppTest, Received, default_scopes};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use model::address::Address;
use serde::Deserialize;

/// The route of this page.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new().get(Policy::Administrator, "/admin/apps/{id}/test", test)
}

#[derive(Template)]
#[template(path = "admin/app_test.html")]
struct TestPage {
    shell: AdminShell,
    head: Head,
    fields: [Field; 2],
    problems: Problems,
    told: Option<Told>,
    empty: Option<Empty>,
}

/// The answer.
struct Told {
    verdict: Verdict,
    /// What the person reads, and where the code is explained.
    refused: Option<(String, Link)>,
    mailbox: Option<Link>,
    consent: Option<String>,
    scopes: String,
    /// What was asked for and is not granted.
    dropped: String,
    ways: Option<Checks>,
    received: Vec<Part>,
    otherwise: Vec<String>,
}

/// One answer that the app receives.
struct Part {
    title: String,
    about: String,
    block: Block,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    person: String,
    scopes: String,
}

async fn test(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let app = of(&state, &id).await?;
    let path = path_of(app.id);
    let mut problems = Problems::new();
    let scopes = Some(asked.scopes.trim()).filter(|scopes| !scopes.is_empty());
    let told = match asked.person.trim() {
        "" => None,
        person => match state.app.test_app(app.id, person, scopes).await {
            Ok(test) => Some(Told::of(test, &path)),
            Err(problem) => {
                problems = super::form::problems_of(problem, "person", &[])?;
                None
            }
        },
    };
    let usual = default_scopes(&app.settings);
    let status = super::form::status_of(&problems);
    let page = TestPage {
        shell: admin.shell(AdminEntry::Apps),
        head: Head::of(&app, Tab::Test),
        empty: (told.is_none() && problems.is_empty()).then(|| {
            Empty::new(
                "Whose sign-in?",
                "Name somebody, and see whether they may use the app and everything it would \
                 receive: the answers themselves, made as the real ones are.",
            )
        }),
        fields: [
            Field::text("person", "Address of the person", asked.person)
                .help("They need not be there, and are not told.")
                .required()
                .problem(problems.of("person")),
            Field::text("scopes", "What the app asks for", scopes.unwrap_or(usual))
                .help("Scopes, separated by spaces. Filled in with what the app's guide has.")
                .problem(problems.of("scopes")),
        ],
        problems,
        told,
    };
    Ok((status, Page(page)).into_response())
}

impl Told {
    fn of(test: AppTest, path: &str) -> Self {
        let address = Address::parse(&test.address).ok();
        let standing = match (&test.refusal, test.gets_in()) {
            (Some(_), _) => Standing::Error,
            (None, false) => Standing::Warn,
            (None, true) => Standing::Ok,
        };
        let mut verdict = Verdict::new(standing, test.sentence());
        if let Some(refusal) = &test.refusal {
            verdict = verdict.because(refusal.admin());
        }
        let mend = test.mend.and_then(|mend| match mend {
            AppMend::App => Some(Link::new(path, "Open the app's settings")),
            AppMend::Mailbox => {
                let there = mailboxes::path_of(address.as_ref()?);
                Some(Link::new(there, "Open the mailbox"))
            }
            AppMend::Domain => {
                let there = domains::path_of(&address.as_ref()?.domain());
                Some(Link::new(there, "Open the domain"))
            }
        });
        if let Some(mend) = mend {
            verdict = verdict.with(mend);
        }
        let lines = test.ways.into_iter().enumerate();
        let lines: Vec<_> = lines
            .map(|(n, way)| {
                let standing = if way.open {
                    Standing::Ok
                } else {
                    Standing::Warn
                };
                Check::new(format!("way-{n}"), standing, way.words)
            })
            .collect();
        let granted: Vec<_> = test.scopes.split(' ').collect();
        let mut dropped = test.asked.split(' ').collect::<Vec<_>>();
        dropped.retain(|scope| !granted.contains(scope));
        Self {
            verdict,
            refused: test.refusal.as_ref().map(|refusal| {
                let words = format!("{}: what it means", refusal.code);
                (
                    refusal.person(),
                    Link::new(format!("/help/codes/{}", refusal.code), words),
                )
            }),
            mailbox: address
                .as_ref()
                .map(|address| Link::new(mailboxes::path_of(address), "Open the mailbox")),
            consent: test.consent,
            dropped: match test.scopes.as_str() {
                "" => String::new(),
                _ => dropped.join(" "),
            },
            scopes: test.scopes,
            ways: (!lines.is_empty()).then(|| Checks::new("How they come to the app", lines)),
            received: test.received.into_iter().map(Part::of).collect(),
            otherwise: test.otherwise,
        }
    }
}

impl Part {
    fn of(received: Received) -> Self {
        Self {
            block: Block::new(received.what, received.title.as_str(), received.text),
            title: received.title,
            about: received.about,
        }
    }
}
