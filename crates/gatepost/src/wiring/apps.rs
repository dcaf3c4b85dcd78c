//! The use cases of each process, over the store and the keys that it may have.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use app::mail::{Coalescer, MailApp, MailParts};
use app::passwords::{Budgets, HashPool, LocalDesk};
use app::ports::{PasswordDesk, Recorder};
use app::{App, Parts};
use model::random::Random;
use model::time::{Clock, SystemClock, SystemMonotonic};
use store::{AuthKeys, KeyError, MasterKey, OsRandom, PurposeKeys, Store};
use upstream::Upstream;

use super::settings;
use crate::channel::control::Ids;
use crate::config::{Config, Layout};

/// A store of the newest schema and its master key. Both are made on the first run, and never
/// again: an existing store without its key is refused.
///
/// Whoever calls it holds the data directory's lock, and no other process has the store open for
/// writing.
///
/// # Errors
/// [`KeyError`]; [`KeyError::Lost`] says what is lost with a missing key.
pub fn prepare_store(layout: &Layout) -> Result<MasterKey, KeyError> {
    let (key, database) = (layout.master_key(), layout.database());
    match MasterKey::create_with_new_store(&key, &database, &OsRandom) {
        Ok(master) => {
            tracing::info!(key = %key.display(), "made a new store; back up its master key");
            Ok(master)
        }
        Err(KeyError::StoreExists(_)) => {
            let master = MasterKey::load(&key, &database)?;
            store::migrate(&database)?;
            Ok(master)
        }
        Err(error) => Err(error),
    }
}

/// The use cases of the web worker. The store is prepared; passwords are checked at `desk`. `internal`
/// is what the engines listen on for each other.
///
/// # Errors
/// When the store or its key cannot be opened.
pub fn web_app(
    config: &Config,
    internal: &[SocketAddr],
    desk: Arc<dyn PasswordDesk>,
) -> anyhow::Result<App> {
    let layout = config.layout();
    let keys = MasterKey::load(&layout.master_key(), &layout.database())?.purpose_keys()?;
    over_store(config, internal, keys, desk)
}

/// The use cases of a command that holds the data directory's lock, because no server runs. It
/// checks and hashes passwords itself.
///
/// # Errors
/// As [`prepare_store`], and when the store cannot be opened.
pub fn local_app(config: &Config) -> anyhow::Result<App> {
    let keys = prepare_store(&config.layout())?.purpose_keys()?;
    let desk = local_desk(Arc::new(OsRandom))?;
    // No server, so no engines either.
    over_store(config, &[], keys, Arc::new(desk))
}

fn over_store(
    config: &Config,
    internal: &[SocketAddr],
    keys: PurposeKeys,
    desk: Arc<dyn PasswordDesk>,
) -> anyhow::Result<App> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let upstream = upstream::Config {
        guard: settings::guard(config, internal),
        ..upstream::Config::default()
    };
    Ok(App::new(Parts {
        store: Store::open(&config.layout().database()).context("the store")?,
        keys,
        upstream: Upstream::new(upstream, Arc::clone(&clock), Arc::clone(&random)),
        desk,
        clock,
        random,
        config: settings::app(config),
    }))
}

fn local_desk(random: Arc<dyn Random>) -> anyhow::Result<LocalDesk> {
    let pool = HashPool::new(random).context("password hashing")?;
    Ok(LocalDesk::new(
        Arc::new(Budgets::new(Arc::new(SystemMonotonic::start()))),
        Arc::new(pool),
    ))
}

/// What the auth worker works with.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Decisions for Dovecot and Postfix.
    pub app: Arc<MailApp>,
    /// Budgets and slow hashes, which the web worker uses too ([`super::serve_desk`]).
    pub desk: LocalDesk,
    /// What logins taught, on its way to the recorder ([`super::hand_on_learned`]).
    pub coalescer: Arc<Coalescer>,
}

/// The use cases of the auth worker, with the keys that the keeper left for it. A store that cannot
/// be read yet is no error: until it can, every answer is a temporary fault of ours.
///
/// # Errors
/// When there are no keys, or they are of another store.
pub async fn mail_app(
    config: &Config,
    owner: Ids,
    recorder: Arc<dyn Recorder>,
) -> anyhow::Result<Mail> {
    let layout = config.layout();
    let key = AuthKeys::load(&layout.auth_keys())?.app_password;
    let store = Store::open_read_only(&layout.database());
    match store.read() {
        Ok(mut read) => {
            let of_store = store::keys::id_of_store(&mut read).await?;
            ensure!(
                of_store == Some(key.id()),
                "{} was made for another store than {}",
                layout.auth_keys().display(),
                layout.database().display()
            );
        }
        Err(error) => tracing::warn!(%error, "the store cannot be read yet"),
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let desk = local_desk(Arc::clone(&random))?;
    let coalescer = Arc::new(Coalescer::new(recorder));
    let app = MailApp::new(MailParts {
        store,
        app_password_key: key,
        desk: desk.clone(),
        coalescer: Arc::clone(&coalescer),
        clock,
        random,
        config: settings::mail(config, owner),
    });
    Ok(Mail {
        app: Arc::new(app),
        desk,
        coalescer,
    })
}
