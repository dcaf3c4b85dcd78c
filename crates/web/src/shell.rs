//! What stands around a page: its frame (assets, colours, token) and, for signed-in people, the
//! entries they can go to.

use crate::appearance::Appearance;
use crate::assets;
use crate::csrf::FormToken;
use crate::local_path::LocalPath;
use crate::parts::{Icon, Notice};
use crate::route::Row;
use crate::site::Site;
use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;
use http::{HeaderMap, Method, Uri};
use std::convert::Infallible;
use std::sync::Arc;

/// What every page needs, whoever looks at it.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The host people know this server by.
    pub site: String,
    /// Light or dark.
    pub appearance: Appearance,
    /// The page's own path, to come back to.
    pub here: String,
}

impl Frame {
    /// The frame for a request.
    #[must_use]
    pub fn of(site: &Site, headers: &HeaderMap, uri: &Uri) -> Self {
        Self::new(site, Appearance::of(headers), uri)
    }

    /// The frame of a request for `uri`, in these colours.
    #[must_use]
    pub fn new(site: &Site, appearance: Appearance, uri: &Uri) -> Self {
        let here = LocalPath::parse(uri.path()).unwrap_or_default();
        Self {
            site: site.host().to_owned(),
            appearance,
            here: here.as_str().to_owned(),
        }
    }

    /// The style sheet's path.
    #[must_use]
    pub fn style(&self) -> &'static str {
        assets::STYLE.path()
    }

    /// The module's path.
    #[must_use]
    pub fn script(&self) -> &'static str {
        assets::SCRIPT.path()
    }

    /// The tab icon's path.
    #[must_use]
    pub fn favicon(&self) -> &'static str {
        assets::FAVICON.path()
    }

    /// An icon by its name in the sprite.
    #[must_use]
    pub const fn icon(&self, name: &'static str) -> Icon {
        Icon::of(name)
    }

    /// The sign of the product.
    #[must_use]
    pub const fn mark(&self) -> Icon {
        Icon::mark()
    }

    /// The choices of colours.
    #[must_use]
    pub const fn appearances(&self) -> [Appearance; 3] {
        Appearance::ALL
    }
}

impl<S: Sync> FromRequestParts<S> for Frame
where
    Arc<Site>: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let site = Arc::<Site>::from_ref(state);
        Ok(Self::of(&site, &parts.headers, &parts.uri))
    }
}

/// The shell of pages for anybody: one small column.
#[derive(Debug, Clone)]
pub struct PublicShell {
    /// The frame.
    pub frame: Frame,
    /// Roomier, for pages with more than a short form.
    pub wide: bool,
}

impl PublicShell {
    /// The usual small column.
    #[must_use]
    pub const fn new(frame: Frame) -> Self {
        Self { frame, wide: false }
    }

    /// A wider column.
    #[must_use]
    pub const fn wide(frame: Frame) -> Self {
        Self { frame, wide: true }
    }
}

/// An entry of a person's pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonEntry {
    /// Greeting, address, quota.
    Home,
    /// Devices and mail programs.
    Devices,
    /// Connected websites: apps that know who they are.
    Apps,
    /// Sessions and password.
    Security,
}

impl PersonEntry {
    /// All of them in display order.
    pub const ALL: [Self; 4] = [Self::Home, Self::Devices, Self::Apps, Self::Security];

    /// The word people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Home => "Home",
            Self::Devices => "Devices",
            Self::Apps => "Connected websites",
            Self::Security => "Security",
        }
    }

    /// Where it is.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Home => "/home",
            Self::Devices => "/devices",
            Self::Apps => "/apps",
            Self::Security => "/security",
        }
    }
}

/// An entry of the administrator's pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdminEntry {
    /// How things stand.
    Overview,
    /// Mailboxes.
    Mailboxes,
    /// Mail domains.
    Domains,
    /// Aliases.
    Aliases,
    /// Mailbox templates.
    Templates,
    /// Identity providers.
    Providers,
    /// Which template their people get.
    Rules,
    /// Apps that sign people in here.
    Apps,
    /// Attempts to sign in.
    SignIns,
    /// Why somebody can or cannot sign in.
    Why,
    /// Local administrators.
    Administrators,
    /// Settings that are changed while the server runs.
    Settings,
    /// Health.
    Health,
}

impl AdminEntry {
    /// The groups in display order; a group without a heading stands alone.
    pub const GROUPS: [(&'static str, &'static [Self]); 6] = [
        ("", &[Self::Overview]),
        (
            "People",
            &[
                Self::Mailboxes,
                Self::Domains,
                Self::Aliases,
                Self::Templates,
            ],
        ),
        ("Sign-in", &[Self::Providers, Self::Rules]),
        ("", &[Self::Apps]),
        ("Activity", &[Self::SignIns, Self::Why]),
        (
            "System",
            &[Self::Administrators, Self::Settings, Self::Health],
        ),
    ];

    /// The word people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Mailboxes => "Mailboxes",
            Self::Domains => "Domains",
            Self::Aliases => "Aliases",
            Self::Templates => "Templates",
            Self::Providers => "Providers",
            Self::Rules => "Rules",
            Self::Apps => "Apps",
            Self::SignIns => "Sign-ins",
            Self::Why => "Why can't they sign in?",
            Self::Administrators => "Administrators",
            Self::Settings => "Settings",
            Self::Health => "Health",
        }
    }

    /// Where it is.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Overview => "/admin",
            Self::Mailboxes => "/admin/mailboxes",
            Self::Domains => "/admin/domains",
            Self::Aliases => "/admin/aliases",
            Self::Templates => "/admin/templates",
            Self::Providers => "/admin/providers",
            Self::Rules => "/admin/rules",
            Self::Apps => "/admin/apps",
            Self::SignIns => "/admin/sign-ins",
            Self::Why => "/admin/why",
            Self::Administrators => "/admin/administrators",
            Self::Settings => "/admin/settings",
            Self::Health => "/admin/health",
        }
    }

    /// The name of its icon in the sprite.
    #[must_use]
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Mailboxes => "mailbox",
            Self::Domains => "domain",
            Self::Aliases => "alias",
            Self::Templates => "template",
            Self::Providers => "provider",
            Self::Rules => "rules",
            Self::Apps => "app",
            Self::SignIns => "activity",
            Self::Why => "search",
            Self::Administrators => "administrator",
            Self::Settings => "settings",
            Self::Health => "health",
        }
    }
}

/// The entries that exist: those whose page is registered. An entry without a page is never shown.
#[derive(Debug, Clone, Default)]
pub struct Entries(Arc<[&'static str]>);

impl Entries {
    /// The entries whose pages are among `rows`.
    #[must_use]
    pub fn of(rows: &[Row]) -> Self {
        let pages = rows.iter().filter(|row| row.method == Method::GET);
        Self(pages.map(|row| row.path).collect())
    }

    fn has(&self, path: &str) -> bool {
        self.0.contains(&path)
    }
}

/// The shell of a person's pages.
#[derive(Debug, Clone)]
pub struct PersonShell {
    /// The frame.
    pub frame: Frame,
    /// The token for the page's forms.
    pub token: FormToken,
    /// The address of the mailbox.
    pub address: String,
    /// Whether they also administer this server.
    pub administers: bool,
    /// Which entry the page belongs to.
    pub here: PersonEntry,
    /// What just happened.
    pub notice: Option<Notice>,
    /// Which entries exist.
    pub entries: Entries,
}

impl PersonShell {
    /// The entries to show.
    #[must_use]
    pub fn shown(&self) -> Vec<PersonEntry> {
        let mut shown = PersonEntry::ALL.to_vec();
        shown.retain(|entry| self.entries.has(entry.path()));
        shown
    }
}

/// The shell of the administrator's pages.
#[derive(Debug, Clone)]
pub struct AdminShell {
    /// The frame.
    pub frame: Frame,
    /// The token for the page's forms.
    pub token: FormToken,
    /// The administrator's name.
    pub who: String,
    /// Whether they also have a mailbox here, with a person's pages.
    pub has_mailbox: bool,
    /// Which entry the page belongs to.
    pub here: AdminEntry,
    /// What just happened.
    pub notice: Option<Notice>,
    /// Which entries exist.
    pub entries: Entries,
}

impl AdminShell {
    /// The groups of entries to show.
    #[must_use]
    pub fn groups(&self) -> Vec<(&'static str, Vec<AdminEntry>)> {
        let shown = |entries: &[AdminEntry]| {
            let mut shown = entries.to_vec();
            shown.retain(|entry| self.entries.has(entry.path()));
            shown
        };
        AdminEntry::GROUPS
            .iter()
            .map(|(name, entries)| (*name, shown(entries)))
            .filter(|(_, entries)| !entries.is_empty())
            .collect()
    }
}

/// Where to send somebody who must sign in first: the sign-in page, which brings them back.
#[must_use]
pub fn sign_in_path(back_to: &Uri) -> String {
    let back = LocalPath::parse(back_to.path_and_query().map_or("/", |path| path.as_str()));
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("next", back.unwrap_or_default().as_str())
        .finish();
    format!("/?{query}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Policy;

    #[test]
    fn entries_without_a_page_are_not_shown() {
        let row = |method, path| Row {
            path,
            method,
            policy: Policy::Public,
        };
        let entries = Entries::of(&[
            row(Method::GET, "/admin/domains"),
            row(Method::POST, "/admin/mailboxes"),
        ]);
        assert!(entries.has(AdminEntry::Domains.path()));
        assert!(!entries.has(AdminEntry::Mailboxes.path()));
        assert!(!entries.has(AdminEntry::Overview.path()));
    }

    #[test]
    fn signing_in_leads_back_to_where_one_was() {
        for (uri, path) in [
            ("/devices?after=3", "/?next=%2Fdevices%3Fafter%3D3"),
            ("//evil.test/", "/?next=%2F"),
        ] {
            assert_eq!(sign_in_path(&uri.parse().unwrap()), path);
        }
    }
}
