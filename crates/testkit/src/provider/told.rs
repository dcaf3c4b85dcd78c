//! A provider of `tests/providers`, which is told on its standard input what to be: the first line
//! is its configuration and answered by `ready ISSUER`; any later one replaces its people and is
//! answered by its own `turn`.

use super::ProviderError;
use super::setup::set_claim;
use crate::process::Process;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long it may take to start and listen, on a busy machine.
const START: Duration = Duration::from_secs(60);

/// Where the program of this name stands, with what `make deps` installs beside it.
pub(super) fn directory(name: &str) -> PathBuf {
    let providers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/providers");
    providers.join(name)
}

/// It is running; dropped, it ends.
pub(super) struct Told {
    process: Process,
    issuer: String,
    people: Map<String, Value>,
    turn: u64,
}

impl Told {
    /// Starts it; the people are told with the rest of its configuration.
    pub(super) async fn start(
        command: Command,
        mut config: Value,
        people: Map<String, Value>,
    ) -> Result<Self, ProviderError> {
        let mut process = Process::start(command)?;
        config["people"] = json!(people);
        process.say(&config.to_string())?;
        let issuer = process.says("ready ", START).await?;
        Ok(Self {
            process,
            issuer,
            people,
            turn: 0,
        })
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(super) fn output(&self) -> String {
        self.process.output()
    }

    pub(super) async fn set_claim(
        &mut self,
        login: &str,
        claim: &str,
        value: impl Into<Value>,
    ) -> Result<(), ProviderError> {
        set_claim(&mut self.people, login, claim, value)?;
        self.tell_people().await
    }

    pub(super) async fn remove_person(&mut self, login: &str) -> Result<(), ProviderError> {
        if self.people.remove(login).is_none() {
            return Err(ProviderError::NoSuchPerson(login.to_owned()));
        }
        self.tell_people().await
    }

    /// Waits until it has taken the change in.
    async fn tell_people(&mut self) -> Result<(), ProviderError> {
        self.turn += 1;
        let message = json!({"people": self.people, "turn": self.turn});
        self.process.say(&message.to_string())?;
        let told = format!("people {}", self.turn);
        self.process.says(&told, START).await?;
        Ok(())
    }
}
