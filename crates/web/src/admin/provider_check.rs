//! Checking a provider's connection: its lines arrive one by one, and the result stays at the same
//! address for everybody who opens it.

use super::fix::path_of;
use super::form::Yes;
use super::list::with_query;
use super::progress::{Follower, Reporter, is_running};
use crate::error::Failure;
use crate::form::Posted;
use crate::live;
use crate::page::Page;
use crate::parts::{Check, Checks, Code as Block, Link, Notice, State as Standing, When};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::App;
use app::test_provider::{CheckLine, CheckState};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use model::outcome::Code;
use model::provider::{Endpoints, Provider};
use std::fmt::Write as _;
use tokio::sync::mpsc;
use url::Url;

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    let admin = Policy::Administrator;
    Routes::new()
        .get(admin, "/admin/providers/{name}/check", show)
        .post(admin, "/admin/providers/{name}/check", begin)
        .get(admin, "/admin/providers/{name}/check/lines", lines)
}

#[derive(Template)]
#[template(path = "admin/provider_check.html")]
struct CheckPage {
    shell: AdminShell,
    name: String,
    path: String,
    running: bool,
    checks: Option<Checks>,
    fault: Option<String>,
    began: Option<When>,
    /// The result as text, to be sent to somebody else.
    report: Option<Block>,
}

async fn show(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let provider = state.app.provider(&name).await?;
    let path = path_of(&provider.slug);
    let work = state.checks.last(&provider.id);
    let running = work.as_ref().is_some_and(is_running);
    let (mut checks, mut fault, mut began, mut report) = (None, None, None, None);
    if let Some(work) = work {
        let progress = work.borrow();
        let lines = progress.lines.iter().enumerate();
        let lines = lines.map(|(n, line)| line_of(n, line, &provider)).collect();
        let all = Checks::new("Connection check", lines);
        let page = format!("{path}/check");
        checks = Some(if running {
            all.following(format!("{page}/lines"), page)
        } else {
            all
        });
        began = Some(When::exactly(progress.began));
        fault = match &progress.ended {
            Some(Err(words)) => Some(words.clone()),
            None if !running => Some("It was interrupted.".to_owned()),
            _ => None,
        };
        report = (!running).then(|| Block::new("report", "As text", text_of(&progress.lines)));
    }
    Ok(Page(CheckPage {
        shell: admin.shell(AdminEntry::Providers),
        name: provider.settings.name,
        path,
        running,
        checks,
        fault,
        began,
        report,
    })
    .into_response())
}

async fn begin(
    State(state): State<WebState>,
    _admin: Administrator,
    Path(name): Path<String>,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Redirect, Failure> {
    let provider = state.app.provider(&name).await?;
    let path = path_of(&provider.slug);
    // Whoever asks while a check is running follows that one.
    if let Some(reporter) = state.checks.begin(provider.id, state.app.now()) {
        tokio::spawn(check(state.app.clone(), provider.slug, reporter));
    }
    Ok(Redirect::to(&format!("{path}/check")))
}

async fn check(app: App, slug: String, reporter: Reporter<CheckLine>) {
    let mut each = |line: &CheckLine| {
        reporter.send_modify(|progress| progress.lines.push(line.clone()));
    };
    let ended = app.test_provider(&slug, &mut each).await;
    reporter.send_modify(|progress| {
        progress.ended = Some(match ended {
            // In the order of the steps, in which they need not have arrived.
            Ok(lines) => {
                progress.lines = lines;
                Ok(())
            }
            Err(problem) => Err(problem.to_string()),
        });
    });
}

/// Streams the lines that the page does not hold yet.
async fn lines(
    State(state): State<WebState>,
    _admin: Administrator,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let provider = state.app.provider(&name).await?;
    let work = state
        .checks
        .last(&provider.id)
        .ok_or_else(Failure::not_found)?;
    let end = format!("{}/check", path_of(&provider.slug));
    let (sender, receiver) = mpsc::channel(16);
    tokio::spawn(follow(work, provider, sender));
    Ok(live::checks(receiver, end))
}

async fn follow(mut work: Follower<CheckLine>, provider: Provider, sender: mpsc::Sender<Check>) {
    let mut sent = 0;
    loop {
        let (fresh, ended) = {
            let progress = work.borrow_and_update();
            let fresh = progress.lines.iter().enumerate().skip(sent);
            let fresh: Vec<_> = fresh.map(|(n, line)| line_of(n, line, &provider)).collect();
            (fresh, progress.ended.is_some())
        };
        sent += fresh.len();
        for line in fresh {
            if sender.send(line).await.is_err() {
                return;
            }
        }
        if ended || work.changed().await.is_err() {
            return;
        }
    }
}

fn line_of(number: usize, line: &CheckLine, provider: &Provider) -> Check {
    let state = match line.state {
        CheckState::Ok => Standing::Ok,
        CheckState::Warn => Standing::Warn,
        CheckState::Failed => Standing::Error,
        CheckState::Skipped => Standing::Skipped,
    };
    let mut seen = line.evidence.clone();
    if !line.fix.is_empty() {
        if !seen.is_empty() {
            seen.push_str(". ");
        }
        seen.push_str(&line.fix);
    }
    let check = Check::new(number, state, line.name.as_str())
        .seen(seen)
        .took(line.millis);
    match line.code {
        Some(Code::InternalAddress) => check.fixed_by(allowing(line, provider)),
        Some(code) if line.state == CheckState::Failed => check.fixed_by(super::fix::help(code)),
        _ => check,
    }
}

/// The button that allows the host a line speaks of; its evidence names one of the provider's.
fn allowing(line: &CheckLine, provider: &Provider) -> Link {
    let path = path_of(&provider.slug);
    let urls: Vec<&str> = match &provider.settings.endpoints {
        Endpoints::Issuer { issuer } => vec![issuer],
        Endpoints::Manual {
            authorize,
            token,
            userinfo,
        } => vec![authorize, token, userinfo],
    };
    let hosts = urls
        .into_iter()
        .filter_map(|url| Url::parse(url).ok()?.host_str().map(str::to_owned));
    let named = hosts
        .into_iter()
        .find(|host| line.evidence.contains(host.as_str()));
    match named {
        Some(host) => Link::new(
            with_query(&format!("{path}/allow-host"), &[("host", &host)]),
            format!("Allow {host} for this provider"),
        ),
        None => Link::new(
            format!("{path}#f-private_hosts"),
            "Allow its host for this provider",
        ),
    }
}

fn text_of(lines: &[CheckLine]) -> String {
    let mut text = String::new();
    for line in lines {
        let state = match line.state {
            CheckState::Ok => "ok",
            CheckState::Warn => "look",
            CheckState::Failed => "FAILED",
            CheckState::Skipped => "skipped",
        };
        let code = line
            .code
            .map(|code| format!(" [{code}]"))
            .unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{state:<7} {} ({} ms){code}: {}",
            line.name, line.millis, line.evidence
        );
    }
    text
}
