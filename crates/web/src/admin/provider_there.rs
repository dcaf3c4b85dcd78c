//! The provider's own side: choosing its kind, what to do there, and secrets made for it.

use super::fix::path_of;
use super::form::{Seen, ask, seen};
use crate::error::Failure;
use crate::form::Posted;
use crate::page::Page;
use crate::parts::{Code as Block, Copied, Notice, Question, State as Standing};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::App;
use app::providers::SavedProvider;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use model::preset::{Instructions, Preset};
use model::provider::Provider;

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    let admin = Policy::Administrator;
    Routes::new()
        .get(admin, "/admin/providers/{name}/new-secret", ask_to_renew)
        .post(admin, "/admin/providers/{name}/new-secret", renew)
}

#[derive(Template)]
#[template(path = "admin/provider_presets.html")]
struct PresetsPage {
    shell: AdminShell,
    presets: Vec<Card>,
}

struct Card {
    path: String,
    name: &'static str,
    about: &'static str,
}

/// The page on which a new provider's kind is chosen.
pub(super) fn choose(admin: &Administrator) -> Response {
    let card = |preset: Preset| Card {
        path: format!("/admin/providers/new?preset={}", preset.key()),
        name: preset.facts().name,
        about: preset.facts().about,
    };
    Page(PresetsPage {
        shell: admin.shell(AdminEntry::Providers),
        presets: Preset::ALL.into_iter().map(card).collect(),
    })
    .into_response()
}

/// What to do at a provider's side, as a part of its page.
#[derive(Template)]
#[template(path = "admin/provider_there.html")]
pub(super) struct There {
    name: String,
    steps: Vec<String>,
    block: Option<Block>,
    values: Vec<Copied>,
    remarks: Vec<String>,
    /// The block holds a client secret that nobody sees again.
    fresh: bool,
    /// A placeholder stands where the secret belongs; this page makes a new one.
    renew: Option<String>,
}

// Its template escapes what it shows.
impl askama::filters::HtmlSafe for There {}

impl There {
    /// Of a stored provider. A secret that was made for it is shown this once.
    pub async fn of(
        state: &WebState,
        admin: &Administrator,
        provider: &Provider,
    ) -> Result<Self, Failure> {
        let key = (admin.session.id, provider.id);
        let secret = state.client_secrets.take(&key, state.app.now());
        let made = state
            .app
            .provider_instructions(provider, secret.as_ref())
            .await?;
        let renew = (made.secret_hidden && provider.settings.preset.makes_client_here())
            .then(|| format!("{}/new-secret", path_of(&provider.slug)));
        Ok(Self::new(made, secret.is_some(), renew))
    }

    /// Of a new provider, where something has to be made there first.
    pub async fn ahead(app: &App, draft: &Provider) -> Result<Option<Self>, Failure> {
        if draft.slug.is_empty() || draft.settings.preset.makes_client_here() {
            return Ok(None);
        }
        let made = app.provider_instructions(draft, None).await?;
        Ok(Some(Self::new(made, false, None)))
    }

    fn new(made: Instructions, fresh: bool, renew: Option<String>) -> Self {
        let values = made.values.into_iter().enumerate();
        Self {
            name: made.name,
            steps: made.steps,
            block: made
                .block
                .map(|block| Block::new("there", block.title, block.text)),
            values: values
                .map(|(n, value)| {
                    let id = if n == 0 {
                        "redirect".to_owned()
                    } else {
                        format!("there-{n}")
                    };
                    Copied::new(id, value.field, value.value)
                })
                .collect(),
            remarks: made.remarks,
            fresh,
            renew,
        }
    }
}

/// Keeps a secret that was made here for the next page of the provider.
pub(super) fn keep_minted(state: &WebState, admin: &Administrator, saved: &SavedProvider) {
    if let Some(secret) = &saved.minted {
        let key = (admin.session.id, saved.provider.id);
        state
            .client_secrets
            .put(key, secret.clone(), state.app.now());
    }
}

async fn ask_to_renew(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let provider = state.app.provider(&name).await?;
    let path = path_of(&provider.slug);
    let shown = &provider.settings.name;
    Ok(ask(
        &admin,
        AdminEntry::Providers,
        Question {
            title: format!("Make a new client secret for {shown}?"),
            lines: vec![format!(
                "It takes the place of the stored one at once and is shown on the next page. \
                 Nobody signs in by {shown} until it stands there too."
            )],
            action: format!("{path}/new-secret"),
            act: "Make a new secret",
            danger: true,
            back: path,
            hidden: vec![("modified", provider.modified.0.to_string())],
            token: admin.token.clone(),
        },
    ))
}

async fn renew(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Posted(form): Posted<Seen>,
) -> Result<Redirect, Failure> {
    let saved = state
        .app
        .renew_client_secret(&admin.actor(), &name, seen(form.modified))
        .await?;
    keep_minted(&state, &admin, &saved);
    admin.tell(Notice::done("The new client secret is stored."));
    Ok(Redirect::to(&path_of(&name)))
}
