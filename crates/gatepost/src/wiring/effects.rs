//! Side effects on the engines, as the outbox of the web worker runs them.

use app::ports::{Answer, EffectFailed, Engines, Letter, Progress};
use engines::kick::{Endpoint, Kicker};
use engines::layout::Layout;
use engines::post::Post;
use model::address::{Address, DomainName};
use secrecy::SecretString;
use uuid::Uuid;

use super::removals::Removals;
use super::settings;
use crate::channel::control::Verb;
use crate::config::Config;
use crate::keeper::engines::directories;
use crate::worker::Keeper;

/// Kicks go to Dovecot from here; reloads and removals go to the keeper, as words without
/// arguments.
#[derive(Debug)]
pub struct EngineEffects {
    /// `None` on an installation without Dovecot.
    kicker: Option<Kicker>,
    removals: Removals,
    /// `None` where nothing listens for SMTP.
    post: Option<Post>,
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
            removals: Removals::new(config.layout().removals(), keeper.clone()),
            post: settings::post(config),
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

    fn kick_domain<'a>(&'a self, domain: &'a DomainName) -> Answer<'a, Result<u64, EffectFailed>> {
        Box::pin(async move {
            let Some(kicker) = &self.kicker else {
                return Ok(0);
            };
            let ended = kicker.kick_domain(domain).await;
            ended
                .map(u64::from)
                .map_err(|error| EffectFailed(error.to_string()))
        })
    }

    fn remove_mail(&self, storage: Uuid) -> Answer<'_, Result<Progress, EffectFailed>> {
        Box::pin(async move {
            let removal = self.removals.remove(storage);
            removal.map_err(|error| EffectFailed(error.to_string()))
        })
    }

    fn send<'a>(&'a self, letter: &'a Letter) -> Answer<'a, Result<(), EffectFailed>> {
        Box::pin(async move {
            let nobody = || EffectFailed("nothing listens for SMTP".to_owned());
            let post = self.post.as_ref().ok_or_else(nobody)?;
            let sent = post.send(&letter.to, &letter.subject, &letter.text).await;
            sent.map_err(|error| EffectFailed(error.to_string()))
        })
    }

    fn reload<'a>(&'a self) -> Answer<'a, Result<(), EffectFailed>> {
        Box::pin(async move {
            let asked = self.keeper.ask(Verb::ReloadEngines).await;
            asked.map_err(|error| EffectFailed(error.to_string()))
        })
    }
}
