//! Signing in by a provider: leaving, coming back, and proving a local password once.

use super::{refusal, sign_in};
use crate::admin::provider_test::result_path;
use crate::csrf::FormToken;
use crate::error::Failure;
use crate::flow_cookie::{BrowserId, SentBrowserId};
use crate::foreign_form;
use crate::form::{Sent, Typed};
use crate::headers::Further;
use crate::local_path::LocalPath;
use crate::oauth::connect;
use crate::page::Page;
use crate::parts::{Field, Problems};
use crate::route::{Policy, Routes};
use crate::session::Visitor;
use crate::shell::{Frame, PersonEntry, PublicShell};
use crate::state::WebState;
use app::sign_in::{Arrived, Ended, ReturnTo};
use app::test_sign_in::TestId;
use askama::Template;
use axum::extract::{FromRequestParts as _, Path, Query, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::request::Parts;
use http::{HeaderMap, StatusCode, Uri};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

/// The routes of sign-ins by a provider.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .get(Policy::Public, "/sso/{provider}/start", start)
        .get(Policy::Public, "/sso/{provider}/callback", callback)
        .post(Policy::Carried, "/sso/{provider}/callback", carried)
        .post(Policy::Public, PROVE, prove)
}

const PROVE: &str = "/sso/prove";

/// Where a sign-in by the provider with this slug starts.
pub(super) fn start_path(slug: &str, next: &LocalPath) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("next", next.as_str())
        .finish();
    format!("/sso/{slug}/start?{query}")
}

#[derive(Debug, Default, Deserialize)]
struct Leaving {
    #[serde(default)]
    next: LocalPath,
}

/// Leaves for the provider. A link, not a form: the policy of our pages lets forms only go to us,
/// also by a redirect.
async fn start(
    State(state): State<WebState>,
    Path(provider): Path<String>,
    uri: Uri,
    BrowserId(browser): BrowserId,
    Visitor(client): Visitor,
    frame: Frame,
) -> Response {
    let Query(Leaving { next }) = Query::try_from_uri(&uri).unwrap_or_default();
    let begun = state
        .app
        .begin_sign_in(
            &provider,
            browser.expose_secret(),
            return_to(&next),
            &client,
        )
        .await;
    match begun {
        Ok(url) => on_the_way(&next, Redirect::to(&url).into_response()),
        Err(refused) => refusal::on_the_way(&state, frame, &refused, &next).await,
    }
}

/// Marks an answer that leads to an app in the end.
pub(super) fn on_the_way(next: &LocalPath, answer: Response) -> Response {
    match next.authorization() {
        Some(_) => Further::default().on(answer),
        None => answer,
    }
}

/// The route that a path of ours stands for.
pub(super) fn return_to(path: &LocalPath) -> ReturnTo {
    if let Some(query) = path.authorization() {
        ReturnTo::Authorize(query.to_owned())
    } else if let Some(query) = path.connection() {
        connect::return_to(query)
    } else if path.as_str().starts_with(PersonEntry::Devices.path()) {
        ReturnTo::Devices
    } else {
        ReturnTo::Home
    }
}

async fn callback(
    State(state): State<WebState>,
    Path(provider): Path<String>,
    request: Request,
) -> Result<Response, Failure> {
    let (mut parts, _) = request.into_parts();
    answer(state, Arrived::OwnPath(provider), &mut parts).await
}

/// The parameter with which a browser fetches the end of a sign-in whose answer it carried here as
/// a form.
const POSTED: &str = "posted";

/// Whether a query is a provider's answer, good or bad, or asks for one that was carried here.
pub(super) fn is_answer(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes())
        .any(|(name, _)| name == "code" || name == "error" || name == POSTED)
}

/// An answer that arrived at `/`.
pub(super) async fn answer_at_bare_origin(
    state: WebState,
    parts: &mut Parts,
) -> Result<Response, Failure> {
    answer(state, Arrived::BareOrigin, parts).await
}

async fn answer(state: WebState, arrived: Arrived, parts: &mut Parts) -> Result<Response, Failure> {
    let parameters = parts.uri.query().unwrap_or_default().to_owned();
    let browser = SentBrowserId::from_request_parts(parts, &state).await?;
    let Ok(Visitor(client)) = Visitor::from_request_parts(parts, &state).await;
    let browser = browser.as_deref();
    let ended = match posted(&parameters) {
        Some(carried) => {
            let app = &state.app;
            app.finish_posted_sign_in(arrived, &carried, browser, &client)
                .await
        }
        None => {
            let app = &state.app;
            app.finish_sign_in(arrived, &parameters, browser, &client)
                .await
        }
    };
    finish(state, ended, parts).await
}

/// The state of an answer that was carried here as a form, where the query names nothing else.
fn posted(query: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    match (pairs.next(), pairs.next()) {
        (Some((name, state)), None) if name == POSTED => Some(state.into_owned()),
        _ => None,
    }
}

async fn carried(state: State<WebState>, request: Request) -> Result<Response, Failure> {
    let back = request.uri().path().to_owned();
    keep(state, &back, request).await
}

/// An answer that a form carried to `/`.
pub(super) async fn carried_to_bare_origin(
    state: State<WebState>,
    request: Request,
) -> Result<Response, Failure> {
    keep(state, "/", request).await
}

/// Keeps the answer in a form, and sends the browser to fetch the end of its sign-in: that request
/// is the browser's own, and carries its cookie.
async fn keep(
    State(state): State<WebState>,
    back: &str,
    request: Request,
) -> Result<Response, Failure> {
    let (mut parts, body) = request.into_parts();
    let Ok(Visitor(client)) = Visitor::from_request_parts(&mut parts, &state).await;
    let frame = Frame::of(&state.site, &parts.headers, &parts.uri);
    // An answer in two places is none.
    let ambiguous = parts.uri.query().is_some_and(|query| !query.is_empty());
    let form = foreign_form::read(Request::from_parts(parts, body)).await?;
    let parameters = if ambiguous { "" } else { form.as_str() };
    match state.app.keep_posted_answer(parameters, &client).await {
        Ok(carried) => {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair(POSTED, &carried)
                .finish();
            // Where it leads is known to the browser that fetches it, and this one sent no cookie.
            let fetch = Redirect::to(&format!("{back}?{query}")).into_response();
            Ok(Further::default().on(fetch))
        }
        Err(refused) => Ok(refusal::page(frame, &refused)),
    }
}

async fn finish(state: WebState, ended: Ended, parts: &mut Parts) -> Result<Response, Failure> {
    let frame = Frame::of(&state.site, &parts.headers, &parts.uri);
    match ended {
        Ended::SignedIn(signed_in) => {
            sign_in::welcome(&state, &parts.headers, *signed_in, &LocalPath::default()).await
        }
        Ended::Refused(refused) => {
            let next = LocalPath::default();
            Ok(refusal::on_the_way(&state, frame, &refused, &next).await)
        }
        Ended::Tested { provider, test } => Ok(tested(&provider, &test)),
        Ended::ProveLocal {
            proof,
            address,
            provider,
            wrong,
            return_to,
        } => {
            let next = match return_to {
                ReturnTo::Authorize(query) => LocalPath::to_authorize(&query),
                ReturnTo::Connect { query, .. } => LocalPath::to_connect(&query),
                ReturnTo::Home | ReturnTo::Devices => LocalPath::default(),
            };
            let token = FormToken::from_request_parts(parts, &state).await?;
            let page = ProvePage::of(frame, token, proof, address, provider, wrong);
            let status = if wrong == 0 {
                StatusCode::OK
            } else {
                StatusCode::UNAUTHORIZED
            };
            Ok((status, page.then(next)).into_response())
        }
    }
}

/// To a test's result, which only administrators are shown.
fn tested(provider: &str, test: &TestId) -> Response {
    Redirect::to(&result_path(provider, test)).into_response()
}

/// Asks for the local password of the mailbox that a proven identity wants to be linked to.
#[derive(Template)]
#[template(path = "pages/prove.html")]
struct ProvePage {
    shell: PublicShell,
    token: FormToken,
    action: &'static str,
    proof: SecretString,
    address: String,
    provider: String,
    next: LocalPath,
    cancel: String,
    field: Field,
    problems: Problems,
}

impl ProvePage {
    fn of(
        frame: Frame,
        token: FormToken,
        proof: SecretString,
        address: String,
        provider: String,
        wrong: u32,
    ) -> Self {
        let mut problems = Problems::new();
        if wrong > 0 {
            problems.add("password", "That is not the password of this mailbox.");
        }
        let field = Field::secret("password", "Password of this mailbox", "current-password")
            .help("The one you used here before. You need it this once.")
            .required()
            .problem(problems.of("password"));
        Self {
            shell: PublicShell::new(frame),
            token,
            action: PROVE,
            proof,
            address,
            provider,
            next: LocalPath::default(),
            cancel: sign_in::path(&LocalPath::default()),
            field,
            problems,
        }
    }

    /// The page, which leads there afterwards.
    fn then(self, next: LocalPath) -> Response {
        let cancel = sign_in::path(&next);
        let page = Self {
            next: next.clone(),
            cancel,
            ..self
        };
        on_the_way(&next, Page(page).into_response())
    }
}

#[derive(Debug, Deserialize)]
struct Proving {
    proof: Typed,
    password: Typed,
    #[serde(default)]
    next: LocalPath,
}

async fn prove(
    State(state): State<WebState>,
    browser: SentBrowserId,
    Visitor(client): Visitor,
    headers: HeaderMap,
    frame: Frame,
    token: FormToken,
    form: Sent<Proving>,
) -> Result<Response, Failure> {
    let form = match form {
        Sent::Ours(form) => form,
        Sent::Stale(form) => return sign_in::stale(&state, &headers, &form.next),
    };
    let ended = state
        .app
        .prove_local_password(
            form.proof.0.expose_secret(),
            form.password.0,
            browser.as_deref(),
            &client,
        )
        .await;
    match ended {
        Ended::SignedIn(signed_in) => {
            sign_in::welcome(&state, &headers, *signed_in, &form.next).await
        }
        Ended::Refused(refused) => {
            Ok(refusal::on_the_way(&state, frame, &refused, &form.next).await)
        }
        Ended::Tested { provider, test } => Ok(tested(&provider, &test)),
        Ended::ProveLocal {
            proof,
            address,
            provider,
            wrong,
            return_to: _,
        } => {
            let page = ProvePage::of(frame, token, proof, address, provider, wrong);
            Ok((StatusCode::UNAUTHORIZED, page.then(form.next)).into_response())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_carried_answer_is_fetched_by_its_state_alone() {
        assert_eq!(posted("posted=a%2Bb").as_deref(), Some("a+b"));
        for query in [
            "",
            "posted=a&code=b",
            "code=b&posted=a",
            "posted=a&posted=b",
        ] {
            assert_eq!(posted(query), None, "{query}");
        }
    }

    #[test]
    fn an_answer_is_told_from_a_visit() {
        for query in [
            "code=a&state=b",
            "error=access_denied&state=b",
            "code=a",
            "x=1&error=",
            "posted=a",
        ] {
            assert!(is_answer(query), "{query}");
        }
        for query in ["", "state=b", "next=/devices", "xcode=1", "codes=1"] {
            assert!(!is_answer(query), "{query}");
        }
    }
}
