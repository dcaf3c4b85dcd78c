//! Cards: what is known about a kind of app before anybody fills in its form, and what is to be done
//! at its side.
//!
//! The names of options are those of the products' own documentation: authentik's OAuth sources,
//! Nextcloud's `user_oidc`, Roundcube's `defaults.inc.php`, Grafana's `[auth.generic_oauth]`,
//! `gitea admin auth add-oauth`.

mod generic;
mod guide;

pub use guide::{CardGuide, CardSetup, CardUrls, guide};

use crate::oauth_app::{
    AppAccess, AppCard, AppKind, AppSettings, Consent, FullName, IdTokenAlg, PkceRule, RefreshRule,
    SubjectKind,
};
use std::collections::BTreeSet;

impl AppCard {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 6] = [
        Self::Authentik,
        Self::Nextcloud,
        Self::Roundcube,
        Self::Grafana,
        Self::Gitea,
        Self::Generic,
    ];

    /// The one with this key.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|card| card.key() == key)
    }

    /// Its name in addresses, commands and files.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Authentik => "authentik",
            Self::Nextcloud => "nextcloud",
            Self::Roundcube => "roundcube",
            Self::Grafana => "grafana",
            Self::Gitea => "gitea",
            Self::Generic => "generic",
        }
    }

    /// Its name for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Authentik => "authentik",
            Self::Nextcloud => "Nextcloud",
            Self::Roundcube => "Roundcube",
            Self::Grafana => "Grafana",
            Self::Gitea => "Gitea or Forgejo",
            Self::Generic => "Another app",
        }
    }

    /// What it is, in a few words.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Authentik => "As a federated source of its type mailcow.",
            Self::Nextcloud => "With its app “OpenID Connect user backend”.",
            Self::Roundcube => "Webmail.",
            Self::Grafana => "Dashboards, by generic OAuth.",
            Self::Gitea => "Git, by OpenID Connect.",
            Self::Generic => "Anything that speaks OpenID Connect or OAuth2.",
        }
    }

    /// What its redirect looks like, where that is known.
    #[must_use]
    pub const fn redirect_shape(self) -> &'static str {
        match self {
            Self::Authentik => "https://HOST/source/oauth/callback/SLUG/",
            Self::Nextcloud => "https://HOST/apps/user_oidc/code",
            Self::Roundcube => "https://HOST/index.php/login/oauth",
            Self::Grafana => "https://HOST/login/generic_oauth",
            Self::Gitea => "https://HOST/user/oauth2/gatepost/callback",
            Self::Generic => "https://HOST/callback",
        }
    }

    /// What to know about that redirect.
    #[must_use]
    pub const fn redirect_remark(self) -> &'static str {
        match self {
            Self::Authentik => {
                "SLUG is the source's slug in authentik. The slash at the end belongs to it."
            }
            Self::Nextcloud => {
                "Without pretty URLs it has /index.php before /apps. Add both if you are not sure."
            }
            Self::Roundcube => {
                "Roundcube makes it of the address that people open; behind a proxy set use_https."
            }
            Self::Grafana => "HOST is that of root_url in Grafana's [server] section.",
            Self::Gitea => "gatepost is the name of the authentication source there.",
            Self::Generic => "As the app's documentation names it, byte for byte.",
        }
    }

    /// The scopes that an app of this kind asks for, set up as its guide says.
    #[must_use]
    pub const fn scopes(self) -> &'static str {
        match self {
            Self::Authentik => "profile",
            Self::Nextcloud | Self::Gitea | Self::Generic => "openid profile email groups",
            Self::Roundcube => "openid profile email offline_access",
            Self::Grafana => "openid profile email groups offline_access",
        }
    }

    /// The settings of a new app of this kind, as far as they are known.
    #[must_use]
    pub fn settings(self) -> AppSettings {
        let mailcow = self == Self::Authentik;
        AppSettings {
            name: match self {
                Self::Gitea | Self::Generic => String::new(),
                other => other.label().to_owned(),
            },
            card: self,
            active: true,
            kind: AppKind::Confidential,
            redirects: Vec::new(),
            sign_out_redirects: Vec::new(),
            back_channel: None,
            back_channel_private: false,
            back_channel_ca: None,
            access: AppAccess::All,
            consent: Consent::Ask,
            // These send no challenge, or not in every release that is in use.
            pkce: match self {
                Self::Authentik | Self::Roundcube | Self::Gitea => PkceRule::IfSent,
                Self::Nextcloud | Self::Grafana | Self::Generic => PkceRule::Required,
            },
            mailcow,
            token_in_query: mailcow,
            full_name: FullName::Name,
            refresh: match self {
                Self::Authentik | Self::Roundcube => RefreshRule::Always,
                _ => RefreshRule::OfflineAccess,
            },
            id_token_alg: IdTokenAlg::Es256,
            subject: SubjectKind::Public,
            devices: false,
            straight_to: None,
            never_through: BTreeSet::new(),
        }
    }
}

#[cfg(test)]
mod tests;
