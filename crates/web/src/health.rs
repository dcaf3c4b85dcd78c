//! Answers for probes. They tell nothing but whether.

use crate::state::WebState;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde_json::json;

/// The worker runs.
pub async fn alive() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// The worker can answer people: its store can be read.
pub async fn ready(State(state): State<WebState>) -> Response {
    match state.app.setup_state().await {
        Ok(_) => Json(json!({ "status": "ok" })).into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            let body = Json(json!({ "status": "unavailable" }));
            (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
        }
    }
}
