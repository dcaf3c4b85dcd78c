//! What a sign-in would lead to now: a recorded attempt decided anew, or claims as typed. Nothing
//! is carried out.

use super::fix;
use super::list::with_query;
use super::sign_ins;
use crate::error::Failure;
use crate::form::Posted;
use crate::page::Page;
use crate::parts::{Checks, Field, Link, Opt, Problems, State as Standing, Verdict};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::foresight::{Change, Foretold};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use model::attempt::Reference;
use model::foreign::seen_json;
use model::rules::privacy::HIDDEN;
use serde::Deserialize;

const HERE: &str = "/admin/what-if";

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    let admin = Policy::Administrator;
    Routes::new()
        .get(admin, "/admin/sign-ins/{name}/replay", replay)
        .get(admin, HERE, show)
        .post(admin, HERE, decide)
}

#[derive(Template)]
#[template(path = "admin/what_if.html")]
struct WhatIfPage {
    shell: AdminShell,
    title: &'static str,
    back: Link,
    /// The form; a replay has none.
    fields: Vec<Field>,
    problems: Problems,
    told: Option<Told>,
    /// What else can be done.
    next: Option<Link>,
}

struct Told {
    verdict: Verdict,
    changes: Vec<Change>,
    steps: Checks,
    cut: String,
}

impl Told {
    async fn of(
        state: &WebState,
        foretold: Foretold,
        attempt: Option<&Reference>,
    ) -> Result<Self, Failure> {
        let provider = state.app.provider(&foretold.provider).await?;
        let (standing, title) = match &foretold.refusal {
            None => (Standing::Ok, "Would get in".to_owned()),
            Some(refusal) => (
                Standing::Error,
                format!("Would be refused: {}", refusal.code),
            ),
        };
        let verdict = Verdict::new(standing, title).because(foretold.sentence);
        let button = foretold.refusal.as_ref().and_then(|refusal| {
            let address = foretold.address.as_deref();
            fix::button(refusal, address, Some(&provider), attempt)
        });
        Ok(Self {
            verdict: match button {
                Some(button) => verdict.with(button),
                None => verdict,
            },
            changes: foretold.changes,
            steps: Checks::new("Why", fix::lines(&foretold.steps, None)),
            cut: foretold.cut.join(", "),
        })
    }
}

async fn replay(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let reference = Reference::parse(&name).ok_or_else(Failure::not_found)?;
    let foretold = state.app.replay(&reference).await?;
    let again = [
        ("attempt", reference.as_str()),
        ("provider", foretold.provider.as_str()),
    ];
    let next = Link::new(
        with_query(HERE, &again),
        "Change the claims and decide again",
    );
    Ok(Page(WhatIfPage {
        shell: admin.shell(AdminEntry::SignIns),
        title: "Replayed against the current rules",
        back: Link::new(
            sign_ins::path_of(&reference),
            format!("Attempt {reference}"),
        ),
        fields: Vec::new(),
        problems: Problems::new(),
        told: Some(Told::of(&state, foretold, Some(&reference)).await?),
        next: Some(next),
    })
    .into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    provider: String,
    attempt: String,
}

async fn show(
    State(state): State<WebState>,
    admin: Administrator,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let mut claims =
        "{\n  \"email\": \"alice@example.org\",\n  \"email_verified\": true\n}".to_owned();
    if let Some(reference) = Reference::parse(&asked.attempt) {
        let attempt = state.app.attempt(&reference).await?;
        let mut trace = attempt.trace;
        trace.claims.retain(|claim| claim.value != HIDDEN);
        let (kept, _) = trace.kept_claims();
        claims = seen_json(&serde_json::to_string_pretty(&kept).unwrap_or_default());
    }
    let typed = Typed {
        provider: asked.provider,
        claims,
    };
    page(&state, &admin, typed, Problems::new(), None).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Typed {
    provider: String,
    claims: String,
}

async fn decide(
    State(state): State<WebState>,
    admin: Administrator,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    match state.app.what_if(&typed.provider, &typed.claims).await {
        Ok(foretold) => {
            let told = Told::of(&state, foretold, None).await?;
            page(&state, &admin, typed, Problems::new(), Some(told)).await
        }
        Err(problem) => {
            let problems = super::form::problems_of(problem, "provider", &[])?;
            page(&state, &admin, typed, problems, None).await
        }
    }
}

async fn page(
    state: &WebState,
    admin: &Administrator,
    typed: Typed,
    problems: Problems,
    told: Option<Told>,
) -> Result<Response, Failure> {
    let providers = state.app.providers().await?;
    let options = providers.iter().map(|provider| {
        let chosen = provider.slug == typed.provider;
        Opt::new(&provider.slug, provider.settings.name.as_str(), chosen)
    });
    let status = super::form::status_of(&problems);
    let page = WhatIfPage {
        shell: admin.shell(AdminEntry::Why),
        title: "What if",
        back: Link::new(AdminEntry::Why.path(), AdminEntry::Why.label()),
        fields: vec![
            Field::select("provider", "Provider", options.collect())
                .problem(problems.of("provider")),
            Field::area("claims", "What it says about the person", typed.claims, 12)
                .help("The claims as a JSON object. With the claim sub of somebody who is linked, it is decided about them.")
                .at_most(app::rules::MOST_PASTED)
                .problem(problems.of("claims")),
        ],
        problems,
        told,
        next: None,
    };
    Ok((status, Page(page)).into_response())
}
