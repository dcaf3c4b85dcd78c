//! The rules of all providers at a glance, and of one on its page.

use super::fix::path_of;
use super::providers::state_of;
use crate::error::Failure;
use crate::page::Page;
use crate::parts::{Empty, Link, Tag};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use model::provider::ProviderSettings;
use model::rules::versions::RuleSet;
use model::template::Template as MailboxTemplate;

/// Rules shown of one provider.
const SHOWN: usize = 5;

/// The routes of this page.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new().get(Policy::Administrator, AdminEntry::Rules.path(), index)
}

/// The rules of a provider in a few lines.
pub(super) struct Summary {
    /// The first of them: `groups is staff: Staff`.
    pub lines: Vec<String>,
    /// How many more there are.
    pub more: usize,
    /// What everyone else gets: `refused`, or a template's name.
    pub everyone_else: String,
}

impl Summary {
    /// Of one provider.
    pub fn of(settings: &ProviderSettings, templates: &[MailboxTemplate]) -> Self {
        let set = RuleSet {
            rules: settings.rules.clone(),
            everyone_else: settings.everyone_else,
        };
        let name = |id| {
            let found = templates.iter().find(|template| template.id == id);
            found.map(|template| template.name.clone())
        };
        let mut lines = set.lines(name);
        // The last is for everyone else, told apart from the others.
        lines.pop();
        let more = lines.len().saturating_sub(SHOWN);
        lines.truncate(SHOWN);
        Self {
            lines,
            more,
            everyone_else: set.everyone_else_words(name),
        }
    }
}

#[derive(Template)]
#[template(path = "admin/rules_index.html")]
struct IndexPage {
    shell: AdminShell,
    rows: Vec<Row>,
    empty: Option<Empty>,
}

struct Row {
    path: String,
    name: String,
    state: Tag,
    rules: Summary,
}

/// Where there is one provider, its rules are all there is.
async fn index(State(state): State<WebState>, admin: Administrator) -> Result<Response, Failure> {
    let providers = state.app.providers().await?;
    if let [only] = providers.as_slice() {
        let editor = format!("{}/rules", path_of(&only.slug));
        return Ok(Redirect::to(&editor).into_response());
    }
    let templates = super::rules::templates(&state).await?;
    let rows = providers.iter().map(|provider| Row {
        path: format!("{}/rules", path_of(&provider.slug)),
        name: provider.settings.name.clone(),
        state: state_of(provider),
        rules: Summary::of(&provider.settings, &templates),
    });
    Ok(Page(IndexPage {
        shell: admin.shell(AdminEntry::Rules),
        rows: rows.collect(),
        empty: providers.is_empty().then(|| {
            Empty::new(
                "No provider yet",
                "Rules say which template the people of a provider get. Add the provider first.",
            )
            .with(Link::new("/admin/providers/new", "Add a provider"))
        }),
    })
    .into_response())
}
