//! `oidc-provider` from npm: a certified OpenID provider that somebody else wrote, with mistakes
//! and habits of its own.

use crate::process::{Process, ProcessError};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long Node may take to start it, on a busy machine.
const START: Duration = Duration::from_secs(30);

/// Why it does not run.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// Its packages are not there.
    #[error("{} is missing: run `make deps`", .0.display())]
    NotInstalled(PathBuf),
    /// Nobody has this login.
    #[error("nobody has the login {0:?}")]
    NoSuchPerson(String),
    /// It did not start or did not answer.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// What it is started with.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    clients: Vec<Value>,
    people: Map<String, Value>,
    pkce_optional: bool,
    claims_in_id_token: bool,
}

impl Setup {
    /// Registers a confidential client. `auth` is the registered token endpoint method, such as
    /// `client_secret_basic`.
    #[must_use]
    pub fn client(mut self, id: &str, secret: &str, auth: &str, redirect_uris: &[&str]) -> Self {
        self.clients.push(json!({
            "client_id": id,
            "client_secret": secret,
            "redirect_uris": redirect_uris,
            "token_endpoint_auth_method": auth,
        }));
        self
    }

    /// Takes somebody on. `login` is the `sub` too; at its form any password opens the account.
    #[must_use]
    pub fn person(mut self, login: &str, claims: Value) -> Self {
        self.people.insert(login.to_owned(), claims);
        self
    }

    /// Lets clients leave PKCE out.
    #[must_use]
    pub fn pkce_optional(mut self) -> Self {
        self.pkce_optional = true;
        self
    }

    /// Puts claims into the ID token too, not into userinfo alone.
    #[must_use]
    pub fn claims_in_id_token(mut self) -> Self {
        self.claims_in_id_token = true;
        self
    }
}

/// A running provider; dropped, it ends.
pub struct OidcProvider {
    process: Process,
    issuer: String,
    people: Map<String, Value>,
    turn: u64,
}

impl OidcProvider {
    /// Starts it on a free loopback port.
    ///
    /// # Errors
    /// When its packages are missing or it does not start.
    pub async fn start(setup: Setup) -> Result<Self, ProviderError> {
        let directory = directory();
        let packages = directory.join("node_modules/oidc-provider");
        if !packages.exists() {
            return Err(ProviderError::NotInstalled(packages));
        }
        let mut command = Command::new("node");
        command.arg("provider.mjs").current_dir(directory);
        let mut process = Process::start(command)?;
        let config = json!({
            "clients": setup.clients,
            "people": setup.people,
            "pkce_required": !setup.pkce_optional,
            "claims_in_id_token": setup.claims_in_id_token,
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

    /// Starts it, or says that the test is skipped where its packages are missing.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_or_skip(setup: Setup) -> Result<Option<Self>, ProviderError> {
        match Self::start(setup).await {
            Ok(provider) => Ok(Some(provider)),
            Err(ProviderError::NotInstalled(_)) => {
                crate::skip::skip("the packages of tests/providers are missing (make deps)");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The issuer; discovery lies under it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Changes or adds a person's claim; the next sign-in and userinfo answer see it.
    ///
    /// # Errors
    /// When nobody has the login or the provider has ended.
    pub async fn set_claim(
        &mut self,
        login: &str,
        claim: &str,
        value: impl Into<Value>,
    ) -> Result<(), ProviderError> {
        let claims = self.people.get_mut(login).and_then(Value::as_object_mut);
        let claims = claims.ok_or_else(|| ProviderError::NoSuchPerson(login.to_owned()))?;
        claims.insert(claim.to_owned(), value.into());
        self.tell_people().await
    }

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

    /// Everything it has printed, for a failed test's message.
    #[must_use]
    pub fn output(&self) -> String {
        self.process.output()
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

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/providers/oidc-provider")
}
