//! What pages of other sites may read (the CORS protocol of the Fetch standard): for apps that run in a
//! browser alone. A browser says where a page is from, and keeps from it what is not marked here.

use super::machine::unavailable;
use super::token::TOKEN_SLASH;
use crate::route::{Policy, Routes};
use crate::state::WebState;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use oidc::op::bearer::BearerRequest;
use oidc::op::origin::PageOrigin;
use oidc::op::paths;

/// What an app has to see of an error besides its body.
const EXPOSED: &str = "WWW-Authenticate, Retry-After";

/// What answers differ by.
const ORIGIN: &str = "Origin";

/// What a page may send along.
const SENT: &str = "Authorization, Content-Type";

/// Seconds that a browser need not ask again: as many as Chromium takes.
const KEPT: &str = "7200";

/// The routes by which browsers ask whether a page may ask.
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .options(Policy::Machine, paths::TOKEN, by_post)
        .options(Policy::Machine, TOKEN_SLASH, by_post)
        .options(Policy::Machine, paths::REVOKE, by_post)
        .options(Policy::Machine, paths::USERINFO, by_either)
        .options(Policy::Machine, paths::JWKS, published)
        .options(Policy::Machine, paths::OPENID_CONFIGURATION, published)
        .options(Policy::Machine, paths::AUTHORIZATION_SERVER, published)
}

async fn by_post(headers: HeaderMap) -> Response {
    preflight("POST", page(&headers).as_ref().and_then(named))
}

async fn by_either(headers: HeaderMap) -> Response {
    preflight("GET, POST", page(&headers).as_ref().and_then(named))
}

async fn published() -> Response {
    preflight("GET", Some(HeaderValue::from_static("*")))
}

/// A preflight names no app, and nothing is looked up for it: any page may ask, and whether it may read
/// what comes then is said with that.
fn preflight(methods: &'static str, allowed: Option<HeaderValue>) -> Response {
    let methods = HeaderValue::from_static(methods);
    let mut answer = varied(StatusCode::NO_CONTENT.into_response());
    let headers = answer.headers_mut();
    headers.insert(header::ALLOW, methods.clone());
    if let Some(origin) = allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static(SENT),
        );
        headers.insert(
            header::ACCESS_CONTROL_MAX_AGE,
            HeaderValue::from_static(KEPT),
        );
    }
    answer
}

/// The page of another site that asks, if it is one.
pub(super) fn page(headers: &HeaderMap) -> Option<PageOrigin> {
    let mut values = headers.get_all(header::ORIGIN).iter();
    let (first, None) = (values.next()?, values.next()) else {
        return None;
    };
    PageOrigin::parse(first.to_str().ok()?)
}

/// The page, if it may read what the app is answered that a request names.
///
/// # Errors
/// The answer, while nobody can say: nothing may be given then.
pub(super) async fn of_client(
    state: &WebState,
    page: Option<PageOrigin>,
    authorization: Option<&str>,
    form: &str,
) -> Result<Option<PageOrigin>, Response> {
    let Some(page) = page else {
        return Ok(None);
    };
    let asked = state.app.is_page_of_client(&page, authorization, form);
    let may_read = asked
        .await
        .map_err(|problem| varied(unavailable(&problem)))?;
    Ok(noted(page, may_read))
}

/// The page, if it may read what the app is answered that has an access token.
pub(super) async fn of_bearer(
    state: &WebState,
    page: Option<PageOrigin>,
    shown: BearerRequest<'_>,
) -> Option<PageOrigin> {
    let page = page?;
    let may_read = state.app.is_page_of_token(&page, shown).await;
    noted(page, may_read)
}

/// A request whose answer may not be read is carried out all the same: the log says whose page it was.
fn noted(page: PageOrigin, may_read: bool) -> Option<PageOrigin> {
    if may_read {
        return Some(page);
    }
    tracing::info!(
        page.origin = page.as_str(),
        "a page of another site may not read what it asked for"
    );
    None
}

/// Marks an answer for the page that may read it.
pub(super) fn marked(page: Option<&PageOrigin>, answer: Response) -> Response {
    let mut answer = varied(answer);
    if let Some(origin) = page.and_then(named) {
        let headers = answer.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static(EXPOSED),
        );
    }
    answer
}

/// An answer that is another one for another page.
pub(super) fn varied(mut answer: Response) -> Response {
    let origin = HeaderValue::from_static(ORIGIN);
    answer.headers_mut().append(header::VARY, origin);
    answer
}

fn named(page: &PageOrigin) -> Option<HeaderValue> {
    HeaderValue::from_str(page.as_str()).ok()
}
