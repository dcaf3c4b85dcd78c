//! Why somebody can or cannot sign in: a verdict, the gates in order, the last attempts.

use super::fix;
use super::list::with_query;
use super::sign_ins::{Row, rows};
use crate::error::Failure;
use crate::live;
use crate::page::Page;
use crate::parts::{Checks, Code as Block, Field, Link, Problems, State as Standing, Verdict};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::Problem;
use app::attempts::AttemptFilter;
use app::domains::Page as Wanted;
use app::explain::{Explanation, Verdict as Found};
use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use model::attempt::{Attempt, Reference, StepState};
use model::ids::ProviderId;
use model::provider::Provider;
use model::rules::gates::Gate;
use serde::Deserialize;
use tokio::sync::mpsc;

const HERE: &str = AdminEntry::Why.path();
/// Which line of the gates is the one that the provider answers: they have a fixed order.
const REACHABLE: usize = Gate::ProviderReachable as usize;
/// Failing people shown before anybody is named.
const LAST: u32 = 10;

/// The routes of this page.
#[must_use]
pub fn routes() -> Routes<WebState> {
    let admin = Policy::Administrator;
    Routes::new()
        .get(admin, HERE, show)
        .get(admin, "/admin/why/reach", reach)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    who: String,
    /// The provider is asked before the page is shown.
    check: String,
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
    others: Option<Checks>,
    mailbox: Option<Link>,
    what_if: Option<Link>,
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
        who => match explain(&state, who, !asked.check.is_empty()).await {
            Ok(explained) => Some(explained),
            Err(problem) => {
                problems = super::form::problems_of(problem, "who", &[])?;
                None
            }
        },
    };
    // Nobody was named in it: all there is to see is the attempt.
    if let Some(explained) = &explained
        && let (Some(asked), "") = (&explained.asked, explained.address.as_str())
    {
        let path = super::sign_ins::path_of(&asked.attempt.reference);
        return Ok(Redirect::to(&path).into_response());
    }
    let (answer, attempts) = match explained {
        Some(mut explained) => {
            let attempts = std::mem::take(&mut explained.attempts);
            // The words may be those of the last attempt, and are about its provider then.
            let by = attempts.first().and_then(|attempt| attempt.provider);
            let about = about(&explained, &attempts, &providers).cloned();
            let follow = asked.check.is_empty();
            (
                Some(Answer::of(
                    explained,
                    by,
                    &providers,
                    follow,
                    about.as_ref(),
                )),
                attempts,
            )
        }
        None => {
            let filter = AttemptFilter {
                refused: true,
                ..AttemptFilter::default()
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

/// The attempt that the verdict speaks of: the last one, where its words are the verdict's; else the
/// one whose claims were decided on.
fn about<'a>(
    explained: &Explanation,
    attempts: &'a [Attempt],
    providers: &[Provider],
) -> Option<&'a Reference> {
    let slug = explained.provider.as_deref();
    let by = providers.iter().find(|p| Some(p.slug.as_str()) == slug);
    let found = match explained.verdict {
        Found::CouldNotTell => attempts.first(),
        _ => attempts.iter().find(|attempt| {
            attempt.trace.identity.is_some()
                && by.is_none_or(|provider| attempt.provider == Some(provider.id))
        }),
    };
    found.map(|attempt| &attempt.reference)
}

async fn explain(state: &WebState, who: &str, check: bool) -> Result<Explanation, Problem> {
    let explained = state.app.explain(who).await?;
    match explained.provider.clone().filter(|_| check) {
        Some(slug) => Ok(explained.with(state.app.reach(&slug).await?)),
        None => Ok(explained),
    }
}

/// Streams the one line that needs the network.
async fn reach(
    State(state): State<WebState>,
    _admin: Administrator,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let explained = match state.app.explain(asked.who.trim()).await {
        Ok(explained) => explained,
        Err(Problem::Invalid(_) | Problem::NotFound(_)) => return Err(Failure::not_found()),
        Err(problem) => return Err(problem.into()),
    };
    let slug = explained.provider.ok_or_else(Failure::not_found)?;
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let Ok(reached) = state.app.reach(&slug).await else {
            return;
        };
        // The page is gone if nobody takes it.
        let _ = sender.send(fix::line(REACHABLE, &reached.step)).await;
    });
    Ok(live::checks(receiver, String::new()))
}

impl Answer {
    fn of(
        explained: Explanation,
        by: Option<ProviderId>,
        providers: &[Provider],
        follow: bool,
        about: Option<&Reference>,
    ) -> Self {
        let (standing, title) = match explained.verdict {
            Found::BlockedNow => (Standing::Error, "Blocked now"),
            Found::WouldWorkNow => (Standing::Ok, "Would work now"),
            Found::CouldNotTell => (Standing::Warn, "Could not tell"),
        };
        let refusal = explained.blocked.as_ref();
        let provider = refusal.and_then(|refusal| fix::provider_of(providers, by, refusal));
        let button = refusal
            .and_then(|refusal| fix::button(refusal, Some(&explained.address), provider, about));
        let slug = provider.map_or("SLUG", |provider| &provider.slug);
        let verdict = Verdict::new(standing, title).because(explained.sentence);
        let gates = explained.gates;
        let lines = Checks::new("What is asked, in order", fix::lines(&gates, None))
            .again_saying("Ask the provider now");
        let exists = gates
            .iter()
            .any(|step| step.gate == Gate::MailboxActive.label() && step.state == StepState::Ok);
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
            gates: match &explained.provider {
                Some(_) if follow => lines.following(
                    with_query("/admin/why/reach", &[("who", &explained.address)]),
                    with_query(HERE, &[("who", &explained.address), ("check", "yes")]),
                ),
                _ => lines,
            },
            others: (!explained.others.is_empty())
                .then(|| Checks::new("Other ways in", fix::others(&explained.others))),
            what_if: explained.provider.as_ref().map(|slug| {
                let path = with_query("/admin/what-if", &[("provider", slug)]);
                Link::new(path, "What if the provider said something else?")
            }),
            mailbox: address
                .filter(|_| exists)
                .map(|address| Link::new(super::mailboxes::path_of(&address), "Open the mailbox")),
            address: explained.address,
        }
    }
}
