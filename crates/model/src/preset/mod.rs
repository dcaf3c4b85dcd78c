//! Presets: what is known about a kind of provider before anybody fills in its form, and what is to
//! be done at the other side.

mod authelia;
mod authentik;
mod catalogue;
mod instructions;
mod issuer;
mod keycloak;
mod steps;

pub use catalogue::Facts;
pub use instructions::{Block, Instructions, Setup, Shown, Value, instructions};
pub use issuer::{IssuerRepair, repair_issuer};

use crate::provider::{Endpoints, EveryoneElse, Leavers, ProviderSettings, RedirectForm, TlsTrust};
use serde::{Deserialize, Serialize};

/// A kind of provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Authelia.
    Authelia,
    /// authentik.
    Authentik,
    /// Keycloak.
    Keycloak,
    /// Kanidm.
    Kanidm,
    /// Zitadel.
    Zitadel,
    /// Rauthy.
    Rauthy,
    /// Pocket ID.
    PocketId,
    /// Google Workspace.
    Google,
    /// Microsoft Entra ID.
    Entra,
    /// Any other with an issuer; also what is not known of providers set up before there were
    /// presets.
    #[default]
    Issuer,
    /// Three endpoints typed by hand, as mailcow's form asks for them.
    Endpoints,
}

impl Preset {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 11] = [
        Self::Authelia,
        Self::Authentik,
        Self::Keycloak,
        Self::Kanidm,
        Self::Zitadel,
        Self::Rauthy,
        Self::PocketId,
        Self::Google,
        Self::Entra,
        Self::Issuer,
        Self::Endpoints,
    ];

    /// The one with this key, as addresses and commands name it.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.key() == key)
    }

    /// Its name in addresses, commands and files.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Authelia => "authelia",
            Self::Authentik => "authentik",
            Self::Keycloak => "keycloak",
            Self::Kanidm => "kanidm",
            Self::Zitadel => "zitadel",
            Self::Rauthy => "rauthy",
            Self::PocketId => "pocket-id",
            Self::Google => "google",
            Self::Entra => "entra",
            Self::Issuer => "issuer",
            Self::Endpoints => "endpoints",
        }
    }

    /// The settings of a new provider of this kind, as far as they are known.
    #[must_use]
    pub fn settings(self) -> ProviderSettings {
        let facts = self.facts();
        ProviderSettings {
            preset: self,
            name: facts.button.to_owned(),
            // Until a test sign-in has passed.
            active: false,
            endpoints: if self == Self::Endpoints {
                Endpoints::Manual {
                    authorize: String::new(),
                    token: String::new(),
                    userinfo: String::new(),
                }
            } else {
                // Google's is the only one that is the same for everybody.
                let issuer = if self == Self::Google {
                    facts.issuer_example
                } else {
                    ""
                };
                Endpoints::Issuer {
                    issuer: issuer.to_owned(),
                }
            },
            client_id: facts.client_id.to_owned(),
            client_auth: facts.client_auth,
            redirect: RedirectForm::default(),
            response_mode: crate::provider::ResponseMode::default(),
            scopes: facts.scopes.to_owned(),
            address_claim: "email".to_owned(),
            subject_claim: None,
            email_trust: facts.email_trust,
            domains: Vec::new(),
            create: true,
            rules: Vec::new(),
            everyone_else: EveryoneElse::default(),
            tls: TlsTrust::default(),
            private_hosts: Vec::new(),
            leavers: Leavers::default(),
        }
    }

    /// Whether client id and secret are made here and carried over by its block; others make their
    /// own.
    #[must_use]
    pub const fn makes_client_here(self) -> bool {
        matches!(self, Self::Authelia | Self::Authentik | Self::Keycloak)
    }
}

impl Preset {
    /// Whether providers of this kind can sign people out on our behalf, as far as is known.
    #[must_use]
    pub const fn signs_out(self) -> bool {
        self.tells_of_sign_outs() || matches!(self, Self::Entra)
    }

    /// Whether providers of this kind can tell us that somebody signed out there.
    #[must_use]
    pub const fn tells_of_sign_outs(self) -> bool {
        matches!(
            self,
            Self::Authentik
                | Self::Keycloak
                | Self::Zitadel
                | Self::Rauthy
                | Self::PocketId
                | Self::Issuer
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_stored_form() {
        for preset in Preset::ALL {
            let stored = serde_json::to_value(preset).unwrap();
            assert_eq!(stored, preset.key());
            assert_eq!(Preset::of_key(preset.key()), Some(preset));
        }
        assert_eq!(Preset::of_key("Authelia"), None);
    }

    #[test]
    fn default_scopes_ask_for_the_address_and_slugs_fit_a_path() {
        for preset in Preset::ALL {
            let facts = preset.facts();
            let scopes: Vec<_> = facts.scopes.split(' ').collect();
            assert!(scopes.contains(&"openid") && scopes.contains(&"email"));
            assert!(
                facts
                    .slug
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b == b'-')
            );
        }
    }
}
