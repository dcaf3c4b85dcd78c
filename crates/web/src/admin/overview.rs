//! How things stand, and what is left of setting up.

use super::alerts::{Line, is_brake, lines};
use super::list::with_query;
use super::sign_ins::{Row, rows};
use crate::error::Failure;
use crate::page::Page;
use crate::parts::{Chart, ChartBar, Check, Checks, Link, Notice, Share, State as Standing};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::activity::{Activity, Range};
use app::attempts::AttemptFilter;
use app::domains::Page as Wanted;
use app::warn_people::UNSENT;
use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use model::attempt::{Attempt, Door};
use model::provider::{EveryoneElse, Provider};
use serde::Deserialize;

/// Refused attempts shown.
const LAST: u32 = 5;
/// Reasons shown.
const REASONS: usize = 5;

/// The routes of this page.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new().get(Policy::Administrator, AdminEntry::Overview.path(), show)
}

/// The first steps, as links.
const ADD_DOMAIN: (&str, &str) = ("/admin/domains/new", "Add a domain");
const ADD_TEMPLATE: (&str, &str) = ("/admin/templates/new", "Add a template");
const ADD_PROVIDER: (&str, &str) = ("/admin/providers/new", "Add a provider");

#[derive(Template)]
#[template(path = "admin/overview.html")]
struct OverviewPage {
    shell: AdminShell,
    steps: Option<Checks>,
    mailboxes: i64,
    domains: i64,
    providers: usize,
    ignoring: Vec<String>,
    alerts: Vec<Line>,
    chart: Option<Chart>,
    ranges: Vec<(Link, bool)>,
    reasons: Vec<Reason>,
    /// Providers whose background checks have stopped and of which no alert is open: words and page.
    stopped: Vec<(String, String)>,
    /// What people would be told by mail, and are not.
    unsent: Option<Notice>,
    rows: Vec<Row>,
}

/// One reason why people were refused.
struct Reason {
    name: Link,
    count: i64,
    share: Share,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    range: String,
}

async fn show(
    State(state): State<WebState>,
    admin: Administrator,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let now = state.app.now();
    // Anything else is the day.
    let activity = state
        .app
        .activity(asked.range.parse().unwrap_or_default())
        .await?;
    let providers = state.app.providers().await?;
    let domains = state.app.domain_count().await?;
    let templates = state.app.templates().await?;
    let lately = recent(&state, false, 50).await?;
    let tried = lately
        .iter()
        .any(|attempt| attempt.refusal.is_none() && attempt.door == Door::Provider);
    let steps = Steps {
        domain: domains > 0,
        template: !templates.is_empty(),
        provider: providers.iter().any(|provider| provider.settings.active),
        rule: providers.iter().any(hands_out),
        tried,
    };
    let alerts = lines(state.app.alerts().await?, &providers, now);
    Ok(Page(OverviewPage {
        shell: admin.shell(AdminEntry::Overview),
        steps: steps.left().then(|| steps.checks(providers.first())),
        mailboxes: state.app.mailbox_count().await?,
        domains,
        providers: providers
            .iter()
            .filter(|provider| provider.settings.active)
            .count(),
        ignoring: providers
            .iter()
            .filter(|provider| provider.settings.active && provider.settings.ignores_tls(now))
            .map(|provider| provider.settings.name.clone())
            .collect(),
        ranges: ranges(activity.range),
        reasons: reasons(&activity),
        chart: chart(&activity),
        unsent: unsent(&state).await?,
        stopped: providers
            .iter()
            .filter(|provider| !alerts.iter().any(|line| is_brake(&line.alert, provider)))
            .filter_map(|provider| {
                let words = super::provider_checks::stopped(provider)?;
                Some((words, super::fix::path_of(&provider.slug)))
            })
            .collect(),
        alerts,
        rows: rows(recent(&state, true, LAST).await?, &providers, now),
    })
    .into_response())
}

/// That nobody is warned by mail, where somebody should be.
pub(super) async fn unsent(state: &WebState) -> Result<Option<Notice>, Failure> {
    let unsent = state.app.cannot_warn().await?;
    Ok(unsent.then(|| Notice::new(Standing::Warn, UNSENT)))
}

/// The next step of setting up a server on which nobody can sign in by a provider yet.
pub(super) async fn next_step(state: &WebState) -> Result<Option<Link>, Failure> {
    let next = |(href, text): (&str, &str)| Some(Link::new(href, text));
    if state.app.domain_count().await? == 0 {
        return Ok(next(ADD_DOMAIN));
    }
    if state.app.templates().await?.is_empty() {
        return Ok(next(ADD_TEMPLATE));
    }
    let providers = state.app.providers().await?;
    Ok(if providers.is_empty() {
        next(ADD_PROVIDER)
    } else {
        None
    })
}

fn ranges(shown: Range) -> Vec<(Link, bool)> {
    let link = |range: Range| {
        let words = match range {
            Range::Day => "24 hours",
            Range::Week => "7 days",
            Range::Month => "30 days",
        };
        let path = with_query(AdminEntry::Overview.path(), &[("range", range.name())]);
        (Link::new(path, words), range == shown)
    };
    Range::ALL.into_iter().map(link).collect()
}

/// The chart; none where there is nothing to draw.
fn chart(activity: &Activity) -> Option<Chart> {
    let title = match activity.range {
        Range::Day => "Sign-ins of each hour",
        Range::Week => "Sign-ins of every six hours",
        Range::Month => "Sign-ins of each day",
    };
    let bars: Vec<_> = activity
        .bars
        .iter()
        .map(|bar| ChartBar {
            from: bar.from,
            ok: bar.ok,
            refused: bar.refused,
        })
        .collect();
    let any = bars.iter().any(|bar| bar.ok + bar.refused > 0);
    any.then(|| Chart::new(title, bars))
}

fn reasons(activity: &Activity) -> Vec<Reason> {
    let most = activity.reasons.first().map_or(0, |reason| reason.count);
    let shown = activity.reasons.iter().take(REASONS);
    shown
        .map(|reason| {
            let code = reason.code;
            let path = with_query(AdminEntry::SignIns.path(), &[("code", code.id())]);
            let words = format!("{code}: {}", code.entry().title);
            Reason {
                name: Link::new(path, words),
                count: reason.count,
                share: Share::of(reason.count, most),
            }
        })
        .collect()
}

async fn recent(state: &WebState, refused: bool, limit: u32) -> Result<Vec<Attempt>, Failure> {
    let filter = AttemptFilter {
        refused,
        ..AttemptFilter::default()
    };
    let page = Wanted {
        limit,
        ..Wanted::default()
    };
    Ok(state.app.attempts(filter, page).await?.rows)
}

fn hands_out(provider: &Provider) -> bool {
    !provider.settings.rules.is_empty()
        || matches!(provider.settings.everyone_else, EveryoneElse::Template(_))
}

/// What of setting up is done.
struct Steps {
    domain: bool,
    template: bool,
    provider: bool,
    rule: bool,
    tried: bool,
}

impl Steps {
    const fn left(&self) -> bool {
        !(self.domain && self.template && self.provider && self.rule && self.tried)
    }

    fn checks(&self, provider: Option<&Provider>) -> Checks {
        let rules = provider.map_or_else(
            || "/admin/providers/new".to_owned(),
            |provider| format!("{}/rules", super::fix::path_of(&provider.slug)),
        );
        // One that was added is off until somebody has tested it.
        let (switch, switch_words) = match provider {
            Some(provider) => {
                let tests = format!("{}/tests", super::fix::path_of(&provider.slug));
                (tests, "Test a sign-in")
            }
            None => (ADD_PROVIDER.0.to_owned(), ADD_PROVIDER.1),
        };
        let lines = [
            (
                self.domain,
                "Add a mail domain",
                "What stands behind the @.",
                ADD_DOMAIN.0,
                ADD_DOMAIN.1,
            ),
            (
                self.template,
                "Add a template",
                "What a new mailbox gets.",
                ADD_TEMPLATE.0,
                ADD_TEMPLATE.1,
            ),
            (
                self.provider,
                "Connect your provider",
                "Where your people sign in.",
                switch.as_str(),
                switch_words,
            ),
            (
                self.rule,
                "Say who gets which template",
                "By a rule, or one template for everyone.",
                rules.as_str(),
                "Open its rules",
            ),
            (
                self.tried,
                "Try it",
                "Sign in once as one of your people, in another browser.",
                "/admin/sign-ins",
                "See what happened",
            ),
        ];
        let line =
            |(n, (done, name, about, href, text)): (usize, (bool, &str, &str, &str, &str))| {
                let state = if done {
                    Standing::Ok
                } else {
                    Standing::Neutral
                };
                let line = Check::new(n, state, name);
                if done {
                    line
                } else {
                    line.seen(about).fixed_by(Link::new(href, text))
                }
            };
        Checks::new(
            "Setting up",
            lines.into_iter().enumerate().map(line).collect(),
        )
    }
}
