//! Canaille from PyPI, on SQLite.
//!
//! Its claims are fixed, so a template comes by a group. It signs with RS512 unless it is given
//! keys, states `auth_time` as a fraction, and its clients have no audience unless they are given
//! one: `"aud": []`, which is nobody's. Two tokens for one person within the same second are alike
//! to it, and the second is an error 500: sign-ins here keep a second apart.

use super::told::{Told, directory};
use super::{PASSWORD, ProviderError, RealProvider, Setup, forms, installed};
use crate::browser::Tab;
use crate::tempdir::ShortDir;
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

/// A running provider; dropped, it ends.
pub struct Canaille {
    // Before its directory, which goes after it.
    told: Told,
    _dir: ShortDir,
    /// When the next code may be exchanged without meeting the last one's second.
    free: Mutex<Instant>,
}

/// A second, and what a request may take.
const APART: Duration = Duration::from_millis(1200);

impl RealProvider for Canaille {
    const NAME: &'static str = "Canaille";

    async fn start(setup: Setup) -> Result<Self, ProviderError> {
        let directory = directory("canaille");
        let python = directory.join("venv/bin/python");
        installed(&python)?;
        let dir = ShortDir::new()?;
        let mut command = Command::new(python);
        command
            .arg(directory.join("provider.py"))
            .current_dir(dir.path());
        let clients = setup.clients.iter().map(|client| {
            json!({
                "client_id": client.id,
                "client_secret": client.secret,
                "redirect_uris": client.redirect_uris,
                "token_endpoint_auth_method": client.auth,
                "audience": !setup.no_audience,
            })
        });
        let config = json!({
            "clients": clients.collect::<Vec<_>>(),
            "password": PASSWORD,
        });
        Ok(Self {
            told: Told::start(command, config, setup.people).await?,
            _dir: dir,
            free: Mutex::new(Instant::now()),
        })
    }

    fn issuer(&self) -> &str {
        self.told.issuer()
    }

    async fn set_claim(
        &mut self,
        login: &str,
        claim: &str,
        value: impl Into<Value>,
    ) -> Result<(), ProviderError> {
        self.told.set_claim(login, claim, value).await
    }

    async fn sign_in(&self, tab: &mut Tab, url: &str, login: &str) -> Result<Url, ProviderError> {
        let answer = forms::walk(tab, url, |page| {
            let form = page.form("form")?;
            match form.clone().fill("login", login) {
                Ok(form) => Ok(form),
                Err(_) => match form.fill("password", PASSWORD) {
                    Ok(form) => Ok(form),
                    Err(_) => Ok(page.form_with_button("Accept")?),
                },
            }
        })
        .await?;
        let mut free = self.free.lock().await;
        tokio::time::sleep_until(*free).await;
        *free = Instant::now() + APART;
        Ok(answer)
    }

    fn output(&self) -> String {
        self.told.output()
    }

    fn template(template: &str) -> (&'static str, Value) {
        ("groups", json!([template]))
    }

    fn scopes() -> &'static str {
        "openid profile email groups"
    }
}
