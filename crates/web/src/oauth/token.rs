//! The token endpoint, the codes of devices, introspection and revocation.

use super::cors;
use super::machine::{Call, endpoint_error, json_answer};
use crate::route::{Policy, Routes};
use crate::state::WebState;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use oidc::op::paths;
use serde_json::json;

/// Some clients have a slash at the end; a redirected POST would come back as a GET.
pub(super) const TOKEN_SLASH: &str = "/oauth/token/";

/// The routes of this file.
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .post(Policy::Machine, paths::TOKEN, tokens)
        .post(Policy::Machine, TOKEN_SLASH, tokens)
        .get(Policy::Machine, paths::TOKEN, not_by_get)
        .get(Policy::Machine, TOKEN_SLASH, not_by_get)
        .post(Policy::Machine, paths::DEVICE_AUTHORIZATION, device)
        .post(Policy::Machine, paths::INTROSPECT, introspect)
        .post(Policy::Machine, paths::REVOKE, revoke)
}

async fn tokens(State(state): State<WebState>, request: Request) -> Result<Response, Response> {
    let page = cors::page(request.headers());
    let (call, form) = Call::read_form(request).await.map_err(cors::varied)?;
    let authorization = call.authorization.as_deref();
    let page = cors::of_client(&state, page, authorization, &form).await?;
    let given = state
        .app
        .app_tokens(authorization, &form, &call.client)
        .await;
    let answer = match given {
        Ok(tokens) => json_answer(StatusCode::OK, &tokens),
        Err(refused) => endpoint_error(&refused),
    };
    Ok(cors::marked(page.as_ref(), answer))
}

async fn device(State(state): State<WebState>, request: Request) -> Result<Response, Response> {
    let (call, form) = Call::read_form(request).await?;
    let authorization = call.authorization.as_deref();
    let app = &state.app;
    match app.begin_device(authorization, &form, &call.client).await {
        Ok(start) => Ok(json_answer(StatusCode::OK, &start)),
        Err(refused) => Err(endpoint_error(&refused)),
    }
}

/// mailcow's answer. A code or a secret in a query would stay in logs.
async fn not_by_get() -> Response {
    let body = json!({
        "error": "invalid_request",
        "error_description": "tokens are given by POST only",
    });
    let mut answer = cors::varied(json_answer(StatusCode::METHOD_NOT_ALLOWED, &body));
    let allowed = HeaderValue::from_static("POST");
    answer.headers_mut().insert(header::ALLOW, allowed);
    answer
}

async fn introspect(State(state): State<WebState>, request: Request) -> Result<Response, Response> {
    let (call, form) = Call::read_form(request).await?;
    let authorization = call.authorization.as_deref();
    let app = &state.app;
    match app
        .app_introspection(authorization, &form, &call.client)
        .await
    {
        Ok(worth) => Ok(json_answer(StatusCode::OK, &worth)),
        Err(refused) => Err(endpoint_error(&refused)),
    }
}

async fn revoke(State(state): State<WebState>, request: Request) -> Result<Response, Response> {
    let page = cors::page(request.headers());
    let (call, form) = Call::read_form(request).await.map_err(cors::varied)?;
    let authorization = call.authorization.as_deref();
    let page = cors::of_client(&state, page, authorization, &form).await?;
    let app = &state.app;
    let answer = match app.app_revocation(authorization, &form, &call.client).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refused) => endpoint_error(&refused),
    };
    Ok(cors::marked(page.as_ref(), answer))
}
