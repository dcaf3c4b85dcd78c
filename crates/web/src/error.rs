//! Requests that cannot be answered as asked: one page (or JSON object) for all of them.
//!
//! Handlers answer with a [`Failure`]; [`render`] turns it into the page, because only there the
//! browser's wishes (HTML or JSON, light or dark) are at hand.

use crate::appearance::Appearance;
use crate::page::Page;
use crate::parts::Copied;
use crate::shell::{Frame, PublicShell};
use crate::site::Site;
use askama::Template;
use axum::Json;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use model::attempt::Reference;
use model::random::Random;
use std::borrow::Cow;

/// A request that could not be answered.
#[derive(Debug, Clone)]
pub struct Failure {
    status: StatusCode,
    text: Option<Cow<'static, str>>,
    /// For the log only.
    cause: Option<String>,
}

impl Failure {
    /// With the usual words for `status`.
    #[must_use]
    pub const fn new(status: StatusCode) -> Self {
        Self {
            status,
            text: None,
            cause: None,
        }
    }

    /// With these words to the person in place of the usual ones. They must not be taken from the
    /// request.
    #[must_use]
    pub fn saying(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// A fault of ours (500). `cause` goes to the log beside the reference the person is shown.
    #[must_use]
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self {
            cause: Some(cause.to_string()),
            ..Self::new(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }

    /// We cannot answer at the moment (503); the same request may succeed in a while.
    #[must_use]
    pub fn unavailable(cause: impl std::fmt::Display) -> Self {
        Self {
            cause: Some(cause.to_string()),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE)
        }
    }

    /// The page or thing does not exist, or not for this person (404).
    #[must_use]
    pub const fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND)
    }

    /// Somebody changed the thing since the form was shown (409).
    #[must_use]
    pub const fn stale() -> Self {
        Self::new(StatusCode::CONFLICT)
    }

    /// The status it is answered with.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }
}

impl IntoResponse for Failure {
    /// An empty answer that carries the failure to [`render`].
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// What the error page of a request is made of, if it comes to that.
pub struct Wishes {
    appearance: Appearance,
    uri: Uri,
    json: bool,
}

impl Wishes {
    /// Those of a request.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        Self {
            appearance: Appearance::of(request.headers()),
            uri: request.uri().clone(),
            json: wants_json(request.headers()),
        }
    }
}

/// Gives a failed answer that has no body of its own the error page.
pub fn render(
    site: &Site,
    random: &dyn Random,
    wishes: &Wishes,
    mut response: Response,
) -> Response {
    let Some(failure) = failure_of(&mut response) else {
        return response;
    };
    let reference = Reference::generate(random);
    log(&failure, &reference);
    let kept = std::mem::take(response.headers_mut());
    let mut page = if wishes.json {
        json_of(&failure, &reference)
    } else {
        let frame = Frame::new(site, wishes.appearance, &wishes.uri);
        ErrorPage::of(&failure, site, frame, &reference).into_response()
    };
    for name in [header::SET_COOKIE, header::ALLOW, header::RETRY_AFTER] {
        for value in kept.get_all(&name) {
            page.headers_mut().append(&name, value.clone());
        }
    }
    if failure.status == StatusCode::SERVICE_UNAVAILABLE {
        let wait = HeaderValue::from_static("10");
        page.headers_mut()
            .entry(header::RETRY_AFTER)
            .or_insert(wait);
    }
    *page.status_mut() = failure.status;
    page
}

/// The failure an answer carries, or the one that an unfinished answer of the framework (a path
/// with another method, a body that is too large) amounts to.
fn failure_of(response: &mut Response) -> Option<Failure> {
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        return Some(failure);
    }
    let status = response.status();
    let own_body = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| !kind.as_bytes().starts_with(b"text/plain"));
    let failed = status.is_client_error() || status.is_server_error();
    (failed && !own_body).then(|| Failure::new(status))
}

fn log(failure: &Failure, reference: &Reference) {
    let status = failure.status.as_u16();
    match &failure.cause {
        Some(cause) if failure.status.is_server_error() => {
            tracing::error!(http.status = status, request.reference = %reference, error = %cause,
                "request failed");
        }
        Some(cause) => {
            tracing::info!(http.status = status, request.reference = %reference, error = %cause,
                "request refused");
        }
        None => tracing::debug!(http.status = status, request.reference = %reference,
            "request refused"),
    }
}

/// Whether the client asks for JSON and not for a page.
#[must_use]
pub fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    accept
        .is_some_and(|accept| accept.contains("application/json") && !accept.contains("text/html"))
}

fn json_of(failure: &Failure, reference: &Reference) -> Response {
    let words = Words::of(failure.status);
    Json(serde_json::json!({
        "error": {
            "status": failure.status.as_u16(),
            "title": words.title,
            "message": failure.text.as_deref().unwrap_or(words.text),
            "reference": reference.as_str(),
        }
    }))
    .into_response()
}

/// What a person reads about a status.
struct Words {
    title: &'static str,
    text: &'static str,
    /// Whether a reference helps: where the person did nothing wrong.
    ours: bool,
}

impl Words {
    const fn of(status: StatusCode) -> Self {
        let (title, text, ours) = match status.as_u16() {
            401 => (
                "Please sign in",
                "You are not signed in, or your session has ended.",
                false,
            ),
            403 => ("Not allowed", "Your account may not do this here.", false),
            404 => (
                "There is no such page",
                "The address is mistyped, or what was here has been removed.",
                false,
            ),
            405 => (
                "That does not work here",
                "This address exists, but not for this kind of request.",
                false,
            ),
            409 => (
                "Somebody else changed this",
                "It was changed after you opened the page. Open it again to see how it stands now.",
                false,
            ),
            413 => (
                "Too large",
                "What you sent is larger than this page takes.",
                false,
            ),
            421 => (
                "This is not that site",
                "The address you opened leads to this mail server, but it is not one of its names.",
                false,
            ),
            429 => (
                "Too many tries",
                "Wait a few minutes, then try again.",
                false,
            ),
            503 => (
                "Not available at the moment",
                "Nothing is wrong with your account. Try again in a minute.",
                true,
            ),
            500..=599 => (
                "Something went wrong here",
                "It is not your fault, and nothing was half done. Try again; if it happens again, \
                 tell your helpdesk.",
                true,
            ),
            _ => (
                "That request is incomplete",
                "The link or form was cut off or altered on its way. Go back and try again.",
                false,
            ),
        };
        Self { title, text, ours }
    }
}

#[derive(Template)]
#[template(path = "pages/error.html")]
struct ErrorPage {
    shell: PublicShell,
    title: &'static str,
    text: Cow<'static, str>,
    /// Where to go on: a link and its words.
    onward: (String, String),
    reference: Option<Reference>,
}

impl ErrorPage {
    fn of(failure: &Failure, site: &Site, frame: Frame, reference: &Reference) -> Response {
        let words = Words::of(failure.status);
        let onward = if failure.status == StatusCode::MISDIRECTED_REQUEST {
            (site.url("/"), format!("Go to {}", site.host()))
        } else {
            ("/".to_owned(), "Go to the start page".to_owned())
        };
        Page(Self {
            shell: PublicShell::new(frame),
            title: words.title,
            text: failure.text.clone().unwrap_or(Cow::Borrowed(words.text)),
            onward,
            reference: words.ours.then(|| reference.clone()),
        })
        .into_response()
    }
}
