//! `oidc-provider` from npm: a certified OpenID provider.

use super::setup::set_claim;
use super::{ProviderError, RealProvider, Setup, forms};
use crate::browser::Tab;
use crate::process::Process;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use url::Url;

/// How long Node may take to start it, on a busy machine.
const START: Duration = Duration::from_secs(30);

/// A running provider; dropped, it ends. A person's login is their `sub`, and at its form any
/// password opens the account.
pub struct OidcProvider {
    process: Process,
    issuer: String,
    people: Map<String, Value>,
    turn: u64,
}

impl OidcProvider {
    /// The person has left.
    ///
    /// # Errors
    /// When nobody has the login or the provider has ended.
    pub async fn remove_person(&mut self, login: &str) -> Result<(), ProviderError> {
        if self.people.remove(login).is_none() {
            return Err(ProviderError::NoSuchPerson(login.to_owned()));
        }
        self.tell_people().await
    }

    /// Waits until the provider has taken the change in.
    async fn tell_people(&mut self) -> Result<(), ProviderError> {
        self.turn += 1;
        let message = json!({"people": self.people, "turn": self.turn});
        self.process.say(&message.to_string())?;
        self.process
            .says(&format!("people {}", self.turn), START)
            .await?;
        Ok(())
    }
}

impl RealProvider for OidcProvider {
    const NAME: &'static str = "oidc-provider";

    async fn start(setup: Setup) -> Result<Self, ProviderError> {
        let directory = directory();
        let packages = directory.join("node_modules/oidc-provider");
        if !packages.exists() {
            let missing = packages.display().to_string();
            return Err(ProviderError::NotInstalled(missing));
        }
        let mut command = Command::new("node");
        command.arg("provider.mjs").current_dir(directory);
        let mut process = Process::start(command)?;
        let clients = setup.clients.iter().map(|client| {
            let mut metadata = client.also.clone();
            metadata.insert("client_id".to_owned(), json!(client.id));
            metadata.insert("client_secret".to_owned(), json!(client.secret));
            metadata.insert("redirect_uris".to_owned(), json!(client.redirect_uris));
            metadata.insert("token_endpoint_auth_method".to_owned(), json!(client.auth));
            if let Some((backchannel, signed_out)) = &client.departures {
                let mut tell = |name: &str, value| metadata.insert(name.to_owned(), value);
                tell("backchannel_logout_uri", json!(backchannel));
                tell("backchannel_logout_session_required", json!(true));
                tell("post_logout_redirect_uris", json!([signed_out]));
                tell(
                    "grant_types",
                    json!(["authorization_code", "refresh_token"]),
                );
            }
            metadata
        });
        let config = json!({
            "clients": clients.collect::<Vec<_>>(),
            "people": setup.people,
            "pkce_required": !setup.pkce_optional,
            "claims_in_id_token": setup.claims_in_id_token,
            "template_scope": !setup.no_template_scope,
            "trailing_slashes": setup.trailing_slashes,
        });
        process.say(&config.to_string())?;
        let issuer = process.says("ready ", START).await?;
        Ok(Self {
            process,
            issuer,
            people: setup.people,
            turn: 0,
        })
    }

    fn issuer(&self) -> &str {
        &self.issuer
    }

    async fn set_claim(
        &mut self,
        login: &str,
        claim: &str,
        value: impl Into<Value>,
    ) -> Result<(), ProviderError> {
        set_claim(&mut self.people, login, claim, value)?;
        self.tell_people().await
    }

    async fn sign_in(&self, tab: &mut Tab, url: &str, login: &str) -> Result<Url, ProviderError> {
        forms::walk(tab, url, |page| {
            let form = page.form("form")?;
            if form.value("prompt").as_deref() != Some("login") {
                return Ok(form);
            }
            let form = form.fill("login", login)?;
            Ok(form.fill("password", super::PASSWORD)?)
        })
        .await
    }

    fn output(&self) -> String {
        self.process.output()
    }
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/providers/oidc-provider")
}
