//! The secrets of an app: made anew beside those so far, and removed.

use super::app_head::{Head, Tab};
use super::apps::{of, path_of};
use super::form::{Yes, ask};
use crate::error::Failure;
use crate::form::Posted;
use crate::page::Page;
use crate::parts::{Field, Notice, Opt, Question, When};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::oauth::apps::Overlap;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use model::ids::AppSecretId;
use model::oauth_app::{AppKind, AppSecret};
use serde::Deserialize;

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    let admin = Policy::Administrator;
    Routes::new()
        .get(admin, "/admin/apps/{id}/secrets", secrets)
        .post(admin, "/admin/apps/{id}/secrets", rotate)
        .get(admin, "/admin/apps/{id}/secrets/{name}/drop", ask_to_drop)
        .post(admin, "/admin/apps/{id}/secrets/{name}/drop", drop_secret)
}

#[derive(Template)]
#[template(path = "admin/app_secrets.html")]
struct SecretsPage {
    shell: AdminShell,
    head: Head,
    action: String,
    /// An app without a secret.
    public: bool,
    rows: Vec<SecretRow>,
    overlap: Field,
}

struct SecretRow {
    secret: AppSecret,
    made: When,
    ends: Option<When>,
    used: Option<When>,
}

async fn secrets(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let app = of(&state, &id).await?;
    let rows = state.app.app_secrets(app.id).await?.into_iter();
    let now = state.app.now();
    let row = |secret: AppSecret| SecretRow {
        made: When::exactly(secret.created),
        ends: secret.ends.map(When::exactly),
        used: secret.last_used.map(|at| When::ago(at, now)),
        secret,
    };
    let option = |overlap: Overlap| {
        let chosen = overlap == Overlap::default();
        Opt::new(overlap.name(), overlap.words(), chosen)
    };
    Ok(Page(SecretsPage {
        shell: admin.shell(AdminEntry::Apps),
        head: Head::of(&app, Tab::Secrets),
        action: format!("{}/secrets", path_of(app.id)),
        public: app.settings.kind == AppKind::Public,
        rows: rows.map(row).collect(),
        overlap: Field::radios(
            "overlap",
            "The secrets so far end",
            Overlap::ALL.map(option).into(),
        )
        .help("Both count until then. At once: for a secret that somebody else has seen."),
    })
    .into_response())
}

#[derive(Debug, Deserialize)]
struct Rotate {
    overlap: Overlap,
}

async fn rotate(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
    Posted(Rotate { overlap }): Posted<Rotate>,
) -> Result<Redirect, Failure> {
    let id = of(&state, &id).await?.id;
    let made = state
        .app
        .rotate_app_secret(id, overlap, &admin.actor())
        .await?;
    if let Some(secret) = made.secret {
        let key = (admin.session.id, id);
        state.app_secrets.put(key, secret, state.app.now());
    }
    let words = format!("The new secret counts; the others end {}.", overlap.words());
    admin.tell(Notice::done(words));
    Ok(Redirect::to(&format!("{}/connect", path_of(id))))
}

async fn ask_to_drop(
    State(state): State<WebState>,
    admin: Administrator,
    Path((id, name)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let app = of(&state, &id).await?;
    let secret = secret_id(&name)?;
    let kept = state.app.app_secrets(app.id).await?;
    let secret = kept.iter().find(|one| one.id == secret);
    let secret = secret.ok_or_else(Failure::not_found)?;
    let path = format!("{}/secrets", path_of(app.id));
    let question = Question {
        title: format!("Remove the secret that ends in {}?", secret.hint),
        lines: vec!["Whoever still uses it cannot sign anybody in from now on.".to_owned()],
        action: format!("{path}/{}/drop", secret.id),
        act: "Remove",
        danger: true,
        back: path,
        hidden: vec![],
        token: admin.token.clone(),
    };
    Ok(ask(&admin, AdminEntry::Apps, question))
}

async fn drop_secret(
    State(state): State<WebState>,
    admin: Administrator,
    Path((id, name)): Path<(String, String)>,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Redirect, Failure> {
    let id = of(&state, &id).await?.id;
    let secret = secret_id(&name)?;
    state
        .app
        .drop_app_secret(id, secret, &admin.actor())
        .await?;
    admin.tell(Notice::done("The secret is removed."));
    Ok(Redirect::to(&format!("{}/secrets", path_of(id))))
}

fn secret_id(name: &str) -> Result<AppSecretId, Failure> {
    name.parse().map_err(|_| Failure::not_found())
}
