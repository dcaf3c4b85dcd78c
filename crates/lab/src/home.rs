//! The company's front page: who is signed in with this browser, and the way out.

use crate::page;
use crate::provider::Provider;
use axum::extract::State;
use axum::response::Response;
use axum_extra::extract::CookieJar;
use std::sync::Arc;

pub(crate) async fn home(State(provider): State<Arc<Provider>>, jar: CookieJar) -> Response {
    let person = provider.signed_in(&jar).map(|(_, person)| person);
    page::home(&provider, person.as_ref())
}
