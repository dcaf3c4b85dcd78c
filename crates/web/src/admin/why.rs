//! Why somebody can or cannot sign in: a verdict, the gates in order, the last attempts.

use super::fix;
use super::sign_ins::{Row, rows};
use crate::error::Failure;
use crate::page::Page;
use crate::parts::{Checks, Code as Block, Field, Link, Problems, State as Standing, Verdict};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::attempts::AttemptFilter;
use app::domains::Page as Wanted;
use app::explain::{Explanation, Verdict as Found};
use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use model::attempt::{Step, StepState};
use model::ids::ProviderId;
use model::provider::Provider;
use serde::Deserialize;

const HERE: &str = AdminEntry::Why.path();
/// Failing people shown before anybody is named.
const LAST: u32 = 10;

/// The routes of this page.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new().get(Policy::Administrator, HERE, show)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    who: String,
}

#[derive(Template)]
#[template(path = "admin/why.html")]
struct WhyPage {
    shell: AdminShell,
    field: Field,
    problems: Problems,
    answer: Option<Answer>,
    rows: Vec<Row>,
}

struct Answer {
    address: String,
    verdict: Verdict,
    help: Option<Link>,
    command: Option<Block>,
    gates: Checks,
    mailbox: Option<Link>,
}

async fn show(
    State(state): State<WebState>,
    admin: Administrator,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let providers = state.app.providers().await?;
    let now = state.app.now();
    let mut problems = Problems::new();
    let explained = match asked.who.trim() {
        "" => None,
        who => match state.app.explain(who).await {
            Ok(explained) => Some(explained),
            Err(problem) => {
                problems = super::form::problems_of(problem, "who", &[])?;
                None
            }
        },
    };
    let (answer, attempts) = match explained {
        Some(mut explained) => {
            let attempts = std::mem::take(&mut explained.attempts);
            // The words may be those of the last attempt, and are about its provider then.
            let by = attempts.first().and_then(|attempt| attempt.provider);
            (Some(Answer::of(explained, by, &providers)), attempts)
        }
        None => {
            let filter = AttemptFilter {
                refused: true,
                code: None,
            };
            let last = Wanted {
                limit: LAST,
                ..Wanted::default()
            };
            (None, state.app.attempts(filter, last).await?.rows)
        }
    };
    let status = super::form::status_of(&problems);
    let page = WhyPage {
        shell: admin.shell(AdminEntry::Why),
        field: Field::search("who", "Address or reference", asked.who)
            .help("alice@example.org, or the reference the person reads to you, such as 7K4Q-M2XD.")
            .required()
            .problem(problems.of("who")),
        problems,
        answer,
        rows: rows(attempts, &providers, now),
    };
    Ok((status, Page(page)).into_response())
}

impl Answer {
    fn of(explained: Explanation, by: Option<ProviderId>, providers: &[Provider]) -> Self {
        let (standing, title) = match explained.verdict {
            Found::BlockedNow => (Standing::Error, "Blocked now"),
            Found::WouldWorkNow => (Standing::Ok, "Would work now"),
            Found::CouldNotTell => (Standing::Warn, "Could not tell"),
        };
        let refusal = explained.blocked.as_ref();
        let provider = refusal.and_then(|refusal| fix::provider_of(providers, by, refusal));
        let button =
            refusal.and_then(|refusal| fix::button(refusal, Some(&explained.address), provider));
        let slug = provider.map_or("SLUG", |provider| &provider.slug);
        let verdict = Verdict::new(standing, title).because(explained.sentence);
        let mut gates = explained.gates;
        if let (Found::BlockedNow, Some(refusal)) = (explained.verdict, &explained.blocked) {
            gates.push(Step {
                gate: refusal.title(),
                state: StepState::Blocked,
                evidence: refusal.code.to_string(),
                took_ms: None,
            });
        }
        let exists = gates
            .iter()
            .any(|step| step.gate == "mailbox" && step.state == StepState::Ok);
        let address = model::address::Address::parse(&explained.address).ok();
        Self {
            verdict: match button {
                Some(button) => verdict.with(button),
                None => verdict,
            },
            help: explained
                .blocked
                .as_ref()
                .map(|refusal| fix::help(refusal.code)),
            command: explained
                .fix
                .filter(|(_, command)| command.starts_with("gatepost "))
                .map(|(_, command)| command.replace("SLUG", slug))
                .map(|command| Block::new("command", "On the command line", command)),
            gates: Checks::new("What is asked, in order", fix::lines(&gates, None)),
            mailbox: address
                .filter(|_| exists)
                .map(|address| Link::new(super::mailboxes::path_of(&address), "Open the mailbox")),
            address: explained.address,
        }
    }
}
