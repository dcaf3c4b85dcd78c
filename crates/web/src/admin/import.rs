//! Mailboxes from a CSV file: tried first, then imported.

use super::form::Yes;
use super::list::count;
use super::progress::{Follower, Reporter, is_running};
use crate::csrf::{self, FormToken};
use crate::error::Failure;
use crate::form::Posted;
use crate::page::Page;
use crate::parts::{Field, Notice, Problems, State as Standing, Tag};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::App;
use app::import::{ImportFate, ImportLine};
use askama::Template;
use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{StatusCode, header};
use model::audit::Actor;
use multer::{Constraints, Multipart, SizeLimit};
use serde::Deserialize;

const HERE: &str = "/admin/mailboxes/import";
const TRIAL: &str = "/admin/mailboxes/import/trial";
const RESULT: &str = "/admin/mailboxes/import/result";
/// The largest upload: a file of 16 MiB and what frames it.
const MOST_BYTES: u64 = (16 << 20) + (64 << 10);
/// Lines shown of a result.
const MOST_LINES: usize = 200;

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .get(Policy::Administrator, HERE, show)
        .post(Policy::Administrator, HERE, begin)
        .get(Policy::Administrator, TRIAL, trial)
        .post(Policy::Administrator, "/admin/mailboxes/import/run", run)
        .get(Policy::Administrator, RESULT, result)
}

#[derive(Template)]
#[template(path = "admin/import.html")]
struct ImportPage {
    shell: AdminShell,
    field: Field,
    problems: Problems,
}

fn page(admin: &Administrator, csv: &str, problems: Problems) -> Response {
    let status = super::form::status_of(&problems);
    let page = ImportPage {
        shell: admin.shell(AdminEntry::Mailboxes),
        field: Field::area("csv", "Or paste it here", csv, 8)
            .attribute("spellcheck", "false")
            .problem(problems.of("csv")),
        problems,
    };
    (status, Page(page)).into_response()
}

async fn show(admin: Administrator) -> Response {
    page(&admin, "", Problems::new())
}

#[derive(Debug, Deserialize)]
struct Pasted {
    #[serde(default)]
    csv: String,
}

/// Tries the file; nothing is changed yet.
async fn begin(
    State(state): State<WebState>,
    admin: Administrator,
    request: Request,
) -> Result<Response, Failure> {
    let file = match boundary(&request) {
        Some(boundary) => upload(request, boundary, &admin.token).await?,
        None => {
            let Posted(pasted) = Posted::<Pasted>::from_request(request, &state).await?;
            Bytes::from(pasted.csv)
        }
    };
    if file.trim_ascii().is_empty() {
        let mut problems = Problems::new();
        problems.add("csv", "Choose a file, or paste its text.");
        return Ok(page(&admin, "", problems));
    }
    let now = state.app.now();
    let Some(reporter) = state.trials.begin(admin.session.id, now) else {
        return Err(busy());
    };
    state.files.put(admin.session.id, file.clone(), now);
    tokio::spawn(work(state.app.clone(), admin.actor(), file, true, reporter));
    Ok(Redirect::to(TRIAL).into_response())
}

fn busy() -> Failure {
    Failure::new(StatusCode::CONFLICT).saying("An earlier file of yours is still being worked on.")
}

fn boundary(request: &Request) -> Option<String> {
    let kind = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
    multer::parse_boundary(kind).ok()
}

/// The file of a form with an upload, or else its pasted text. The token comes first in the form,
/// so nothing of a foreign one is read.
async fn upload(request: Request, boundary: String, token: &FormToken) -> Result<Bytes, Failure> {
    let body = request.into_body().into_data_stream();
    let limits = Constraints::new().size_limit(SizeLimit::new().whole_stream(MOST_BYTES));
    let mut form = Multipart::with_constraints(body, boundary, limits);
    let (mut ours, mut file) = (false, Bytes::new());
    while let Some(field) = form
        .next_field()
        .await
        .map_err(|error| unreadable(&error))?
    {
        let name = field.name().unwrap_or_default().to_owned();
        match name.as_str() {
            csrf::FIELD => {
                let sent = field.text().await.map_err(|error| unreadable(&error))?;
                ours = token.matches(&sent);
            }
            "file" | "csv" if ours => {
                let sent = field.bytes().await.map_err(|error| unreadable(&error))?;
                if file.trim_ascii().is_empty() {
                    file = sent;
                }
            }
            _ => {}
        }
    }
    if ours {
        Ok(file)
    } else {
        Err(Failure::new(StatusCode::FORBIDDEN).saying(csrf::FOREIGN_FORM))
    }
}

fn unreadable(error: &multer::Error) -> Failure {
    match error {
        multer::Error::StreamSizeExceeded { .. } => Failure::new(StatusCode::PAYLOAD_TOO_LARGE)
            .saying("A file has at most 16 MiB; split it."),
        _ => Failure::new(StatusCode::BAD_REQUEST),
    }
}

async fn work(app: App, actor: Actor, file: Bytes, dry_run: bool, reporter: Reporter<ImportLine>) {
    let mut each = |line: &ImportLine| {
        reporter.send_modify(|progress| progress.lines.push(line.clone()));
    };
    let ended = app
        .import_mailboxes(&actor, &file, dry_run, &mut each)
        .await;
    let ended = ended.map(drop).map_err(|problem| problem.to_string());
    reporter.send_modify(|progress| progress.ended = Some(ended));
}

async fn run(
    State(state): State<WebState>,
    admin: Administrator,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Redirect, Failure> {
    let now = state.app.now();
    let Some(file) = state.files.take(&admin.session.id, now) else {
        admin.tell(Notice::new(
            Standing::Warn,
            "The file is not held any more. Send it once more.",
        ));
        return Ok(Redirect::to(HERE));
    };
    let reporter = state
        .imports
        .begin(admin.session.id, now)
        .ok_or_else(busy)?;
    tokio::spawn(work(
        state.app.clone(),
        admin.actor(),
        file,
        false,
        reporter,
    ));
    Ok(Redirect::to(RESULT))
}

#[derive(Template)]
#[template(path = "admin/import_lines.html")]
struct LinesPage {
    shell: AdminShell,
    title: &'static str,
    running: bool,
    fault: Option<String>,
    summary: String,
    rows: Vec<LineRow>,
    left_out: usize,
    /// The words on the button that imports what was tried.
    offer: Option<String>,
    path: &'static str,
}

struct LineRow {
    line: u64,
    address: String,
    fate: Tag,
    why: String,
}

impl LineRow {
    fn of(line: &ImportLine, dry_run: bool) -> Self {
        let (fate, why) = match &line.fate {
            ImportFate::Created if dry_run => (Tag::new(Standing::Ok, "Good"), String::new()),
            ImportFate::Created => (Tag::new(Standing::Ok, "Added"), String::new()),
            ImportFate::Exists => (
                Tag::new(Standing::Neutral, "Exists"),
                "Left as it is.".to_owned(),
            ),
            ImportFate::Failed(problem) => (
                Tag::new(Standing::Error, "Not possible"),
                problem.to_string(),
            ),
        };
        Self {
            line: line.line,
            address: line.address.clone(),
            fate,
            why,
        }
    }
}

fn lines_page(admin: &Administrator, work: &Follower<ImportLine>, dry_run: bool) -> Response {
    let progress = work.borrow();
    let lines = &progress.lines;
    let of = |wanted: fn(&ImportFate) -> bool| {
        lines.iter().filter(move |line| wanted(&line.fate)).count()
    };
    let good = of(|fate| matches!(fate, ImportFate::Created));
    let existing = of(|fate| matches!(fate, ImportFate::Exists));
    let failed = of(|fate| matches!(fate, ImportFate::Failed(_)));
    // What needs a person's eyes comes first.
    let bad = lines
        .iter()
        .filter(|line| matches!(line.fate, ImportFate::Failed(_)));
    let rest = lines
        .iter()
        .filter(|line| !matches!(line.fate, ImportFate::Failed(_)));
    let running = is_running(work);
    let done = matches!(progress.ended, Some(Ok(())));
    let page = LinesPage {
        shell: admin.shell(AdminEntry::Mailboxes),
        title: if dry_run {
            "What would be imported"
        } else {
            "Import"
        },
        running,
        fault: match &progress.ended {
            Some(Err(words)) => Some(words.clone()),
            None if !running => Some("It was interrupted.".to_owned()),
            _ => None,
        },
        summary: format!(
            "{}: {good} {}, {existing} exist already, {failed} not possible.",
            count(lines.len(), "line", "lines"),
            if dry_run { "can be added" } else { "added" },
        ),
        rows: bad
            .chain(rest)
            .take(MOST_LINES)
            .map(|line| LineRow::of(line, dry_run))
            .collect(),
        left_out: lines.len().saturating_sub(MOST_LINES),
        offer: (dry_run && done && good > 0)
            .then(|| format!("Add {}", count(good, "mailbox", "mailboxes"))),
        path: if dry_run { TRIAL } else { RESULT },
    };
    drop(progress);
    Page(page).into_response()
}

async fn trial(State(state): State<WebState>, admin: Administrator) -> Response {
    match state.trials.last(&admin.session.id) {
        Some(work) => lines_page(&admin, &work, true),
        None => Redirect::to(HERE).into_response(),
    }
}

async fn result(State(state): State<WebState>, admin: Administrator) -> Response {
    match state.imports.last(&admin.session.id) {
        Some(work) => lines_page(&admin, &work, false),
        None => Redirect::to(HERE).into_response(),
    }
}
