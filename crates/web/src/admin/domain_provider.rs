//! By which provider the people of a domain sign in: a part of the domain's page.

use super::domains::path_of;
use super::form::{domain, problems_of, seen};
use crate::error::Failure;
use crate::form::Posted;
use crate::parts::{Field, Notice, Opt, Problems, State as Standing};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::state::WebState;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use model::domain::MailDomain;
use model::provider::Provider;
use serde::Deserialize;

/// The routes of this part.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new().post(
        Policy::Administrator,
        "/admin/domains/{name}/provider",
        bind,
    )
}

/// The form on the domain's page.
pub(super) struct Binding {
    pub action: String,
    pub modified: i64,
    pub field: Field,
    pub problems: Problems,
}

impl Binding {
    /// The form; none while there is nothing to choose from.
    pub(super) fn of(
        domain: &MailDomain,
        providers: &[Provider],
        problems: Problems,
    ) -> Option<Self> {
        let bound = |provider: &Provider| domain.provider == Some(provider.id);
        let mut may: Vec<_> = providers
            .iter()
            .filter(|p| bound(p) || p.settings.domains.contains(&domain.id))
            .map(|p| {
                let name = &p.settings.name;
                let name = if p.settings.active {
                    format!("Only {name}")
                } else {
                    format!("Only {name} (switched off)")
                };
                Opt::new(&p.slug, name, bound(p))
            })
            .collect();
        if may.is_empty() {
            return None;
        }
        let free = domain.provider.is_none();
        may.insert(0, Opt::new("", "Any provider that may sign them in", free));
        let field = Field::select("provider", "Its people sign in by", may)
            .help(
                "Whoever comes by another provider is told which one to use. Local passwords and \
                 administrators are not affected; who is signed in stays so.",
            )
            .problem(problems.of("provider"));
        Some(Self {
            action: format!("{}/provider", path_of(&domain.name)),
            modified: domain.modified.0,
            field,
            problems,
        })
    }
}

#[derive(Debug, Deserialize)]
struct Chosen {
    provider: String,
    modified: i64,
}

async fn bind(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Posted(chosen): Posted<Chosen>,
) -> Result<Response, Failure> {
    let name = domain(&name)?;
    let slug = Some(chosen.provider.as_str()).filter(|slug| !slug.is_empty());
    let bound = state
        .app
        .bind_domain(&admin.actor(), &name, slug, seen(chosen.modified))
        .await;
    let domain = match bound {
        Ok(domain) => domain,
        Err(problem) => {
            let problems = problems_of(problem, "provider", &[])?;
            return super::domains::with_binding(&state, &admin, &name, problems).await;
        }
    };
    let providers = state.app.providers().await?;
    let bound = providers.iter().find(|p| Some(p.id) == domain.provider);
    admin.tell(match bound {
        None => Notice::done(format!(
            "People of {name} sign in by any provider that may sign them in."
        )),
        Some(p) if p.settings.active => Notice::done(format!(
            "People of {name} sign in by {} only.",
            p.settings.name
        )),
        Some(p) => Notice::new(
            Standing::Warn,
            format!(
                "People of {name} sign in by {} only, and it is switched off: until it is on, \
                 nobody of them signs in by a provider.",
                p.settings.name
            ),
        ),
    });
    Ok(Redirect::to(&path_of(&name)).into_response())
}
