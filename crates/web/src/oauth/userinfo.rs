//! Userinfo and mailcow's profile.

use super::cors;
use super::machine::{Call, bearer_refusal, json_answer};
use crate::route::{Policy, Routes};
use crate::state::WebState;
use app::oauth::ProfileAnswer;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use oidc::op::bearer::BearerRequest;
use oidc::op::paths;

const PROFILE_SLASH: &str = "/oauth/profile/";

/// The routes of this file.
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .get(Policy::Machine, paths::PROFILE, profile)
        .post(Policy::Machine, paths::PROFILE, profile)
        .get(Policy::Machine, PROFILE_SLASH, profile)
        .post(Policy::Machine, PROFILE_SLASH, profile)
        .get(Policy::Machine, paths::USERINFO, userinfo)
        .post(Policy::Machine, paths::USERINFO, userinfo)
}

async fn profile(State(state): State<WebState>, request: Request) -> Result<Response, Response> {
    let call = Call::read(request).await?;
    match state.app.app_profile(shown(&call)).await {
        Ok(ProfileAnswer::Person(profile)) => Ok(json_answer(StatusCode::OK, &profile)),
        // mailcow sends it without the type of JSON.
        Ok(ProfileAnswer::NoSuccess) => {
            let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            Ok((StatusCode::OK, plain, "{\"success\":false}").into_response())
        }
        Err(refused) => Err(bearer_refusal(&refused)),
    }
}

async fn userinfo(State(state): State<WebState>, request: Request) -> Result<Response, Response> {
    let page = cors::page(request.headers());
    let call = Call::read(request).await.map_err(cors::varied)?;
    let answer = match state.app.app_userinfo(shown(&call)).await {
        Ok(claims) => json_answer(StatusCode::OK, &claims),
        Err(refused) => bearer_refusal(&refused),
    };
    let page = cors::of_bearer(&state, page, shown(&call)).await;
    Ok(cors::marked(page.as_ref(), answer))
}

fn shown(call: &Call) -> BearerRequest<'_> {
    BearerRequest {
        authorization: call.authorization.as_deref(),
        form: call.form.as_deref(),
        query: call.query.as_deref(),
    }
}
