//! The running provider, as its endpoints see it.

use crate::company::Company;
use crate::conduct::Endpoint;
use crate::grants::{AuthorizationRequest, Grant, Grants, ResponseMode, SignIn};
use crate::keys::{KeyFault, SigningKey};
use crate::options::Options;
use crate::page;
use crate::params::with_query;
use crate::person::Person;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use model::time::Timestamp;
use parking_lot::{Mutex, RwLock};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The cookie of a browser that is signed in at the company. A browser keeps cookies by host and
/// not by port, so the name must not meet one of the product under test.
pub(crate) const SESSION_COOKIE: &str = "company_session";

/// Where an answer goes.
#[derive(Debug, Clone)]
pub(crate) struct Back {
    /// The client's redirect URI.
    pub(crate) uri: String,
    /// The client's state.
    pub(crate) state: Option<String>,
    /// In which way.
    pub(crate) mode: ResponseMode,
}

pub(crate) struct Provider {
    /// The issuer, exactly as tokens and discovery state it.
    pub(crate) issuer: String,
    /// Scheme, host and port, without a slash.
    pub(crate) origin: String,
    pub(crate) company: Company,
    pub(crate) options: Options,
    pub(crate) grants: Mutex<Grants>,
    key: RwLock<Arc<SigningKey>>,
    hits: [AtomicU64; 7],
}

impl Provider {
    pub(crate) fn new(origin: String, company: Company, options: Options, key: SigningKey) -> Self {
        Self {
            issuer: options.issuer.clone().unwrap_or_else(|| origin.clone()),
            origin,
            company,
            options,
            grants: Mutex::default(),
            key: RwLock::new(Arc::new(key)),
            hits: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    pub(crate) fn key(&self) -> Arc<SigningKey> {
        Arc::clone(&self.key.read())
    }

    pub(crate) fn rotate_key(&self) -> Result<(), KeyFault> {
        let fresh = SigningKey::generate(self.options.algorithm)?;
        *self.key.write() = Arc::new(fresh);
        Ok(())
    }

    pub(crate) fn count(&self, at: Endpoint) {
        self.hits[at as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn hits(&self, at: Endpoint) -> u64 {
        self.hits[at as usize].load(Ordering::Relaxed)
    }

    /// Who is signed in with this browser, as long as the company lets them.
    pub(crate) fn signed_in(&self, jar: &CookieJar) -> Option<(SignIn, Person)> {
        let cookie = jar.get(SESSION_COOKIE)?;
        let sign_in = self.grants.lock().session(cookie.value(), self.now())?;
        let person = self
            .company
            .person(&sign_in.login)
            .filter(|person| person.active)?;
        Some((sign_in, person))
    }

    /// Sends the browser back to the client with a code.
    pub(crate) fn answer_with_code(
        &self,
        request: AuthorizationRequest,
        sign_in: SignIn,
    ) -> Response {
        let back = Back {
            uri: request.redirect_uri.clone(),
            state: request.state.clone(),
            mode: request.mode,
        };
        let grant = Grant { request, sign_in };
        let code = self
            .grants
            .lock()
            .issue_code(grant, self.now(), &self.options);
        match code {
            Ok(code) => self.answer(back, vec![("code".to_owned(), code)]),
            Err(_) => internal_error(),
        }
    }

    /// Sends the browser back to the client with an error (RFC 6749 section 4.1.2.1).
    pub(crate) fn answer_with_error(&self, back: Back, error: &str, description: &str) -> Response {
        let answer = vec![
            ("error".to_owned(), error.to_owned()),
            ("error_description".to_owned(), description.to_owned()),
        ];
        self.answer(back, answer)
    }

    /// Adds `state` and `iss` (RFC 9207) and sends the browser back. A redirect has status 303, so
    /// that a form's POST never carries the password on to the client.
    fn answer(&self, back: Back, mut answer: Vec<(String, String)>) -> Response {
        let Back { uri, state, mode } = back;
        answer.extend(state.map(|state| ("state".to_owned(), state)));
        answer.push(("iss".to_owned(), self.issuer.clone()));
        self.company.conduct().authorization_answer(&mut answer);
        match mode {
            ResponseMode::Query => redirect(&with_query(&uri, &answer)),
            ResponseMode::FormPost => page::carry_back(self, &uri, &answer),
        }
    }

    /// A JSON answer that nobody may cache.
    pub(crate) fn json(
        &self,
        at: Endpoint,
        status: StatusCode,
        body: Map<String, Value>,
    ) -> Response {
        let text = Value::Object(body).to_string();
        let text = self.company.conduct().json_text(at, text);
        let headers = [
            (CONTENT_TYPE, "application/json"),
            (CACHE_CONTROL, "no-store"),
        ];
        (status, headers, text).into_response()
    }
}

/// A 303 to `target`.
pub(crate) fn redirect(target: &str) -> Response {
    // A registered URI that no header can carry is the registrant's mistake.
    match HeaderValue::from_str(target) {
        Ok(location) => (
            StatusCode::SEE_OTHER,
            [
                (LOCATION, location),
                (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ],
        )
            .into_response(),
        Err(_) => internal_error(),
    }
}

pub(crate) fn internal_error() -> Response {
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
