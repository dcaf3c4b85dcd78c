//! What is to be done at the other side, with the live values.

use super::{Preset, authelia, authentik, keycloak, steps};
use crate::provider::{Endpoints, ProviderSettings, backchannel_logout_url, signed_out_url};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// Stands where a client secret would: it is shown only while it is new.
pub(super) const HIDDEN: &str = "THE-CLIENT-SECRET";

/// A provider as the other side has to know it.
#[derive(Debug, Clone)]
pub struct Setup<'a> {
    /// Its short name here.
    pub slug: &'a str,
    /// What was filled in.
    pub settings: &'a ProviderSettings,
    /// Where people open this server.
    pub public_url: &'a str,
    /// The redirect URL, byte for byte.
    pub redirect_url: &'a str,
    /// The names of the templates, which serve as values until rules name others.
    pub templates: &'a [String],
    /// The client secret while it may be shown.
    pub secret: Option<Shown<'a>>,
}

/// A client secret that may be shown.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// The secret.
    pub plain: &'a SecretString,
    /// Its digest as Authelia keeps it.
    pub authelia_digest: &'a str,
}

/// What to do there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instructions {
    /// Of what kind it is.
    pub preset: Preset,
    /// The kind's name.
    pub name: String,
    /// Steps in their order.
    pub steps: Vec<String>,
    /// What to paste.
    pub block: Option<Block>,
    /// What to enter; the redirect URL comes first.
    pub values: Vec<Value>,
    /// What to watch.
    pub remarks: Vec<String>,
    /// Whether a placeholder stands where the client secret belongs.
    pub secret_hidden: bool,
}

/// Text to paste. It may hold the client secret, so it prints no contents for debugging.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// What it is.
    pub title: String,
    /// `yaml`, `json` or `sh`.
    pub language: String,
    /// The text.
    pub text: String,
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Block")
            .field("title", &self.title)
            .finish_non_exhaustive()
    }
}

/// Something to enter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value {
    /// The field there.
    pub field: String,
    /// What belongs into it.
    pub value: String,
}

/// What to do at the other side.
#[must_use]
pub fn instructions(setup: &Setup<'_>) -> Instructions {
    let preset = setup.settings.preset;
    let mut made = match preset {
        Preset::Authelia => authelia::instructions(setup),
        Preset::Authentik => authentik::instructions(setup),
        Preset::Keycloak => keycloak::instructions(setup),
        _ => steps::instructions(setup),
    };
    let own = |field: &str, value: &str| Value {
        field: field.to_owned(),
        value: value.to_owned(),
    };
    let common = [
        own("Redirect URL", setup.redirect_url),
        own("Scopes", &setup.settings.scopes),
    ];
    made.values.splice(0..0, common);
    if preset.tells_of_sign_outs() {
        let url = backchannel_logout_url(setup.public_url, setup.slug);
        made.values.push(own("Back-channel logout URL", &url));
    }
    if preset.signs_out() {
        let url = signed_out_url(setup.public_url, setup.slug);
        made.values.push(own("Post-logout redirect URL", &url));
    }
    made.remarks
        .extend(preset.facts().remarks.iter().map(ToString::to_string));
    made
}

impl Setup<'_> {
    /// Values of the template claim: those the rules ask for, else the templates' names.
    pub(super) fn values(&self) -> Vec<String> {
        let claim = self.settings.preset.facts().template_claim;
        let mut values: Vec<String> = Vec::new();
        for rule in &self.settings.rules {
            if Some(rule.claim.as_str()) != claim {
                continue;
            }
            values.extend_from_slice(rule.test.texts());
        }
        if values.is_empty() {
            values = self.templates.to_vec();
        }
        let mut seen = std::collections::BTreeSet::new();
        values.retain(|value| seen.insert(value.clone()));
        values
    }

    /// The scopes, one by one.
    pub(super) fn scopes(&self) -> impl Iterator<Item = &str> {
        self.settings
            .scopes
            .split(' ')
            .filter(|scope| !scope.is_empty())
    }

    /// The provider's own address, for links to its pages.
    pub(super) fn host(&self) -> &str {
        let url = match &self.settings.endpoints {
            Endpoints::Issuer { issuer } => issuer,
            Endpoints::Manual { authorize, .. } => authorize,
        };
        let host_at = url.find("://").map_or(0, |at| at + 3);
        let end = url[host_at..]
            .find('/')
            .map_or(url.len(), |at| host_at + at);
        &url[..end]
    }

    /// Instructions without any text yet.
    pub(super) fn blank(&self) -> Instructions {
        let facts = self.settings.preset.facts();
        // The last two have no name of their own.
        let name = if facts.button.is_empty() {
            &self.settings.name
        } else {
            facts.name
        };
        Instructions {
            preset: self.settings.preset,
            name: name.to_owned(),
            steps: Vec::new(),
            block: None,
            values: Vec::new(),
            remarks: Vec::new(),
            secret_hidden: false,
        }
    }
}

/// A text as YAML reads it back, in single quotes. Line breaks cannot stand there; names have none.
pub(super) fn yaml(text: &str) -> String {
    let flat: String = text.chars().filter(|c| !c.is_control()).collect();
    format!("'{}'", flat.replace('\'', "''"))
}

/// A text in double quotes, as JSON, CEL and Python read it.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// “a”, “b” or “c”.
pub(super) fn one_of(values: &[String]) -> String {
    let marked: Vec<_> = values.iter().map(|value| format!("“{value}”")).collect();
    match marked.as_slice() {
        [] => "the name of a template".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
