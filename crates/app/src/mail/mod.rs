//! Decisions for Dovecot and Postfix, in the auth worker: a read-only store, no way out, and no
//! synchronous write. What is learned leaves through [`crate::ports::Recorder`].

mod login;
mod lookup;
mod record;
mod verdicts;

pub use login::{Credential, Grant, Login, LoginAnswer, Turned};
pub use lookup::MailUser;
pub use record::Coalescer;

use crate::passwords::LocalDesk;
use crate::ports::Unavailable;
use model::address::DomainName;
use model::random::Random;
use model::time::Clock;
use std::sync::Arc;

/// The use cases of the auth worker.
pub struct MailApp {
    store: store::Store,
    key: store::PurposeKey,
    desk: LocalDesk,
    verdicts: verdicts::Verdicts,
    coalescer: Arc<Coalescer>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    config: MailConfig,
}

/// Settings the auth worker needs.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// Where people make app passwords: `https://mail.example.org/devices`.
    pub devices_url: String,
    /// Root of the mail tree, absolute.
    pub mail_root: String,
    /// Owner of mail files.
    pub uid: u32,
    /// Group of mail files.
    pub gid: u32,
    /// The mail server's own name, whose postmaster must be reachable (RFC 5321 4.5.1).
    pub hostname: Option<DomainName>,
}

/// What the auth worker is made of.
pub struct MailParts {
    /// The store, read-only.
    pub store: store::Store,
    /// The key of app-password tags.
    pub app_password_key: store::PurposeKey,
    /// Budgets and slow hashes.
    pub desk: LocalDesk,
    /// Where uses and failures are gathered.
    pub coalescer: Arc<Coalescer>,
    /// Now.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for the references of attempts and the verdict cache's key.
    pub random: Arc<dyn Random>,
    /// Settings.
    pub config: MailConfig,
}

impl MailApp {
    /// Wires the parts.
    #[must_use]
    pub fn new(parts: MailParts) -> Self {
        let MailParts {
            store,
            app_password_key,
            desk,
            coalescer,
            clock,
            random,
            config,
        } = parts;
        Self {
            verdicts: verdicts::Verdicts::new(random.as_ref(), clock.clone()),
            key: app_password_key,
            store,
            desk,
            coalescer,
            clock,
            random,
            config,
        }
    }
}

impl std::fmt::Debug for MailApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailApp")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// A store that cannot answer is a temporary failure, whatever the reason.
fn unavailable(error: impl std::fmt::Display) -> Unavailable {
    tracing::warn!(%error, "the store cannot answer a mail look-up");
    Unavailable
}
