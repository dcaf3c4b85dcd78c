//! What every use case works with.

use crate::devices::ServerSettings;
use crate::oauth::{AppUses, DeviceMemory, Signing};
use crate::passwords::Starts;
use crate::ports::PasswordDesk;
use crate::sign_in::{Initiated, Posted, Refusals, Returning};
use crate::sign_out::Away;
use crate::test_sign_in::TestSignIns;
use model::random::Random;
use model::session::{Principal, SessionLifetime};
use model::time::{Clock, SystemMonotonic};
use parking_lot::Mutex;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

/// The use cases of the web worker, or of a command line that holds the data directory. Cheap to
/// clone: every request does.
#[derive(Clone)]
pub struct App(Arc<Context>);

/// What they share.
pub struct Context {
    /// The store, open for writing.
    pub(crate) store: store::Store,
    /// Purpose keys: sealing, tags of sessions and flows, tags of app passwords.
    pub(crate) keys: Arc<store::PurposeKeys>,
    /// The way out to providers.
    pub(crate) upstream: Arc<upstream::Upstream>,
    /// Slow hashes and failure budgets.
    pub(crate) desk: Arc<dyn PasswordDesk>,
    /// Places for wrong answers that are held back.
    pub(crate) held: Arc<tokio::sync::Semaphore>,
    /// Sign-ins that networks may still start.
    pub(crate) starts: Arc<Starts>,
    /// The refusals of this minute.
    pub(crate) refusals: Arc<Mutex<Refusals>>,
    /// Answers of providers that are being judged.
    pub(crate) returning: Arc<Returning>,
    /// Test sign-ins under way and their results.
    pub(crate) tests: Arc<TestSignIns>,
    /// Answers that came as forms and wait for their browsers.
    pub(crate) posted: Arc<Mutex<Posted>>,
    /// Browsers that a third party sent to a provider just now.
    pub(crate) initiated: Arc<Mutex<Initiated>>,
    /// People who are at a provider to sign out, and return to an app.
    pub(crate) away: Arc<Mutex<Away>>,
    /// The keys that sign ID tokens.
    pub(crate) signing: Arc<Signing>,
    /// What apps did of late: wrong secrets, and uses that are noted already.
    pub(crate) app_uses: Arc<Mutex<AppUses>>,
    /// How often devices ask, and what was typed for them.
    pub(crate) waiting: Arc<Mutex<DeviceMemory>>,
    /// Now.
    pub(crate) clock: Arc<dyn Clock>,
    /// Randomness.
    pub(crate) random: Arc<dyn Random>,
    /// Settings from the configuration file.
    pub(crate) config: Arc<AppConfig>,
    /// Wakes the outbox after a commit that filled it.
    pub(crate) outbox_bell: Arc<tokio::sync::Notify>,
}

/// Settings from the configuration file that use cases need.
#[derive(Debug, Clone)]
pub struct AppConfig {
    /// Scheme and host people open, without trailing slash: `https://mail.example.org`.
    pub public_url: String,
    /// How long people's sessions live.
    pub sessions: SessionLifetime,
    /// How long administrators' sessions live.
    pub admin_sessions: SessionLifetime,
    /// What mail programs are told to use.
    pub servers: ServerSettings,
    /// What mail to helpdesks points at; `None` where no mail can be sent, since nothing listens
    /// for SMTP.
    pub helpdesk: Option<HelpdeskPages>,
    /// How long attempts on the web are kept, unless an administrator has set it: this and the two
    /// below are read through [`App::kept_for`].
    pub keep_attempts: Duration,
    /// How long attempts of mail programs are kept, and app passwords after they were revoked.
    pub keep_mail_attempts: Duration,
    /// How long the record of changes is kept.
    pub keep_audit: Duration,
    /// How long the mail of a deleted mailbox is kept.
    pub keep_deleted_mail: Duration,
}

/// Pages that mail to a helpdesk points at: absolute URLs without trailing slash.
#[derive(Debug, Clone)]
pub struct HelpdeskPages {
    /// Above the pages of attempts, by reference.
    pub attempts: String,
    /// Above the help pages of codes.
    pub codes: String,
}

/// From where somebody asks.
#[derive(Debug, Clone, Default)]
pub struct Client {
    /// The address, from the connection or a trusted proxy.
    pub ip: Option<IpAddr>,
    /// The browser's own words.
    pub user_agent: String,
}

/// What an [`App`] is made of.
pub struct Parts {
    /// The store, open for writing.
    pub store: store::Store,
    /// Purpose keys.
    pub keys: store::PurposeKeys,
    /// The way out to providers.
    pub upstream: upstream::Upstream,
    /// Slow hashes and failure budgets.
    pub desk: Arc<dyn PasswordDesk>,
    /// Now.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Settings.
    pub config: AppConfig,
}

impl AppConfig {
    /// How long the sessions of somebody live.
    pub(crate) const fn lifetime(&self, principal: Principal) -> SessionLifetime {
        match principal {
            Principal::Person(_) => self.sessions,
            Principal::Admin(_) => self.admin_sessions,
        }
    }
}

impl App {
    /// Wires the parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Context {
            store: parts.store,
            keys: Arc::new(parts.keys),
            upstream: Arc::new(parts.upstream),
            desk: parts.desk,
            held: Arc::new(tokio::sync::Semaphore::new(crate::web_passwords::MOST_HELD)),
            starts: Arc::new(Starts::new(Arc::new(SystemMonotonic::start()))),
            refusals: Arc::default(),
            returning: Arc::default(),
            tests: Arc::default(),
            posted: Arc::default(),
            initiated: Arc::default(),
            away: Arc::default(),
            signing: Arc::default(),
            app_uses: Arc::default(),
            waiting: Arc::default(),
            clock: parts.clock,
            random: parts.random,
            config: Arc::new(parts.config),
            outbox_bell: Arc::new(tokio::sync::Notify::new()),
        }))
    }

    /// Scheme and host people open, without trailing slash.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.config.public_url
    }

    /// The clock everything is judged by.
    #[must_use]
    pub fn now(&self) -> model::time::Timestamp {
        self.clock.now()
    }

    /// A write that may have filled the outbox: rings its bell after the commit.
    pub(crate) async fn write_ringing<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: AsyncFn(&mut store::Conn) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<store::StoreError> + Send + 'static,
    {
        let done = self.store.write(job).await?;
        self.outbox_bell.notify_one();
        Ok(done)
    }
}

impl Deref for App {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.0
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
