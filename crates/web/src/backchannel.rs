//! Where providers tell that somebody signed out there (OpenID Connect Back-Channel Logout 1.0
//! section 2.5).

use crate::state::WebState;
use app::Problem;
use app::provider_logout::ProviderLogout;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;

/// Its path; one for each provider.
pub const PATH: &str = "/sso/{provider}/backchannel-logout";

/// How long a provider waits before it tries again, in seconds.
const AGAIN: &str = "30";

/// Takes one logout token. Answers 200 when it counted, 400 when it did not, 503 when we cannot say.
pub async fn receive(
    State(state): State<WebState>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(token) = token_of(&headers, &body) else {
        return refused("one logout_token in a form body is needed");
    };
    match state.app.provider_logout(&provider, &token).await {
        Ok(ProviderLogout::Ended { .. }) => StatusCode::OK.into_response(),
        Ok(ProviderLogout::Refused(why)) => refused(&why),
        Err(problem) => unavailable(&problem),
    }
}

/// The one `logout_token` of a form.
fn token_of(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let kind = kind.split(';').next()?.trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return None;
    }
    let mut tokens = form_urlencoded::parse(body).filter(|(name, _)| name == "logout_token");
    let (_, token) = tokens.next()?;
    tokens.next().is_none().then(|| token.into_owned())
}

fn refused(why: &str) -> Response {
    let body = Json(json!({ "error": "invalid_request", "error_description": why }));
    (StatusCode::BAD_REQUEST, body).into_response()
}

fn unavailable(problem: &Problem) -> Response {
    tracing::warn!(%problem, "a logout token could not be looked at");
    let body = Json(json!({ "error": "temporarily_unavailable" }));
    let mut answer = (StatusCode::SERVICE_UNAVAILABLE, body).into_response();
    let again = HeaderValue::from_static(AGAIN);
    answer.headers_mut().insert(header::RETRY_AFTER, again);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(kind: &str, body: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
        token_of(&headers, body.as_bytes())
    }

    #[test]
    fn exactly_one_token_of_a_form_is_taken() {
        const FORM: &str = "application/x-www-form-urlencoded";
        assert_eq!(token(FORM, "logout_token=a.b.c").as_deref(), Some("a.b.c"));
        let with_charset = "Application/X-WWW-Form-Urlencoded; charset=utf-8";
        assert_eq!(
            token(with_charset, "x=1&logout_token=t").as_deref(),
            Some("t")
        );
        for body in ["", "logout_tokens=a", "logout_token=a&logout_token=b"] {
            assert_eq!(token(FORM, body), None, "{body}");
        }
        assert_eq!(token("application/json", "logout_token=a"), None);
        assert_eq!(token_of(&HeaderMap::new(), b"logout_token=a"), None);
    }
}
