//! Canaille from PyPI, on SQLite.
//!
//! Its claims are fixed, so a template comes by a group. It signs with RS512 unless it is given
//! keys, states `auth_time` as a fraction, and its clients have no audience unless they are given
//! one: `"aud": []`, which is nobody's. Two tokens for one person within the same second are alike
//! to it, and the second is an error 500: sign-ins here keep a second apart.

use super::setup::set_claim;
use super::{PASSWORD, ProviderError, RealProvider, Setup, forms};
use crate::browser::Tab;
use crate::process::Process;
use crate::tempdir::ShortDir;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

/// How long it may take to make its database and listen, on a busy machine.
const START: Duration = Duration::from_secs(60);

/// A running provider; dropped, it ends.
pub struct Canaille {
    // Before its directory, which goes after it.
    process: Process,
    _dir: ShortDir,
    issuer: String,
    people: Map<String, Value>,
    turn: u64,
    /// When the next code may be exchanged without meeting the last one's second.
    free: Mutex<Instant>,
}

/// A second, and what a request may take.
const APART: Duration = Duration::from_millis(1200);

impl RealProvider for Canaille {
    const NAME: &'static str = "Canaille";

    async fn start(setup: Setup) -> Result<Self, ProviderError> {
        let directory = directory();
        let python = directory.join("venv/bin/python");
        if !python.exists() {
            let missing = python.display().to_string();
            return Err(ProviderError::NotInstalled(missing));
        }
        let dir = ShortDir::new()?;
        let mut command = Command::new(python);
        command
            .arg(directory.join("provider.py"))
            .current_dir(dir.path());
        let mut process = Process::start(command)?;
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
            "people": setup.people,
            "password": PASSWORD,
        });
        process.say(&config.to_string())?;
        let issuer = process.says("ready ", START).await?;
        Ok(Self {
            process,
            _dir: dir,
            issuer,
            people: setup.people,
            turn: 0,
            free: Mutex::new(Instant::now()),
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
        self.turn += 1;
        let message = json!({"people": self.people, "turn": self.turn});
        self.process.say(&message.to_string())?;
        let told = format!("people {}", self.turn);
        self.process.says(&told, START).await?;
        Ok(())
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
        self.process.output()
    }

    fn template(template: &str) -> (&'static str, Value) {
        ("groups", json!([template]))
    }

    fn scopes() -> &'static str {
        "openid profile email groups"
    }
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/providers/canaille")
}
