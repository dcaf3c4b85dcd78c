//! What the endpoints for programs have in common: how requests are read and errors are said.

use crate::client_addr::ClientAddr;
use app::Client;
use app::oauth::{BearerRefusal, EndpointError};
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::json;

/// How long an app waits before it tries again when we cannot answer, in seconds.
const AGAIN: &str = "10";

/// Headers of JSON that no cache keeps (RFC 6749 section 5.1).
const JSON: [(HeaderName, &str); 3] = [
    (header::CONTENT_TYPE, "application/json"),
    (header::CACHE_CONTROL, "no-store"),
    (header::PRAGMA, "no-cache"),
];

/// The parts of a request that count.
pub(super) struct Call {
    /// The one `Authorization` header.
    pub authorization: Option<String>,
    /// The body, if it is a form.
    pub form: Option<String>,
    /// The query without its `?`.
    pub query: Option<String>,
    /// Who calls.
    pub client: Client,
}

impl Call {
    /// Reads a request.
    ///
    /// # Errors
    /// The answer: two `Authorization` headers, or a form that is no text.
    pub(super) async fn read(request: Request) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let authorization = authorization(&parts.headers).map_err(|()| {
            invalid_request("there must be one Authorization header in plain ASCII")
        })?;
        let client = Client {
            ip: parts.extensions.get::<ClientAddr>().map(|client| client.0),
            user_agent: text(&parts.headers, &header::USER_AGENT).unwrap_or_default(),
        };
        let query = parts.uri.query().map(str::to_owned);
        let mut form = None;
        if is_form(&parts.headers) {
            let bytes = axum::body::to_bytes(body, crate::limits::CARRIED_BYTES)
                .await
                .map_err(|_| invalid_request("the form is too long"))?;
            let text = String::from_utf8(bytes.into())
                .map_err(|_| invalid_request("the form is not UTF-8"))?;
            form = Some(text);
        }
        Ok(Self {
            authorization,
            form,
            query,
            client,
        })
    }

    /// Reads a request that must be a form.
    ///
    /// # Errors
    /// The answer.
    pub(super) async fn read_form(request: Request) -> Result<(Self, String), Response> {
        let mut call = Self::read(request).await?;
        let form = call.form.take().ok_or_else(|| {
            invalid_request("the body is not of the type application/x-www-form-urlencoded")
        })?;
        Ok((call, form))
    }
}

fn authorization(headers: &HeaderMap) -> Result<Option<String>, ()> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(());
    }
    value
        .to_str()
        .map(|text| Some(text.to_owned()))
        .map_err(|_| ())
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = text(headers, &header::CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.to_owned())
}

/// JSON that no cache keeps.
pub(super) fn json_answer(status: StatusCode, body: &impl Serialize) -> Response {
    let Ok(body) = serde_json::to_string(body) else {
        return crate::error::Failure::internal("an answer could not be written").into_response();
    };
    (status, JSON, body).into_response()
}

fn error(status: StatusCode, error: &str, description: &str) -> Response {
    let body = json!({ "error": error, "error_description": description });
    json_answer(status, &body)
}

fn invalid_request(description: &str) -> Response {
    error(StatusCode::BAD_REQUEST, "invalid_request", description)
}

fn with(mut answer: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
    answer
}

/// Nothing is wrong with the request.
pub(super) fn unavailable(problem: &app::Problem) -> Response {
    tracing::warn!(%problem, "an app could not be answered");
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let answer = error(status, "temporarily_unavailable", "try again in a while");
    with(answer, header::RETRY_AFTER, AGAIN)
}

/// Says why an app gets nothing.
pub(super) fn endpoint_error(refused: &EndpointError) -> Response {
    match refused {
        EndpointError::Refused(error) => json_answer(StatusCode::BAD_REQUEST, &error.body()),
        EndpointError::Unauthorized { error, basic } => {
            let answer = json_answer(StatusCode::UNAUTHORIZED, &error.body());
            if !basic {
                return answer;
            }
            let scheme = "Basic realm=\"Gatepost\", charset=\"UTF-8\"";
            with(answer, header::WWW_AUTHENTICATE, scheme)
        }
        EndpointError::Throttled { wait_seconds } => {
            let words = "too many wrong secrets or codes; a right one is taken at any time";
            let answer = error(StatusCode::TOO_MANY_REQUESTS, "invalid_client", words);
            with(answer, header::RETRY_AFTER, &wait_seconds.to_string())
        }
        EndpointError::TooManyDevices { wait_seconds } => {
            let words = "too many devices wait for their persons; ask again later";
            let answer = error(StatusCode::TOO_MANY_REQUESTS, "slow_down", words);
            with(answer, header::RETRY_AFTER, &wait_seconds.to_string())
        }
        EndpointError::Later { wait_seconds } => {
            let words = "the person's provider has yet to confirm them; try again in a while";
            let status = StatusCode::SERVICE_UNAVAILABLE;
            let answer = error(status, "temporarily_unavailable", words);
            with(answer, header::RETRY_AFTER, &wait_seconds.to_string())
        }
        EndpointError::Unavailable(problem) => unavailable(problem),
    }
}

/// Says why a token opens nothing, in the body and as RFC 6750 section 3 has it. The realm is
/// mailcow's.
pub(super) fn bearer_refusal(refused: &BearerRefusal) -> Response {
    let description = refused.to_string();
    let (status, code) = match refused {
        BearerRefusal::Missing => {
            // mailcow's answer has no body either.
            let answer = (StatusCode::UNAUTHORIZED, JSON).into_response();
            return with(answer, header::WWW_AUTHENTICATE, "Bearer realm=\"Service\"");
        }
        BearerRefusal::Unavailable(problem) => return unavailable(problem),
        BearerRefusal::Request(_) => (StatusCode::BAD_REQUEST, "invalid_request"),
        BearerRefusal::Token => (StatusCode::UNAUTHORIZED, "invalid_token"),
        BearerRefusal::Scope(_) | BearerRefusal::ProfileAlone => {
            (StatusCode::FORBIDDEN, "insufficient_scope")
        }
    };
    let mut scheme =
        format!("Bearer realm=\"Service\", error=\"{code}\", error_description=\"{description}\"");
    if let BearerRefusal::Scope(scope) = refused {
        scheme.push_str(&format!(", scope=\"{scope}\""));
    }
    with(
        error(status, code, &description),
        header::WWW_AUTHENTICATE,
        &scheme,
    )
}
