//! Answering with a template.

use crate::error::Failure;
use askama::Template;
use axum::response::{Html, IntoResponse, Response};

/// A template as the answer, with status 200; `(StatusCode, Page(..))` for another.
#[derive(Debug)]
pub struct Page<T>(pub T);

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            Ok(html) => Html(html).into_response(),
            Err(error) => Failure::internal(error).into_response(),
        }
    }
}
