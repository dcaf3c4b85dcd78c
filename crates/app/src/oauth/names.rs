//! How people, sessions and secrets are named towards apps.

use crate::App;
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::oauth_app::{AppSettings, RefreshRule, SubjectKind};
use model::random;
use oidc::scope::Scopes;
use url::Url;
use uuid::Uuid;

/// A scope that apps may ask for; others are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// An ID token, and userinfo.
    OpenId,
    /// The person's name, and mailcow's profile.
    Profile,
    /// The address.
    Email,
    /// The mailbox's tags.
    Groups,
    /// Going on while the person is away.
    OfflineAccess,
}

impl Scope {
    /// All of them, in the order in which they are named.
    pub const ALL: [Self; 5] = [
        Self::OpenId,
        Self::Profile,
        Self::Email,
        Self::Groups,
        Self::OfflineAccess,
    ];

    /// Its name in requests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenId => "openid",
            Self::Profile => "profile",
            Self::Email => "email",
            Self::Groups => "groups",
            Self::OfflineAccess => "offline_access",
        }
    }

    /// Whether it is among scopes that are separated by spaces.
    #[must_use]
    pub fn is_in(self, scopes: &str) -> bool {
        scopes.split(' ').any(|scope| scope == self.name())
    }
}

/// Whether what an app was allowed with these scopes goes on while the person is away.
#[must_use]
pub(crate) fn goes_on(settings: &AppSettings, scopes: &str) -> bool {
    settings.refresh == RefreshRule::Always || Scope::OfflineAccess.is_in(scopes)
}

/// What people are told of these scopes: an app that always goes on does so without asking for it.
#[must_use]
pub(crate) fn told(settings: &AppSettings, scopes: &str) -> Vec<Scope> {
    let away = |scope| scope == Scope::OfflineAccess && goes_on(settings, scopes);
    let all = Scope::ALL.into_iter();
    all.filter(|scope| scope.is_in(scopes) || away(*scope))
        .collect()
}

/// What an app is granted of the scopes it asks for, separated by single spaces: those there are,
/// and for mailcow's clients `profile` where there is none. `None` for nothing at all.
pub(super) fn grantable(settings: &AppSettings, asked: &Scopes) -> Option<String> {
    let known = asked.among(&Scope::ALL.map(Scope::name));
    match (known.is_empty(), settings.mailcow) {
        (false, _) => Some(known.to_string()),
        (true, true) => Some(Scope::Profile.name().to_owned()),
        (true, false) => None,
    }
}

/// What kind of secret a tag is made of: no tag of one is ever one of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secret {
    Client,
    Code,
    Access,
    Refresh,
    /// What a device asks with.
    Device,
    /// What a person types for a device.
    UserCode,
}

impl Secret {
    const fn name(self) -> &'static [u8] {
        match self {
            Self::Client => b"app-secret",
            Self::Code => b"app-code",
            Self::Access => b"app-access",
            Self::Refresh => b"app-refresh",
            Self::Device => b"app-device",
            Self::UserCode => b"app-user-code",
        }
    }
}

impl App {
    /// The tag under which a secret of an app is stored.
    pub(crate) fn oauth_tag(&self, kind: Secret, secret: &str) -> Vec<u8> {
        self.keys.tag.tag(&[kind.name(), secret.as_bytes()])
    }

    /// What an app will know a web session by, unless it knows it by another name already.
    pub(crate) fn new_app_sid(&self) -> String {
        random::token(self.random.as_ref())
    }
}

/// What an app knows a person by. Made of the storage id, which is random and never given to a later
/// owner of the address; for pairwise subjects also of the host of the app's first redirect (OpenID
/// Connect Core section 8.1).
#[must_use]
pub(crate) fn subject(settings: &AppSettings, storage: Uuid) -> String {
    let sector = match settings.subject {
        SubjectKind::Public => None,
        SubjectKind::Pairwise => settings.redirects.first().map(|uri| sector(uri)),
    };
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"gatepost subject\0");
    context.update(sector.unwrap_or_default().as_bytes());
    context.update(b"\0");
    context.update(storage.as_bytes());
    URL_SAFE_NO_PAD.encode(&context.finish().as_ref()[..24])
}

/// Whose redirect it is: the host of a web site, or a program's own scheme.
pub(crate) fn sector(redirect: &str) -> String {
    let Ok(url) = Url::parse(redirect) else {
        return String::new();
    };
    match url.scheme() {
        "http" | "https" => url.host_str().unwrap_or_default().to_owned(),
        scheme => scheme.to_owned(),
    }
}
