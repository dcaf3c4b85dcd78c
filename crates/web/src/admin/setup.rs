//! First run: the set-up link makes the first administrator.
//!
//! While the server has no certificate that a browser could check, this answers on its own machine
//! only: a page that somebody on the way has changed could keep the first password.

use super::administrators::fields;
use crate::csrf::FormToken;
use crate::error::Failure;
use crate::form::{Posted, Typed as Secret};
use crate::local_path::LocalPath;
use crate::page::Page;
use crate::pages::sign_in::welcome;
use crate::parts::{Code, Field, Problems};
use crate::problem::in_form;
use crate::route::{Policy, Routes};
use crate::session::Visitor;
use crate::shell::{Frame, PublicShell};
use crate::state::WebState;
use app::admins::NewAdmin;
use app::setup::SetupState;
use app::{Client, Problem};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

/// The routes of this page.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .get(Policy::Public, "/setup", show)
        .post(Policy::Public, "/setup", redeem)
}

#[derive(Template)]
#[template(path = "admin/setup.html")]
struct SetupPage {
    shell: PublicShell,
    token: FormToken,
    done: bool,
    code: Field,
    /// A code that was sent along with a form that must be filled in again.
    kept: Option<SecretString>,
    fields: Vec<Field>,
    problems: Problems,
}

impl SetupPage {
    fn of(frame: Frame, token: FormToken, typed: &Typed, problems: Problems) -> Self {
        let kept = typed.code.0.clone();
        let good = problems.of("code").is_none() && !kept.expose_secret().is_empty();
        Self {
            shell: PublicShell::new(frame),
            token,
            done: false,
            code: Field::secret("code", "Set-up code", "off")
                .help("What follows the # in the set-up link.")
                .required()
                .attribute("data-fragment", "")
                .problem(problems.of("code")),
            kept: good.then_some(kept),
            fields: fields(&typed.name, &typed.email, &problems),
            problems,
        }
    }

    fn done(self) -> Self {
        Self { done: true, ..self }
    }
}

#[derive(Template)]
#[template(path = "admin/setup_elsewhere.html")]
struct ElsewherePage {
    shell: PublicShell,
    command: Code,
    link: Code,
}

/// The page for whoever does not come from this machine, if that matters here.
fn elsewhere(
    state: &WebState,
    frame: &Frame,
    client: &Client,
    headers: &HeaderMap,
) -> Option<Response> {
    let tunnel = state.site.tunnel()?;
    let ip = client.ip?;
    // Written by a proxy that we were not told of: whoever is behind it is not on this machine.
    let forwarded = headers.contains_key("x-forwarded-for") || headers.contains_key("forwarded");
    let direct = !forwarded || state.site.proxies().contains(ip);
    if tunnel.is_here(ip) && direct {
        return None;
    }
    let page = ElsewherePage {
        shell: PublicShell::new(frame.clone()),
        command: Code::new("tunnel", "Command", tunnel.command.as_str()),
        link: Code::new("link", "Address", format!("{}/setup", tunnel.origin)),
    };
    Some((StatusCode::FORBIDDEN, Page(page)).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Typed {
    code: Secret,
    name: String,
    email: String,
    password: Secret,
}

async fn show(
    State(state): State<WebState>,
    frame: Frame,
    token: FormToken,
    Visitor(client): Visitor,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let refusal = elsewhere(&state, &frame, &client, &headers);
    let page = SetupPage::of(frame, token, &Typed::default(), Problems::new());
    Ok(match (state.app.setup_state().await?, refusal) {
        (SetupState::Done, _) => Page(page.done()).into_response(),
        (SetupState::Needed, Some(refusal)) => refusal,
        (SetupState::Needed, None) => Page(page).into_response(),
    })
}

async fn redeem(
    State(state): State<WebState>,
    frame: Frame,
    token: FormToken,
    Visitor(client): Visitor,
    headers: HeaderMap,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    if let Some(refusal) = elsewhere(&state, &frame, &client, &headers) {
        return Ok(refusal);
    }
    let new = NewAdmin {
        name: typed.name.clone(),
        email: typed.email.clone(),
        password: typed.password.0.clone(),
    };
    let code = typed.code.0.expose_secret().trim();
    // Pasting the whole link is as good as its code.
    let code = code.rsplit_once('#').map_or(code, |(_, code)| code);
    let problems = match state.app.redeem_setup_link(code, new, &client).await {
        Ok(signed_in) => return welcome(&state, &headers, signed_in, &LocalPath::default()).await,
        Err(Problem::InUse(_)) => {
            let page = SetupPage::of(frame, token, &Typed::default(), Problems::new()).done();
            return Ok((StatusCode::CONFLICT, Page(page)).into_response());
        }
        Err(Problem::NotFound(_)) => {
            let mut problems = Problems::new();
            problems.add(
                "code",
                "This link was used or has run out. Run “gatepost setup link” on the server for a \
                 new one.",
            );
            problems
        }
        Err(problem) => in_form(problem)?,
    };
    let page = SetupPage::of(frame, token, &typed, problems);
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Page(page)).into_response())
}
