//! Light or dark, as the person chose; without a choice, as their system says.

use crate::cookie::{header_of, value_of};
use crate::local_path::LocalPath;
use crate::site::Site;
use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderMap, header};
use serde::Deserialize;
use std::sync::Arc;

const COOKIE: &str = "gatepost-appearance";

/// The choice of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Appearance {
    /// As the system says.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Appearance {
    /// All choices in display order.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The choice a request carries.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        match value_of(headers, COOKIE).as_deref() {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            _ => Self::System,
        }
    }

    /// The value in forms, cookie and the page's `data-theme`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The word on its button.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }
}

/// The form in every page's foot.
#[derive(Debug, Deserialize)]
pub struct Choice {
    appearance: Appearance,
    #[serde(default)]
    back: LocalPath,
}

/// Remembers the choice for a year and goes back to the page it was made on. Nothing is at stake
/// here, so the form carries no token.
pub async fn choose(State(site): State<Arc<Site>>, Form(choice): Form<Choice>) -> Response {
    let year = time::Duration::days(365);
    let (value, max_age) = match choice.appearance {
        Appearance::System => ("", time::Duration::ZERO),
        chosen => (chosen.name(), year),
    };
    let mut response = Redirect::to(choice.back.as_str()).into_response();
    if let Some(cookie) = header_of(&site, COOKIE, value, Some(max_age)) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
