//! Side effects on the engines, as the outbox of the web worker runs them.

use app::ports::{Answer, EffectFailed, Engines};
use engines::kick::{Endpoint, Kicker};
use engines::layout::Layout;
use model::address::Address;
use secrecy::SecretString;
use std::path::PathBuf;

use crate::channel::control::Verb;
use crate::config::Config;
use crate::keeper::engines::directories;
use crate::worker::Keeper;

/// Kicks go to Dovecot from here; reloads go to the keeper, as a word without arguments.
#[derive(Debug)]
pub struct EngineEffects {
    /// `None` on an installation without Dovecot.
    kicker: Option<Kicker>,
    mail: PathBuf,
    keeper: Keeper,
}

impl EngineEffects {
    /// With the key of Dovecot's administration interface; empty without Dovecot.
    #[must_use]
    pub fn new(config: &Config, key: &[u8], keeper: Keeper) -> Self {
        let directories = directories(config);
        let kicker = std::str::from_utf8(key)
            .ok()
            .filter(|key| !key.is_empty())
            .map(|key| {
                let socket = Layout::of(&directories).kick_socket();
                Kicker::new(Endpoint::Unix(socket), SecretString::from(key.to_owned()))
            });
        Self {
            kicker,
            mail: directories.mail,
            keeper,
        }
    }
}

impl Engines for EngineEffects {
    fn kick<'a>(&'a self, address: &'a Address) -> Answer<'a, Result<u64, EffectFailed>> {
        Box::pin(async move {
            let Some(kicker) = &self.kicker else {
                return Ok(0);
            };
            let ended = kicker.kick(address).await;
            ended
                .map(u64::from)
                .map_err(|error| EffectFailed(error.to_string()))
        })
    }

    fn remove_mail<'a>(&'a self, directory: &'a str) -> Answer<'a, Result<(), EffectFailed>> {
        Box::pin(async move {
            // Made by the store from a storage id; anything else is not a mailbox's directory.
            let is_mailbox = directory.split_once('/').is_some_and(|(shelf, id)| {
                let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
                shelf.len() == 2 && id.len() == 32 && hex(shelf) && hex(id)
            });
            if !is_mailbox {
                return Err(EffectFailed(format!(
                    "{directory:?} is no mailbox's directory"
                )));
            }
            let path = self.mail.join(directory);
            match tokio::fs::remove_dir_all(&path).await {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(EffectFailed(format!("{}: {error}", path.display())))
                }
                _ => Ok(()),
            }
        })
    }

    fn reload<'a>(&'a self) -> Answer<'a, Result<(), EffectFailed>> {
        Box::pin(async move {
            let asked = self.keeper.ask(Verb::ReloadEngines).await;
            asked.map_err(|error| EffectFailed(error.to_string()))
        })
    }
}
