//! The company's sign-in page.

use crate::grants::{AuthorizationRequest, SignIn};
use crate::page;
use crate::params::Params;
use crate::person::Person;
use crate::provider::{Back, Provider, SESSION_COOKIE, internal_error};
use crate::random;
use axum::extract::{RawForm, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use secrecy::ExposeSecret as _;
use std::sync::Arc;

pub(crate) const PATH: &str = "/login";

/// The page was open too long, used already, or never asked for.
const STALE: &str = "This sign-in page has been used or is too old. Start again at the website \
                     that sent you here.";

pub(crate) async fn form(
    State(provider): State<Arc<Provider>>,
    RawQuery(query): RawQuery,
) -> Response {
    let params = Params::parse(query.unwrap_or_default().as_bytes());
    let id = params.text("request");
    let request = provider.grants.lock().waiting(id, provider.now());
    match request {
        Some(request) => ask(&provider, StatusCode::OK, id, &request, None),
        None => page::problem(&provider, StatusCode::BAD_REQUEST, STALE),
    }
}

pub(crate) async fn submit(
    State(provider): State<Arc<Provider>>,
    jar: CookieJar,
    RawForm(form): RawForm,
) -> Response {
    let params = Params::parse(&form);
    let id = params.text("request");
    let Some(request) = provider.grants.lock().waiting(id, provider.now()) else {
        return page::problem(&provider, StatusCode::BAD_REQUEST, STALE);
    };
    if params.text("action") == "deny" {
        provider.grants.lock().take(id);
        let back = Back {
            uri: request.redirect_uri,
            state: request.state,
            mode: request.mode,
        };
        return provider.answer_with_error(back, "access_denied", "The person said no.");
    }
    let person = match who(&provider, &params) {
        Ok(person) => person,
        Err(text) => return ask(&provider, StatusCode::FORBIDDEN, id, &request, Some(text)),
    };
    tracing::info!(
        person.login = person.login,
        client.id = request.client_id,
        "signed in"
    );
    let now = provider.now();
    let Ok(sid) = random::token() else {
        return internal_error();
    };
    let sign_in = SignIn {
        login: person.login,
        sid,
        at: now,
    };
    let session = {
        let mut grants = provider.grants.lock();
        grants.take(id);
        grants.open_session(sign_in.clone(), now)
    };
    match session {
        Ok(session) => {
            let cookie = Cookie::build((SESSION_COOKIE, session))
                .path("/")
                .http_only(true)
                .same_site(SameSite::Lax);
            (jar.add(cookie), provider.answer_with_code(request, sign_in)).into_response()
        }
        Err(_) => internal_error(),
    }
}

/// Who the form says it is: by a sample person's button, or by name and password.
fn who(provider: &Provider, params: &Params) -> Result<Person, &'static str> {
    let button = params.text("person");
    let person = if provider.options.quick_sign_in && !button.is_empty() {
        provider.company.person(button)
    } else {
        let (name, password) = (params.text("username"), params.text("password"));
        provider
            .company
            .find(|person| person.answers_to(name))
            .filter(|person| same(person.password.expose_secret(), password))
    };
    let person = person.ok_or("Wrong name or password.")?;
    if person.active {
        Ok(person)
    } else {
        Err("This account has been disabled.")
    }
}

fn same(known: &str, typed: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(known.as_bytes(), typed.as_bytes()).is_ok()
}

fn ask(
    provider: &Provider,
    status: StatusCode,
    id: &str,
    request: &AuthorizationRequest,
    error: Option<&str>,
) -> Response {
    page::sign_in(provider, status, id, request, error)
}
