//! Which scopes to ask for unless an administrator names others (design decision 4).

use crate::App;
use model::ids::ProviderId;
use model::link::Namespace;
use model::preset::Preset;
use model::provider::{ClientAuth, Endpoints, Provider, ProviderSettings};
use model::rule::MAILCOW_CLAIM;

const STANDARD: &str = "openid profile email";

impl App {
    /// The scopes for a provider whose administrator named none: those of its kind; else mailcow's
    /// string for endpoints typed by hand; the standard three for an issuer, and `mailcow_template`
    /// when its discovery document lists it. A provider that does not answer is asked for the three.
    pub async fn default_scopes(&self, settings: &ProviderSettings) -> String {
        if !matches!(settings.preset, Preset::Issuer | Preset::Endpoints) {
            return settings.preset.facts().scopes.to_owned();
        }
        let lists_claim = match &settings.endpoints {
            Endpoints::Manual { .. } => true,
            Endpoints::Issuer { .. } => self.lists_claim(settings).await.unwrap_or_default(),
        };
        if lists_claim {
            format!("{STANDARD} {MAILCOW_CLAIM}")
        } else {
            STANDARD.to_owned()
        }
    }

    /// Whether the discovery document of an issuer lists mailcow's scope; `None` without one.
    async fn lists_claim(&self, settings: &ProviderSettings) -> Option<bool> {
        let typed = ProviderSettings {
            scopes: STANDARD.to_owned(),
            // No secret goes out with this call.
            client_auth: ClientAuth::Auto,
            ..settings.clone()
        };
        let (settings, _) = self.checked(typed, &super::slug_of(&settings.name)).ok()?;
        let now = self.clock.now();
        let unsaved = Provider {
            id: ProviderId(0),
            slug: String::new(),
            created: now,
            modified: now,
            secret: None,
            checks_stopped: None,
            namespace: Namespace(String::new()),
            settings,
        };
        let calls = upstream::ProviderSettings::of(&unsaved, None).ok()?;
        let metadata = self.upstream.metadata(&calls).await.ok()??;
        metadata.knows_scope(MAILCOW_CLAIM)
    }
}
