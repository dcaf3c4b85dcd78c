//! Web sessions.

use crate::ids::{AdminId, MailboxId, ProviderId, SessionId};
use crate::link::Namespace;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::time::Duration;

/// Who is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Principal {
    /// The owner of a mailbox.
    Person(MailboxId),
    /// A local administrator.
    Admin(AdminId),
}

/// A web session. The token itself is only in the person's cookie; the store holds its tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its id, as the person's list of sessions names it.
    pub id: SessionId,
    /// Who is signed in.
    pub principal: Principal,
    /// By which provider; `None` for a local password.
    pub provider: Option<ProviderId>,
    /// When it began.
    pub created: Timestamp,
    /// When the person proved who they are: when it began, or before that at the provider, where that
    /// let them through without asking and says since when it knows them (`auth_time`).
    pub proved: Timestamp,
    /// When it was last used, to the minute.
    pub last_used: Timestamp,
    /// From where it was made.
    pub ip: Option<IpAddr>,
    /// The browser's own words at that time, cut to 200 characters.
    pub user_agent: String,
}

/// The session at a provider on which a web session stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSession {
    /// The provider.
    pub provider: ProviderId,
    /// Where the subject is unique.
    pub namespace: Namespace,
    /// The person.
    pub subject: String,
    /// The provider's name of its session (`sid`), where a verified ID token told one.
    pub sid: Option<String>,
}

/// How long sessions live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLifetime {
    /// Without use.
    pub idle: Duration,
    /// In all.
    pub absolute: Duration,
}

impl Default for SessionLifetime {
    /// Three hours idle (mailcow's), twelve in all.
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(3 * 3600),
            absolute: Duration::from_secs(12 * 3600),
        }
    }
}

impl SessionLifetime {
    /// Whether `session` is still good at `now`. A clock that jumped back does not make a session
    /// immortal: one made in the future is refused.
    #[must_use]
    pub fn permits(&self, session: &Session, now: Timestamp) -> bool {
        let skew = Duration::from_secs(120);
        session.created <= now.plus(skew)
            && now.since(session.created) < self.absolute
            && now.since(session.last_used) < self.idle
    }
}
