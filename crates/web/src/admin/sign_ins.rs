//! Recorded attempts to sign in.

use super::fix;
use super::form::{Yes, ask};
use super::list::{Chip, Turn, count, with_query};
use crate::error::Failure;
use crate::form::Posted;
use crate::page::Page;
use crate::parts::{
    Checks, Copied, Empty, Field, Link, Notice, Opt, Question, State as Standing, Tag, Verdict,
    When,
};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::attempts::AttemptFilter;
use app::domains::Page as Wanted;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use model::attempt::{Attempt, Door, Reference, SeenClaim};
use model::outcome::{Code, Refusal, Remedy};
use model::provider::Provider;
use model::rules::privacy::HIDDEN;
use model::time::Timestamp;
use serde::Deserialize;

const LIST: &str = AdminEntry::SignIns.path();

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    let admin = Policy::Administrator;
    Routes::new()
        .get(admin, LIST, list)
        .get(admin, "/admin/sign-ins/{name}", show)
        .post(admin, "/admin/sign-ins/{name}/open", open)
        .get(admin, "/admin/sign-ins/{name}/clear", ask_to_clear)
        .post(admin, "/admin/sign-ins/{name}/clear", clear)
}

/// Where the page of an attempt is.
pub(super) fn path_of(reference: &Reference) -> String {
    format!("{LIST}/{reference}")
}

/// An attempt as a row of a table.
pub(super) struct Row {
    /// The attempt.
    pub attempt: Attempt,
    /// By what it came.
    pub door: String,
    /// How it ended.
    pub ended: Tag,
    /// Where its page is.
    pub path: String,
    /// When it was.
    pub at: When,
    /// The provider's certificate was not checked.
    pub unchecked: Option<Tag>,
}

/// Attempts as rows.
pub(super) fn rows(attempts: Vec<Attempt>, providers: &[Provider], now: Timestamp) -> Vec<Row> {
    let row = |attempt: Attempt| Row {
        door: door(&attempt, providers),
        ended: ended(&attempt),
        path: path_of(&attempt.reference),
        at: When::ago(attempt.at, now),
        unchecked: attempt
            .ignored_tls()
            .then(|| Tag::new(Standing::Error, "TLS errors ignored")),
        attempt,
    };
    attempts.into_iter().map(row).collect()
}

impl Row {
    /// The address it was about.
    pub fn who(&self) -> &str {
        self.attempt.address.as_deref().unwrap_or("not known")
    }
}

fn door(attempt: &Attempt, providers: &[Provider]) -> String {
    let provider = providers
        .iter()
        .find(|provider| Some(provider.id) == attempt.provider);
    match (attempt.door, provider) {
        (Door::Provider, Some(provider)) => provider.settings.name.clone(),
        (Door::Provider, None) => "a provider".to_owned(),
        (Door::Local, _) => "local password".to_owned(),
        (Door::App, _) => "an app".to_owned(),
        (Door::Mail(protocol), _) => protocol.label().to_owned(),
    }
}

fn ended(attempt: &Attempt) -> Tag {
    match (&attempt.refusal, attempt.notice) {
        (Some(refusal), _) => Tag::new(Standing::Error, refusal.code.id()),
        (None, Some(notice)) => Tag::new(Standing::Warn, format!("In, {notice}")),
        (None, None) => Tag::new(Standing::Ok, "In"),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    q: String,
    show: String,
    code: String,
    after: String,
}

#[derive(Template)]
#[template(path = "admin/sign_ins.html")]
struct ListPage {
    shell: AdminShell,
    rows: Vec<Row>,
    filter: [Field; 3],
    chips: Vec<Chip>,
    empty: Option<Empty>,
    turn: Turn,
}

async fn list(
    State(state): State<WebState>,
    admin: Administrator,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let code: Option<Code> = asked.code.parse().ok();
    let filter = AttemptFilter {
        refused: asked.show == "refused",
        code,
        app: None,
    };
    let wanted = Wanted {
        after: Some(asked.after.clone()).filter(|after| !after.is_empty()),
        limit: 0,
        search: asked.q.clone(),
    };
    let listed = state.app.attempts(filter, wanted).await?;
    let providers = state.app.providers().await?;
    let shown = code.map(Code::id).unwrap_or_default();
    let parameters = [
        ("q", asked.q.as_str()),
        ("show", asked.show.as_str()),
        ("code", shown),
    ];
    let filtered = parameters.iter().any(|(_, value)| !value.is_empty());
    let empty = (listed.rows.is_empty() && listed.next.is_none()).then(|| {
        if filtered {
            Empty::new("No attempt fits", "Nothing recorded matches this search.")
                .with(Link::new(LIST, "Show all attempts"))
        } else {
            Empty::new(
                "Nobody has tried to sign in yet",
                "Every attempt is recorded here with its steps.",
            )
        }
    });
    let mut codes = vec![Opt::new("", "Any", shown.is_empty())];
    codes.extend(Code::ALL.iter().map(|code| {
        Opt::new(
            code,
            format!("{code}: {}", code.entry().title),
            code.id() == shown,
        )
    }));
    Ok(Page(ListPage {
        shell: admin.shell(AdminEntry::SignIns),
        turn: Turn::of(
            count(
                listed.rows.len(),
                "attempt on this page",
                "attempts on this page",
            ),
            LIST,
            &parameters,
            &asked.after,
            listed.next.as_deref(),
            listed.previous.as_deref(),
        ),
        chips: Chip::all(LIST, &parameters, |name, value| match name {
            "q" => format!("address: {value}"),
            "show" => "refused only".to_owned(),
            _ => value.to_owned(),
        }),
        filter: [
            Field::search("q", "Address", asked.q.as_str()),
            Field::select(
                "show",
                "Show",
                vec![
                    Opt::new("", "All attempts", !filter_is_refused(&asked)),
                    Opt::new("refused", "Refused only", filter_is_refused(&asked)),
                ],
            ),
            Field::select("code", "Code", codes).short(),
        ],
        rows: rows(listed.rows, &providers, state.app.now()),
        empty,
    })
    .into_response())
}

fn filter_is_refused(asked: &Asked) -> bool {
    asked.show == "refused"
}

#[derive(Template)]
#[template(path = "admin/attempt.html")]
struct AttemptPage {
    shell: AdminShell,
    row: Row,
    at: When,
    verdict: Verdict,
    reference: Copied,
    person: Option<String>,
    help: Option<Link>,
    steps: Option<Checks>,
    claims: Vec<SeenClaim>,
    /// Some values are hidden, and can be opened.
    hidden: bool,
    /// The person was proven, so that it can be decided about them again.
    replay: Option<String>,
    why: Option<String>,
}

async fn show(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let reference = Reference::parse(&name).ok_or_else(Failure::not_found)?;
    let attempt = state.app.attempt(&reference).await?;
    page(&state, &admin, attempt).await
}

/// The same with the values of private claims; that it was asked for is on record.
async fn open(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Response, Failure> {
    let reference = Reference::parse(&name).ok_or_else(Failure::not_found)?;
    let attempt = state.app.open_attempt(&admin.actor(), &reference).await?;
    page(&state, &admin, attempt).await
}

/// Asks before somebody may try again who tried too often.
async fn ask_to_clear(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let reference = Reference::parse(&name).ok_or_else(Failure::not_found)?;
    let attempt = state.app.attempt(&reference).await?;
    let remedy = attempt.refusal.as_ref().and_then(Refusal::remedy);
    if remedy != Some(Remedy::ClearTries) {
        return Err(Failure::not_found());
    }
    let path = path_of(&reference);
    let from = match attempt.ip {
        Some(ip) => format!(" from {ip}"),
        None => String::new(),
    };
    let (who, line) = match (attempt.door, attempt.address.as_deref()) {
        // Before anybody is proven, only the network is counted.
        (Door::Provider, None) => (
            "everybody",
            "How often sign-ins by a provider were begun from this network is forgotten.",
        ),
        (Door::Provider, Some(who)) => (
            who,
            "How often sign-ins by a provider were begun from this network is forgotten, and what \
             was counted of this account's password. If somebody guesses passwords from there, they \
             may go on.",
        ),
        // A row that stands for many attempts names no account to clear.
        (_, None) => return Err(Failure::not_found()),
        (_, Some(who)) => (
            who,
            "What was counted of this account and of this network is forgotten. If somebody guesses \
             passwords from there, they may go on.",
        ),
    };
    let question = Question {
        title: format!("Let {who}{from} try again?"),
        lines: vec![line.to_owned()],
        action: format!("{path}/clear"),
        act: "Clear",
        danger: false,
        back: path,
        hidden: vec![],
        token: admin.token.clone(),
    };
    Ok(ask(&admin, AdminEntry::SignIns, question))
}

async fn clear(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Redirect, Failure> {
    let reference = Reference::parse(&name).ok_or_else(Failure::not_found)?;
    state.app.clear_tries(&admin.actor(), &reference).await?;
    admin.tell(Notice::done("They may try again now."));
    Ok(Redirect::to(&path_of(&reference)))
}

async fn page(
    state: &WebState,
    admin: &Administrator,
    attempt: Attempt,
) -> Result<Response, Failure> {
    let providers = state.app.providers().await?;
    let button = attempt.refusal.as_ref().and_then(|refusal| {
        let provider = fix::provider_of(&providers, attempt.provider, refusal);
        let reference = Some(&attempt.reference);
        fix::button(refusal, attempt.address.as_deref(), provider, reference)
    });
    let verdict = match &attempt.refusal {
        Some(refusal) => {
            let verdict = Verdict::new(Standing::Error, format!("Refused: {}", refusal.code))
                .because(refusal.admin());
            match button.clone() {
                Some(button) => verdict.with(button),
                None => verdict,
            }
        }
        None => Verdict::new(Standing::Ok, "Signed in"),
    };
    let code = attempt
        .refusal
        .as_ref()
        .map(|refusal| refusal.code)
        .or(attempt.notice);
    let steps = &attempt.trace.steps;
    Ok(Page(AttemptPage {
        shell: admin.shell(AdminEntry::SignIns),
        at: When::exactly(attempt.at),
        verdict,
        reference: Copied::new("reference", "Reference", &attempt.reference),
        person: attempt.refusal.as_ref().map(Refusal::person),
        help: code.map(fix::help),
        steps: (!steps.is_empty())
            .then(|| Checks::new("Steps of this attempt", fix::lines(steps, None))),
        hidden: attempt
            .trace
            .claims
            .iter()
            .any(|claim| claim.value == HIDDEN),
        replay: attempt
            .trace
            .identity
            .is_some()
            .then(|| format!("{}/replay", path_of(&attempt.reference))),
        claims: attempt.trace.claims.clone(),
        why: attempt
            .address
            .as_deref()
            // An administrator's name: the verdict is about mailboxes.
            .filter(|name| name.contains('@'))
            .map(|address| with_query(AdminEntry::Why.path(), &[("who", address)])),
        row: rows(vec![attempt], &providers, state.app.now())
            .pop()
            .ok_or_else(Failure::not_found)?,
    })
    .into_response())
}
