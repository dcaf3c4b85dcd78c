//! The head of an app's page, and its parts, each with an address of its own.

use super::apps::{path_of, state_of};
use crate::parts::Tag;
use askama::Template;
use model::ids::OauthAppId;
use model::oauth_app::OauthApp;

/// A part of an app's page, each with an address of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Settings,
    Connect,
    Test,
    Secrets,
    Activity,
    People,
}

impl Tab {
    const ALL: [Self; 6] = [
        Self::Settings,
        Self::Connect,
        Self::Test,
        Self::Secrets,
        Self::Activity,
        Self::People,
    ];

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Settings => ("", "Settings"),
            Self::Connect => ("/connect", "Block to paste"),
            Self::Test => ("/test", "Test"),
            Self::Secrets => ("/secrets", "Secrets"),
            Self::Activity => ("/activity", "Activity"),
            Self::People => ("/people", "People"),
        }
    }
}

/// The head of an app's page.
#[derive(Template)]
#[template(path = "admin/app_head.html")]
pub(super) struct Head {
    path: String,
    name: String,
    number: OauthAppId,
    client_id: String,
    state: Tag,
    active: bool,
    tabs: Vec<(String, &'static str, bool)>,
}

// Its template escapes what it shows.
impl askama::filters::HtmlSafe for Head {}

impl Head {
    /// The head with one part chosen.
    pub fn of(app: &OauthApp, here: Tab) -> Self {
        let path = path_of(app.id);
        let tab = |tab: Tab| {
            let (below, words) = tab.words();
            (format!("{path}{below}"), words, tab == here)
        };
        Self {
            tabs: Tab::ALL.map(tab).into(),
            name: app.settings.name.clone(),
            number: app.id,
            client_id: app.client_id.clone(),
            state: state_of(app),
            active: app.settings.active,
            path,
        }
    }
}
